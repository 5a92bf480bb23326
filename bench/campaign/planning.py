"""What `longlag plan` prints: the grid, its FLOPs, and the time it may take, from pilot steps."""

from __future__ import annotations

import math
from concurrent.futures import Future, as_completed
from dataclasses import dataclass, replace
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from longlag.bench.campaign.profile import Cell, Profile, cells, counted
from longlag.bench.campaign.progress import bar, duration
from longlag.bench.campaign.study import CaseProgram
from longlag.bench.plugins.registry import Registry
from longlag.bench.trial.spec import Case, Checks, Outcome, TrialSpec
from longlag.bench.workers.pool import Executor

_PILOT_UPDATES = 20

_EARLY = 0.05
"""The share of its budget after which a case counts as solved early."""


def show(console: Console, profile: Profile, registry: Registry, executor: Executor) -> None:
    """Print the plan of `profile`; `executor` runs the pilot steps."""
    grid, skipped = cells(profile, registry)
    rates = _rates(_pilots(console, profile, registry, grid, executor))
    title = f"plan of {profile.name}: at most"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    for column in ("method", "task"):
        table.add_column(column, overflow="fold")
    for column, widest in (
        ("lag", "100"),
        ("trial FLOPs", "2.5e+09"),
        ("case FLOPs", "2.5e+09"),
        ("worker time", "59 min"),
    ):
        table.add_column(column, justify="right", overflow="fold", min_width=len(widest))
    flops = least = most = 0.0
    for cell in grid:
        case, budget = cell.case, cell.budget
        whole = profile.phases(cell).total() * budget
        rate = rates[_group(case)]
        flops += whole
        if rate.known:
            least += _if_early(profile, cell) / rate.at(case.lag)
            most += whole / rate.at(case.lag)
        told = duration(whole / rate.at(case.lag)) if rate.known else rate.failure
        task = f"{case.task}:{case.variant}"
        table.add_row(case.method, task, str(case.lag), f"{budget:.2g}", f"{whole:.2g}", told)
    console.print(table)
    for label, why in skipped.items():
        console.print(f"skipped {label}: {why}")
    console.print(f"{counted(profile, grid)}: at most {flops:.3g} FLOPs", soft_wrap=True)
    console.print(
        f"time on {executor.slots} workers: from {duration(least / executor.slots)} if every case is solved "
        f"early, in {_EARLY:.0%} of its budget, to {duration(most / executor.slots)} if none is",
        soft_wrap=True,
    )


def _if_early(profile: Profile, cell: Cell) -> float:
    """The FLOPs of a case whose first trial solves it early, as do its reruns and retests."""
    capped = 1.0 if profile.cap is None else min(1.0, profile.cap * _EARLY)
    phases = profile.phases(cell)
    others = cell.trials - 1
    return cell.budget * (_EARLY * (phases.total() - others) + capped * others)


@dataclass
class _Rate:
    """FLOPs a second of one method on one task."""

    known: dict[int, float]
    """By the lag of the pilot."""
    failure: str = ""
    """Why a pilot has none."""

    def at(self, lag: int) -> float:
        """On a straight line between the shortest and the longest lag, both axes logarithmic."""
        (a, slow), (b, fast) = min(self.known.items()), max(self.known.items())
        share = math.log(lag / a) / math.log(b / a) if a != b else 0.0
        return math.exp((1 - share) * math.log(slow) + share * math.log(fast))


def _group(case: Case) -> tuple[str, str, str]:
    return case.method, case.task, case.variant


def _rates(pilots: dict[Case, Outcome]) -> dict[tuple[str, str, str], _Rate]:
    rates: dict[tuple[str, str, str], _Rate] = {}
    for case, outcome in pilots.items():
        rate = rates.setdefault(_group(case), _Rate({}))
        if len(outcome.curve) < 2:
            rate.failure = outcome.detail
            continue
        # From the second check on, if there is a third: the first updates are slow.
        begin, end = outcome.curve[len(outcome.curve) > 2], outcome.curve[-1]
        rate.known[case.lag] = (end["flops"] - begin["flops"]) / (end["seconds"] - begin["seconds"])
    return rates


def _pilots(
    console: Console, profile: Profile, registry: Registry, grid: list[Cell], executor: Executor
) -> dict[Case, Outcome]:
    """A few updates of a first trial, for every method and task at its shortest and its longest lag."""
    ends: dict[tuple[str, str, str], list[Cell]] = {}
    for cell in sorted(grid, key=lambda cell: cell.case.lag):
        ends.setdefault(_group(cell.case), []).append(cell)
    futures: dict[Future[Any], Case] = {}
    done: dict[Case, Outcome] = {}
    for cell in {cell.case: cell for group in ends.values() for cell in (group[0], group[-1])}.values():
        spec = _first_trial(profile, registry, cell)
        if spec.fault:
            done[cell.case] = Outcome("crashed", spec.fault)
        else:
            futures[executor.submit(spec)] = cell.case
    if not console.is_terminal:
        console.print(f"timing a few steps of {len(futures)} cases")
    with bar(console) as progress:
        for future in progress.track(as_completed(futures), len(futures), description="timing a few steps"):
            done[futures[future]] = executor.outcome(future)
    return done


def _first_trial(profile: Profile, registry: Registry, cell: Cell) -> TrialSpec:
    case = cell.case
    task = registry.task(case.task, case.variant, case.lag)
    program = CaseProgram(cell, profile, registry.method(case.method), task).run()
    spec = next(program)[0]
    program.close()
    return replace(
        spec,
        limits=replace(spec.limits, updates=_PILOT_UPDATES),
        # So many that it is not solved, and so ended, by chance.
        checks=Checks(20, 20, 20, profile.checks.share),
    )
