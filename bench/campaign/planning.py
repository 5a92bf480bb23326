"""What `longlag plan` prints: the grid, its FLOPs, and a time from a pilot step of each case."""

from __future__ import annotations

import math
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from rich.console import Console
from rich.table import Table

from longlag.bench.campaign.grid import Cell, cells, ladders
from longlag.bench.campaign.profile import Profile
from longlag.bench.campaign.progress import duration
from longlag.bench.campaign.study import CaseProgram
from longlag.bench.plugins.registry import Registry
from longlag.bench.trial.spec import Case, Checks, Outcome, TrialSpec
from longlag.bench.workers.pool import Executor

_PILOT_UPDATES = 10


def show(console: Console, profile: Profile, registry: Registry, executor: Executor) -> None:
    """Print the plan of `profile`; `executor` runs the pilot steps."""
    found, skipped = ladders(profile, registry)
    grid = cells(found)
    pilots = _pilots(profile, registry, grid, executor)
    table = Table(title=f"plan of {profile.name}: at most", title_justify="left")
    for column in ("method", "task"):
        table.add_column(column, overflow="fold")
    for column, widest in (
        ("lag", "100"),
        ("FLOPs a trial", "2.5e+09"),
        ("FLOPs in all", "2.5e+09"),
        ("worker time", "59 min"),
    ):
        table.add_column(column, justify="right", overflow="fold", min_width=len(widest))
    flops = seconds = 0.0
    every = 0
    for cell in grid:
        case, budget = cell.case, cell.budget
        runs = profile.runs(cell.trials)
        every += runs
        outcome = pilots[case]
        rate = outcome.flops / outcome.seconds if outcome.seconds > 0 else math.nan
        time = runs * budget / rate if rate > 0 else math.nan
        flops += runs * budget
        seconds += 0.0 if math.isnan(time) else time
        told = outcome.detail if math.isnan(time) else duration(time)
        task = f"{case.task}:{case.variant}"
        table.add_row(case.method, task, str(case.lag), f"{budget:.2g}", f"{runs * budget:.2g}", told)
    console.print(table)
    for label, why in skipped.items():
        console.print(f"skipped {label}: {why}")
    console.print(
        f"{len(grid)} cases, {every} trials with the retests: "
        f"at most {flops:.3g} FLOPs, "
        f"about {duration(seconds / executor.slots)} on {executor.slots} workers if nothing is solved early",
        soft_wrap=True,
    )


def _pilots(
    profile: Profile, registry: Registry, grid: list[Cell], executor: Executor
) -> dict[Case, Outcome]:
    """A few updates of every case's first trial."""
    futures: dict[Case, Future[Any]] = {}
    done: dict[Case, Outcome] = {}
    for cell in grid:
        spec = _first_trial(profile, registry, cell)
        if spec.fault:
            done[cell.case] = Outcome("crashed", spec.fault)
        else:
            futures[cell.case] = executor.submit(spec)
    return done | {case: executor.outcome(future) for case, future in futures.items()}


def _first_trial(profile: Profile, registry: Registry, cell: Cell) -> TrialSpec:
    case = cell.case
    task = registry.task(case.task, case.variant, case.lag)
    program = CaseProgram(cell, profile, registry.method(case.method), task).run()
    spec = next(program)[0]
    program.close()
    return replace(
        spec,
        limits=replace(spec.limits, updates=_PILOT_UPDATES),
        checks=Checks(1, 1, 1, profile.checks.share),
    )
