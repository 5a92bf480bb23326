"""What `longlag plan` prints: the grid, its FLOPs, and the time it may take, from pilot steps."""

from __future__ import annotations

from concurrent.futures import as_completed
from dataclasses import replace

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from longlag.bench.campaign.profile import Cell, Profile, cells, counted
from longlag.bench.campaign.progress import bar, duration
from longlag.bench.campaign.study import CaseProgram
from longlag.bench.plugins.registry import Registry
from longlag.bench.trial.spec import Case, Checks, TrialSpec
from longlag.bench.workers.pool import Executor

Group = tuple[str, str, str]
"""Method, task and variant: cases that differ in their lag alone."""

_PILOT_UPDATES = 20

_EARLY = 0.05
"""The share of its budget after which a case counts as solved early."""


def show(console: Console, profile: Profile, registry: Registry, executor: Executor) -> None:
    """Print the plan of `profile`; `executor` runs the pilot steps."""
    grid, skipped = cells(profile, registry)
    rates, failures = _rates(console, profile, registry, grid, executor)
    title = f"plan of {profile.name}: at most"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    for column in ("method", "task"):
        table.add_column(column, overflow="fold")
    for column, width in (("lag", 3), ("trial FLOPs", 7), ("case FLOPs", 7), ("worker time", 6)):
        table.add_column(column, justify="right", overflow="fold", min_width=width)
    flops = least = most = 0.0
    for cell in grid:
        case, budget = cell.case, cell.budget
        whole = profile.phases(cell).total() * budget
        flops += whole
        told = failures.get(_group(case), "")
        if known := rates.get(_group(case)):
            rate = _between(known, case.lag)
            least += _if_early(profile, cell) / rate
            most += whole / rate
            told = duration(whole / rate)
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


def _group(case: Case) -> Group:
    return case.method, case.task, case.variant


def _between(known: dict[int, float], lag: int) -> float:
    """The rate at `lag` on a line between the known ones, both axes logarithmic."""
    lags, rates = zip(*sorted(known.items()), strict=True)
    return float(np.exp(np.interp(np.log(lag), np.log(lags), np.log(rates))))


def _rates(
    console: Console, profile: Profile, registry: Registry, grid: list[Cell], executor: Executor
) -> tuple[dict[Group, dict[int, float]], dict[Group, str]]:
    """FLOPs a second of every method on every task, at its shortest and its longest lag, or why it failed.

    Timed are a few updates of a first trial.
    """
    cells_of: dict[Group, list[Cell]] = {}
    for cell in grid:
        cells_of.setdefault(_group(cell.case), []).append(cell)
    # The longest lag comes first in the grid.
    ends = [cell for some in cells_of.values() for cell in dict.fromkeys((some[0], some[-1]))]
    specs = [_first_trial(profile, registry, cell) for cell in ends]
    failures = {_group(spec.case): spec.fault for spec in specs if spec.fault}
    futures = {executor.submit(spec): spec.case for spec in specs if not spec.fault}
    if not console.is_terminal:
        console.print(f"timing a few steps of {len(futures)} cases")
    rates: dict[Group, dict[int, float]] = {}
    with bar(console) as progress:
        for future in progress.track(as_completed(futures), len(futures), description="timing a few steps"):
            outcome, case = executor.outcome(future), futures[future]
            if len(outcome.curve) < 2:
                failures[_group(case)] = outcome.detail
                continue
            # From the second check on, if there is a third: the first updates are slow.
            begin, end = outcome.curve[len(outcome.curve) > 2], outcome.curve[-1]
            rate = (end["flops"] - begin["flops"]) / (end["seconds"] - begin["seconds"])
            rates.setdefault(_group(case), {})[case.lag] = rate
    return rates, failures


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
