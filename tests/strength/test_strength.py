"""What every remedy is known to solve: a change that weakens one shows here.

`cases.csv` has a line a case: of five retests on fresh seeds at least `solves` are solved, each within
`budget` FLOPs. Where `trials` are three, the method's recipes are all that is tried; where they are more, the
tuning finds what the recipes lack.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from longlag import reports
from longlag.bench.campaign.coordinator import Coordinator
from longlag.bench.campaign.launch import launch
from longlag.bench.campaign.profile import Profile, parse
from longlag.bench.contract.method import MOST_RECIPES
from longlag.bench.plugins.registry import discover
from longlag.bench.store import TRIALS

FOLDER = Path("results", "local", "strength")
"""Where the whole table is run, so that an interrupted run can go on."""
RETESTS = 5
CASES = pd.read_csv(Path(__file__).with_name("cases.csv"))
BRIEF = CASES.loc[CASES.groupby("method").budget.idxmin()]
"""What ordinary test runs check: the cheapest case of each remedy."""


def profile(cases: pd.DataFrame) -> Profile:
    """The campaign that tunes and retests `cases`."""
    tasks = [
        {
            "task": case.task,
            "lags": [case.lag],
            "methods": [case.method],
            "trials": case.trials,
            "budget": case.budget,
        }
        for case in cases.itertuples()
    ]
    own = {"name": "strength", "methods": sorted(set(cases.method)), "tasks": tasks}
    # One recipe after the other, so that one which needs more than twice what an earlier did is cut.
    rest = {"lags": [1], "trials": MOST_RECIPES, "batch": 1, "budget": 1e9, "timeout": 3600}
    return parse({**own, **rest, "reruns": 2, "retests": RETESTS}, "cases.csv")


def solved(cases: pd.DataFrame, folder: Path) -> pd.Series:
    """Solved retests of each case, by method, task and lag, after the campaign in `folder`."""
    console = Console()
    coordinator = Coordinator(profile(cases), discover(()), folder)
    # pytest's own arguments would say nothing to a reader.
    coordinator.manifest.command = "python -m nox -s strength"
    coordinator.open(resume=True)
    try:
        assert not coordinator.skipped
        if not coordinator.complete:
            assert launch(console, coordinator)
    finally:
        coordinator.close()
    results = reports.read([folder])
    reports.write(results, folder)
    console.print(*reports.terminal(results))
    rows = pd.read_parquet(folder / TRIALS)
    retests = rows[rows.phase == "retest"].assign(task=rows.task + ":" + rows.variant)
    costs = retests.dropna(subset="flops_to_solve")
    assert (costs.flops_to_solve <= costs.budget).all()
    return retests.groupby(["method", "task", "lag"]).solved.sum()


def weaker(cases: pd.DataFrame, folder: Path) -> list[str]:
    """The cases that solve less than they did."""
    found = solved(cases, folder)
    assert len(found) == len(cases)
    return [
        f"{case.method} {case.task} {case.lag}: {found[case.method, case.task, case.lag]} of {RETESTS}, "
        f"not {case.solves}, within {case.budget:.0e} FLOPs"
        for case in cases.itertuples()
        if found[case.method, case.task, case.lag] < case.solves
    ]


@pytest.mark.slow
def test_every_remedy_solves_its_cheapest_case(tmp_path: Path) -> None:
    assert not weaker(BRIEF, tmp_path / "strength")


@pytest.mark.strength
def test_no_remedy_is_weaker_than_it_was() -> None:
    assert not weaker(CASES, FOLDER)
