"""What Dask adds to a trial, and what the `paper` profile asks of a cluster of many cores.

A Dask worker that runs two trials at once, their scheduler and the coordinator beside them, against the local
pool of two: the same trials of one update, whose own time is taken off by taking as many again of the
pool's.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from longlag.bench.campaign.grid import cells, ladders
from longlag.bench.campaign.profile import read
from longlag.bench.plugins.registry import discover
from longlag.bench.trial.spec import Case, Checks, Limits, TrialSpec
from longlag.bench.workers.cluster import DaskExecutor
from longlag.bench.workers.pool import LocalPool

CHORES = str(Path(__file__).parents[1] / "bench" / "chores.py")
TRIALS, ROUNDS = 200, 3
PROFILE = "paper"


def specs(count: int) -> list[TrialSpec]:
    case = Case("nothing", "chore", "standard", 1)
    limits, checks = Limits(1e4, updates=1), Checks(4, 4, 4)
    return [
        TrialSpec(case, "tune", number, number, {"rate": 0.1}, limits, checks, (CHORES,))
        for number in range(count)
    ]


@pytest.mark.filterwarnings("ignore")
def test_what_dask_adds_to_a_trial(
    pairs: Callable[..., Any], holds: Callable[..., None], facts: dict[str, Any], timed: bool
) -> None:
    distributed = pytest.importorskip("distributed")
    if not timed:
        pytest.skip("nothing to compare: `nox -s cluster` tests that the rows are the same")
    pool = LocalPool(2, timeout=60, memory_gb=1)
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=True, dashboard_address=None
    ) as cluster:
        dask = DaskExecutor.connect(cluster.scheduler_address, timeout=60, memory_gb=1)

        def through(executor: Any) -> list[str]:
            futures = [executor.submit(spec) for spec in specs(TRIALS)]
            return [executor.outcome(future).status for future in futures]

        assert through(dask) == through(pool)
        found = pairs(lambda: through(dask), lambda: through(pool), ROUNDS, time.perf_counter)
        dask.close()
    pool.close()
    facts["dask"] = {"seconds_per_trial": min(max(0.0, pair.ours - pair.theirs) / TRIALS for pair in found)}
    holds("a trial of one update through Dask", "the local pool", [p.ours / p.theirs for p in found])


def test_what_the_largest_profile_asks(benchmark: Any, facts: dict[str, Any], timed: bool) -> None:
    """Its cases, trials and FLOPs, if every trial takes its whole budget, for the page to divide."""
    grid, _ = benchmark.pedantic(lambda: ladders(read(PROFILE), discover()), rounds=1)
    every = cells(grid)
    flops: dict[str, float] = {}
    for cell in every:
        flops[cell.case.method] = flops.get(cell.case.method, 0.0) + cell.phases.total * cell.budget
    assert sum(flops.values()) > 0
    if timed:
        facts["campaign"] = {
            "profile": PROFILE,
            "cases": len(every),
            "trials": sum(cell.phases.total for cell in every),
            "flops": flops,
            "batch": read(PROFILE).batch,
            "rounds": max(-(-cell.phases.tuning // read(PROFILE).batch) for cell in every) + 2,
            "flops_per_trial": max(cell.budget for cell in every),
        }
