import numpy as np
import pytest

from longlag.reports.relaxed import not_recomputed, relaxed, thresholds
from longlag.reports.results import Results


def campaign(maker):
    close = maker.run("lstm", 10, None, error=0.015)
    maker.curve(close, [0.9, 0.015, 0.5, 0.012])
    far = maker.run("lstm", 10, None)
    maker.curve(far, [0.9, 0.5, 0.02])
    solved = maker.run("lstm", 10, 8e9)
    maker.curve(solved, [0.9, 0.018, 0.0], 8e9)
    maker.run("lstm", 10, None)
    tuned = maker.run("lstm", 10, None, phase="tune")
    maker.curve(tuned, [0.9, 0.001])
    return maker.made()


def test_a_run_is_solved_at_its_first_check_below_twice_the_threshold(maker):
    found = relaxed(campaign(maker), 2).trials
    assert found["solved"].tolist() == [True, False, True, False, False]
    # of 1e10 FLOPs in four checks the second; of 8e9 in three the second, before the strict one
    np.testing.assert_allclose(found["flops_to_solve"], [1e10 / 3, np.nan, 4e9, np.nan, np.nan])
    np.testing.assert_allclose(found["updates_to_solve"][:1], [1e10 / 3 / 2e6])
    assert found["status"].tolist() == ["solved", "plateau", "solved", "plateau", "plateau"]


def test_once_the_threshold_is_the_strict_criterion(maker):
    made = campaign(maker)
    found = relaxed(made, 1).trials
    assert found["solved"].tolist() == made.trials["solved"].tolist()
    np.testing.assert_allclose(found["flops_to_solve"], made.trials["flops_to_solve"])


def test_a_task_s_own_threshold_is_read_off_its_runs(maker):
    made = campaign(maker)
    for error in (0.03, 0.04, 0.045):
        key = maker.run("lstm", 64, 1e9, task="digits")
        maker.curve(key, [0.9, error])
    made = maker.made()
    retests = made.trials[made.trials["phase"] == "retest"]
    assert thresholds(retests, made.curves).tolist() == pytest.approx([0.01] * 4 + [0.05] * 3)


def test_what_cannot_be_computed_again_is_said(maker):
    said = not_recomputed([campaign(maker)], 2)
    assert "1 retests have no stored curve" in said
    assert "2 times" in said


def test_the_cases_follow(maker):
    made = campaign(maker)
    (case,) = Results([relaxed(made, 2)]).cases.itertuples()
    assert (case.solved, case.n) == (2, 4)


def test_what_is_right_before_the_first_update_is_not_solved_by_it(maker):
    lucky = maker.run("lstm", 10, None)
    maker.curve(lucky, [0.015, 0.5, 0.9])
    solved = maker.run("lstm", 10, 8e9)
    maker.curve(solved, [0.015, 0.5, 0.0], 8e9)
    later = maker.run("lstm", 10, None)
    maker.curve(later, [0.0, 0.9, 0.015])
    found = relaxed(maker.made(), 2).trials
    assert found["solved"].tolist() == [False, True, True]
    np.testing.assert_allclose(found["flops_to_solve"], [np.nan, 8e9, 1e10])
