"""What `longlag plan` prints: the grid, its FLOPs, and the time it may take, from pilot steps."""

from __future__ import annotations

import math
from collections.abc import Iterable
from concurrent.futures import Future, as_completed
from dataclasses import dataclass, replace
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from longlag.bench.campaign.grid import Cell, Ladder, cells, counted, ladders
from longlag.bench.campaign.profile import Profile
from longlag.bench.campaign.progress import bar, duration
from longlag.bench.campaign.study import CaseProgram
from longlag.bench.contract.numbers import number
from longlag.bench.plugins.registry import Registry
from longlag.bench.trial.spec import Case, Checks, Outcome, TrialSpec
from longlag.bench.workers.pool import Executor

_PILOT_UPDATES = 20

_EARLY = 0.05
"""The share of its budget after which a case counts as solved early."""


def show(console: Console, profile: Profile, registry: Registry, executor: Executor) -> None:
    """Print the plan of `profile`; `executor` runs the pilot steps."""
    grid, skipped = ladders(profile, registry)
    rates = _rates(_pilots(console, profile, registry, grid, executor))
    title = f"plan of {profile.name}: no more than this"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    for column in ("method", "task"):
        table.add_column(column, overflow="fold")
    for column, widest in (
        ("lags", "10-1000"),
        ("trial FLOPs", "2.51e9"),
        ("worker time", "59 min"),
    ):
        table.add_column(column, justify="right", overflow="fold", min_width=len(widest))
    most = _Cost()
    least, likely = 0.0, 0.0
    for ladder in grid:
        rate = rates[_group(ladder.cell(ladder.lags[0]).case)]
        whole = _all_whole(ladder, rate)
        most += whole
        least += _least(profile, ladder, rate).seconds
        likely += _ended(profile, ladder, len(ladder.lags) // 2, rate).seconds
        told = duration(whole.seconds) if rate.known else rate.failure
        ends = sorted({ladder.lags[0], ladder.lags[-1]})
        budgets = "-".join(number(ladder.cell(lag).budget) for lag in ends)
        task = f"{ladder.task}:{ladder.variant}"
        table.add_row(ladder.method, task, "-".join(map(str, ends)), budgets, told)
    console.print(table)
    for label, why in skipped.items():
        console.print(f"skipped {label}: {why}")
    console.print(f"{counted(grid)}: at most {number(most.flops)} FLOPs", soft_wrap=True)
    low, middle, high = (duration(s / executor.slots) for s in (least, likely, most.seconds))
    workers = f"time on {executor.slots} workers"
    if any(ladder.climbs for ladder in grid):
        said = f"{workers}: {low} if every climb ends where that takes least; {middle} if each holds "
        said += f"half-way up, early, and fails at the next rung; {high} if all hold to the last rung, "
        said += "at the last moment"
    else:
        said = f"{workers}: from {low} if every case is solved early, in {_EARLY:.0%} of its budget, "
        said += f"to {high} if none is"
    console.print(said, soft_wrap=True)


@dataclass(frozen=True)
class _Cost:
    """What a ladder takes."""

    flops: float = 0.0
    seconds: float = 0.0

    def __add__(self, other: _Cost) -> _Cost:
        return _Cost(self.flops + other.flops, self.seconds + other.seconds)


def _all_whole(ladder: Ladder, rate: _Rate) -> _Cost:
    """Every trial of every rung takes its whole budget."""
    runs = ladder.phases.total
    return _sum(rate.cost(lag, runs * ladder.cell(lag).budget) for lag in ladder.lags)


def _least(profile: Profile, ladder: Ladder, rate: _Rate) -> _Cost:
    """A climb ends where that takes least; a case whose lag is given is solved early.

    That need not be the first rung: what fails takes its whole budget, and FLOPs are faster at longer lags.
    """
    if not ladder.climbs:
        return _early(profile, ladder, ladder.lags[0], rate)
    ends = (_ended(profile, ladder, held, rate) for held in range(len(ladder.lags) + 1))
    return min(ends, key=lambda cost: cost.seconds)


def _ended(profile: Profile, ladder: Ladder, held: int, rate: _Rate) -> _Cost:
    """So many of the lowest rungs hold early, and the next fails, if there is one."""
    early = _sum(_early(profile, ladder, lag, rate) for lag in ladder.lags[:held])
    return early + _sum(_failed(profile, ladder, lag, rate) for lag in ladder.lags[held : held + 1])


def _early(profile: Profile, ladder: Ladder, lag: int, rate: _Rate) -> _Cost:
    """A case whose first trial solves it early, as do its reruns and retests."""
    capped = 1.0 if profile.cap is None else min(1.0, profile.cap * _EARLY)
    others = ladder.phases.tuning - 1
    runs = ladder.phases.total - others
    return rate.cost(lag, ladder.cell(lag).budget * (_EARLY * runs + capped * others))


def _failed(profile: Profile, ladder: Ladder, lag: int, rate: _Rate) -> _Cost:
    """A case that nothing solves."""
    runs = ladder.phases.total
    if profile.retests_unsolved is not None:
        runs = ladder.phases.tuning + min(profile.retests_unsolved, ladder.phases.retests)
    return rate.cost(lag, runs * ladder.cell(lag).budget)


def _sum(costs: Iterable[_Cost]) -> _Cost:
    return sum(costs, _Cost())


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

    def cost(self, lag: int, flops: float) -> _Cost:
        """What `flops` take at `lag`; no seconds where the pilot has failed."""
        return _Cost(flops, flops / self.at(lag) if self.known else 0.0)


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
    console: Console, profile: Profile, registry: Registry, grid: list[Ladder], executor: Executor
) -> dict[Case, Outcome]:
    """A few updates of a first trial, for every method and task at its shortest and its longest lag."""
    ends: dict[tuple[str, str, str], list[Cell]] = {}
    for cell in sorted(cells(grid), key=lambda cell: cell.case.lag):
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
        console.print(f"timing a few steps of {len(futures)} {'case' if len(futures) == 1 else 'cases'}")
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
