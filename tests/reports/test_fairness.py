"""docs/fairness.md's figures, on rows whose answers can be worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from longlag.bench import store
from longlag.reports import judged, tuned_alike, weighed
from longlag.reports.evidence import Evidence, Section, Stored
from longlag.reports.fairness import page
from tests.reports.conftest import Maker

METHODS = ["lstm", "echo_state", "vanilla"]


def stored(maker: Maker, recipes: int = 3, sampler: str = "tpe", trials: int = 4) -> Stored:
    made = maker.made()
    keys = {"recipes": recipes, "sampler": sampler, "trials": trials, "methods": METHODS}
    profile = {**made.manifest.profile, **keys}
    frame = made.trials.assign(run_id=maker.name + made.trials["run_id"])
    return Stored(made.manifest.model_copy(update={"profile": profile}), frame)


def timed(**columns: Any) -> pd.DataFrame:
    rows = pd.DataFrame({"method": "lstm", "task": "adding", "variant": "hs97", "lag": 10, **columns})
    return rows.assign(run_id="a", updates=5, same=True, cpu="some <cpu>", cores=2, threads=1)


CHECKS = timed(seconds=[4.0, 8.0], checking=[1.0, 1.0], confirming=[0.5, 0.5])


def evidence(*tuned: Stored, **published: Stored) -> Evidence:
    return Evidence({str(number): each for number, each in enumerate(tuned)}, published, CHECKS)


def rows(section: Section) -> list[list[str]]:
    """The table's cells, without its head."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in section.table[2:]]


def tuned_and_retested(name: str, scores: list[float], solved: int, n: int, lag: int = 10) -> Maker:
    """A case whose tuning trials had these scores, and whose winner solved so many of its retests."""
    maker = Maker(name=name)
    for score in scores:
        maker.run("lstm", lag, score * 1e10 if score < 1 else None, phase="tune", score=score)
    for number in range(n):
        maker.run("lstm", lag, 1e9 if number < solved else None)
    return maker


def test_recipes_are_compared_in_the_cases_that_all_campaigns_have() -> None:
    some = tuned_and_retested("all", [0.1] * 4, 5, 5)
    some.run("lstm", 50, 1e9)
    section = tuned_alike.recipes(
        evidence(stored(some, 3), stored(tuned_and_retested("none", [1.9] * 4, 0, 2), 0))
    )
    assert rows(section) == [[name, "0/1", "0/2", "1/1", "5/5"] for name in ("lstm", "all")]
    assert "0 with recipes = 0 and 1 with recipes = 3" in section.meaning
    assert "it changes in 1 case (" in section.meaning


def test_width_counts_the_trials_until_a_setting_is_near_the_best_known() -> None:
    # The fifth is a rerun.
    alone = tuned_and_retested("none", [1.9, 0.5, 0.105, 0.1, 0.01], 5, 5)
    near = tuned_alike.width(evidence(stored(alone, 0)))
    assert rows(near)[0][2:] == ["2", "never", "1/1"]
    alone = tuned_and_retested("none", [1.9, 0.5, 0.105, 0.1], 5, 5)
    near = tuned_alike.width(evidence(stored(alone, 0)))
    assert rows(near)[0][1:] == ["1", "2", "3", "0/1"]
    helped = stored(tuned_and_retested("all", [0.05], 5, 5), 3)
    far = tuned_alike.width(evidence(stored(alone, 0), helped))
    assert rows(far)[0][2:] == ["2", "never", "1/1"]
    assert "1 of 1 case with tpe" in far.meaning
    assert "is 2 with tpe" in far.meaning


def test_what_no_trial_ever_solved_is_not_near_its_best() -> None:
    never = tuned_and_retested("none", [1.9, 1.9, 1.9, 1.9], 0, 2)
    assert rows(tuned_alike.width(evidence(stored(never, 0))))[0][2:] == ["never", "never", "1/1"]


def test_the_samplers_are_compared_without_recipes() -> None:
    tpe = stored(tuned_and_retested("tpe", [0.5, 0.2], 4, 5), 0)
    random = stored(tuned_and_retested("random", [0.5, 0.3], 5, 5), 0, "random")
    with_recipes = stored(tuned_and_retested("all", [0.01], 5, 5), 3)
    section = tuned_alike.sampler(evidence(tpe, random, with_recipes))
    assert rows(section) == [["lstm", "adding:hs97, 10", "0.2", "0.3", "4/5", "5/5"]]
    assert "Its best score is the lower in 1 of 1 case," in section.meaning
    assert "Of TPE's 2 trials 0 are the random search's too" in section.meaning


def test_without_a_random_campaign_the_page_says_so() -> None:
    section = tuned_alike.sampler(evidence(stored(tuned_and_retested("tpe", [0.5], 5, 5), 0)))
    assert not section.table
    assert "Not measured" in section.meaning


@pytest.mark.parametrize(("times", "tau"), [([1.0, 2.0, 3.0], "1.00"), ([3.0, 2.0, 1.0], "-1.00")])
def test_flops_and_seconds_are_ranked_in_every_case(times: list[float], tau: str) -> None:
    maker = Maker()
    for method, cost in zip(METHODS, (1e7, 1e8, 1e9), strict=True):
        maker.run(method, 10, cost)
    maker.run("lstm", 50, 1e7)
    one = stored(maker)
    one.trials["seconds"] = [*times, 1.0]
    table = rows(weighed.seconds(evidence(one, quick=one)))
    costs = zip(("1e7", "1e8", "1e9"), times, (1, 2, 3), strict=True)
    cells = [f"{cost}, {time:.0f} s ({rank}, {time:.0f})" for cost, time, rank in costs]
    assert table[0] == ["quick", "adding:hs97, 10", *cells, tau]
    assert table[1][0] == "FLOPs a second"


def test_the_sizes_of_winners_stand_in_every_case() -> None:
    maker = Maker()
    for method, units in zip(METHODS, (4, 8, 16), strict=True):
        maker.run(method, 10, 1e9, phase="tune", hyperparameters={"units": units})
        maker.run(method, 10, 1e9, phase="tune", hyperparameters={"units": 2 * units})
        maker.run(method, 10, 1e9 / units)
    one = stored(maker)
    one.trials["parameters"] = [10, 20, 15, 20, 40, 30, 40, 80, 60]
    section = weighed.parameters(evidence(one))
    assert rows(section) == [
        ["units tried", "all", "4 to 8", "8 to 16", "16 to 32", ""],
        ["parameters tried", "all", "10 to 20", "20 to 40", "40 to 80", ""],
        ["0", "adding:hs97, 10", "15", "30", "60", "4"],
    ]


def test_a_confirmation_holds_where_the_last_test_is_below_the_limit() -> None:
    maker = Maker()
    for error in (0.0, 0.009, 0.01, 0.02, 0.5):
        maker.run("lstm", 10, 1e9, error=error)
    maker.run("lstm", 10, None, error=0.5)
    one = stored(maker)
    section = judged.confirmation(evidence(one, quick=one))
    # Wilson's interval of 3 of 5.
    assert rows(section)[0] == ["lstm", "5", "3", "60%", "[0.23, 0.88]", "2%", "50%"]


def test_the_share_of_checks_is_of_the_time_with_them() -> None:
    section = judged.checks(evidence(stored(Maker()), quick=stored(Maker())))
    assert rows(section) == [["lstm", "2", "19%", "12%", "25%", "9.4%"]]


def test_every_campaign_of_the_folder_is_read(tmp_path: Path) -> None:
    made = {
        "quick": Maker(),
        "strength": Maker(),
        "fairness/none": tuned_and_retested("none", [0.2] * 4, 5, 5),
        "fairness/random": tuned_and_retested("random", [0.2] * 4, 5, 5),
        "fairness/all": tuned_and_retested("all", [0.2] * 4, 5, 5),
    }
    keys = {"none": (0, "tpe"), "random": (0, "random"), "all": (3, "tpe")}
    for number, (name, maker) in enumerate(made.items()):
        for method in METHODS:
            maker.run(method, 20 + number, 1e9, phase="tune")
            maker.run(method, 20 + number, 1e9)
        each = stored(maker, *keys.get(Path(name).name, (3, "tpe")))
        (tmp_path / name).mkdir(parents=True)
        store.write_manifest(tmp_path / name, each.manifest)
        each.trials.to_parquet(tmp_path / name / "trials.parquet")
    CHECKS.to_csv(tmp_path / "fairness" / "checks.csv", index=False)
    said = page(tmp_path)
    assert [f"## {number}. " in said for number in range(1, 9)] == [True] * 7 + [False]
    assert all(f"| {Path(name).name} |" in said for name in made)
