import numpy as np
import pandas as pd

from longlag.reports.crowds import BINS, MOST, crowd, some_runs


def rows(count):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {"method": rng.choice(["a", "b"], count), "cost": rng.lognormal(20, 2, count), "status": "solved"}
    )


def test_few_marks_stand_for_themselves():
    frame = rows(MOST)
    pd.testing.assert_frame_equal(crowd(frame, ["method"], "cost").drop(columns="runs"), frame)


def test_a_crowd_keeps_its_number_and_its_shape():
    frame = rows(5 * MOST)
    found = crowd(frame, ["method"], "cost", log=True)
    assert len(found) <= 2 * BINS
    assert found["runs"].sum() == len(frame)
    counts = frame.groupby("method").size()
    assert found.groupby("method")["runs"].sum().to_dict() == counts.to_dict()
    width = np.ptp(np.log(frame["cost"])) / BINS
    for _, own in frame.groupby("method"):
        shown = found[found["method"] == own["method"].iloc[0]]
        # the median of the marks, each counted as often as it stands for, is that of the runs but for a bin
        weighted = np.median(np.log(np.repeat(shown["cost"].to_numpy(), shown["runs"].to_numpy())))
        assert abs(weighted - np.median(np.log(own["cost"]))) <= width


def test_equal_marks_are_one():
    frame = pd.DataFrame({"method": "a", "cost": [7.0] * (MOST + 1)})
    assert crowd(frame, ["method"], "cost")[["cost", "runs"]].to_numpy().tolist() == [[7.0, MOST + 1]]


def test_some_runs_of_many_are_at_even_ranks_of_their_cost():
    frame = pd.DataFrame({"method": ["a"] * 100 + ["b"] * 3, "cost": [*range(100, 0, -1), 1, 2, 3]})
    kept = frame[some_runs(frame, ["method"], "cost", 5)]
    assert sorted(kept.loc[kept["method"] == "a", "cost"]) == [20, 40, 60, 80, 100]
    assert len(kept[kept["method"] == "b"]) == 3
