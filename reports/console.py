"""The retests for the terminal: how far each method climbed, and every case whose lag was given."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, product
from typing import Any

import pandas as pd
from rich import box
from rich.table import Table
from rich.text import Text

from longlag.reports.ablation import Contribution, contributions
from longlag.reports.controls import certificates
from longlag.reports.differences import Difference, differences, verdict
from longlag.reports.formats import interval, number, percent, tally
from longlag.reports.reach import reach, untold
from longlag.reports.results import Panel, Results
from longlag.reports.sheets import ABLATION, NOISE, ablation_row, difference_row


def tables(results: Results) -> Iterator[Table]:
    """A table of the panels that were climbed, one of those whose lags were given, and what controls say.

    Long rather than wide, so that they fit a terminal of 60 columns however many methods there are.
    Campaigns stand side by side, so that lags that were given stand beside the rungs of a climb.
    """
    joined, results = results.joined, results.apart
    # Before its lags, beyond which others may be under way.
    if results.unfinished:
        yield _line(results.unfinished)
    climbed = [panel for panel in results.panels if results.climbs(panel)]
    given = [panel for panel in results.panels if panel not in climbed]
    if climbed:
        yield _climbs(results, climbed)
    if given:
        yield _cases(results, given, climbed)
    if parts := contributions(results):
        yield _ablation(parts)
    if certified := certificates(results):
        made = Table(title="Is it the lag?", box=None, title_justify="left", show_header=False)
        for label, lag, said in certified:
            made.add_row(Text(f"  {label}, lag {lag}", style="bold"), Text(said))
        yield made
    if beyond := [each for each in differences(results) if each.beyond_noise]:
        yield _differences(results, beyond)
    # What was put beside others was not meant to be the same.
    if (said := verdict(results)) and (not joined or differences(results)):
        yield _line(said)
    for said in results.notes:
        if said != results.unfinished:
            yield _line(said)


def _climbs(results: Results, panels: list[Panel]) -> Table:
    """A row a method, under a line for its task: T*, the cost there, and how the next lag ended."""
    made = _table(
        "How far each method gets: T*, the longest lag bridged",
        "In brackets: where, with 95% certainty, the rate falls to 90%. Then the median FLOPs to solve at T*,"
        " and the first lag that was not bridged: solved of n retests, and how the unsolved ended.",
    )
    made.columns[0].min_width = _name_width(results)
    made.add_column("T*", no_wrap=True)
    made.add_column("FLOPs", justify="right", no_wrap=True)
    made.add_column("not bridged", min_width=len("20: 0/2 vanished 2"), overflow="fold")
    found = (reach(results, *each) for each in product(panels, results.methods))
    if any(each is not None and each.outside for each in found):
        made.caption = (
            f"{made.caption} A T* outside its brackets: these are of all lags, and shorter ones failed."
        )
    for task, own in _by_task(panels).items():
        # Lags that were given stand beside those that were climbed to.
        given = _by_task([each for each in results.panels if each not in panels]).get(task, [])
        own = [*given, *own]
        made.add_row(Text(task, style="bold"))
        tried = {panel: set(results.cases_of(panel)["method"]) for panel in own}
        for method, panel in product(results.methods, own):
            if method in tried[panel] or not results.several:
                made.add_row(_whose(results, method, panel.campaign), *_climb(results, panel, method))
        made.add_section()
    return made


def _climb(results: Results, panel: Panel, method: str) -> list[Text]:
    found = reach(results, panel, method)
    if found is None:
        return [Text("no retests", style="dim")]
    at = None if found.bridged is None else results.case(panel, method, found.bridged)
    ended = ""
    if found.stop is not None:
        failed = results.case(panel, method, found.stop)
        said = untold(results, panel, method, found.stop)
        ended = f"{found.stop}: {said or f'{tally(failed.solved, failed.n)} {failed.outcomes}'}"
    style = "red" if at is None else "green" if found.open else "yellow"
    return [
        Text(str(found), style=style),
        Text("" if at is None else number(at.median_flops_to_solve)),
        Text(ended),
    ]


def _cases(results: Results, panels: list[Panel], climbed: list[Panel]) -> Table:
    """A row a case, under a line for its task and lag: solved/n, its interval, cost to solve, outcomes.

    What another campaign climbed to on the same task stands beside it where it tried the same lag.
    """
    made = _table(
        "Retests on fresh seeds",
        "Solved of n with its 95% interval, the median FLOPs to solve, and how the unsolved ended."
        " Chance: sequences the trivial predictor gets wrong.",
    )
    made.columns[0].min_width = _name_width(results)
    made.add_column("solved", no_wrap=True)
    made.add_column("FLOPs", justify="right", no_wrap=True)
    made.add_column("unsolved", min_width=len("out_of_memory 1"), overflow="fold")
    for task, own in _by_task(panels).items():
        cases = pd.concat([results.cases_of(panel) for panel in own])
        beside = [results.cases_of(panel) for panel in _by_task(climbed).get(task, [])]
        for lag in sorted(set(cases["lag"])):
            rung = pd.concat([each[each["lag"] == lag] for each in (cases, *beside)])
            chance = percent(float(rung["chance"].iloc[0]))
            made.add_row(Text(f"{task}, lag {lag}", style="bold"), Text(f"chance {chance}", style="dim"))
            for case in rung.itertuples():
                made.add_row(_whose(results, str(case.method), str(case.campaign)), *_cells(case))
            made.add_section()
    return made


def _by_task(panels: list[Panel]) -> dict[str, list[Panel]]:
    """The panels of each task, those of several campaigns together."""
    found: dict[str, list[Panel]] = {}
    for panel in panels:
        found.setdefault(f"{panel.task}:{panel.variant}", []).append(panel)
    return found


def _name_width(results: Results) -> int | None:
    """Of the longest plain method, that campaigns behind the names break none of them."""
    names = [f"  {method}" for method in results.methods if "+" not in method]
    return max(map(len, names), default=None) if results.several else None


def _whose(results: Results, method: str, campaign: str) -> Text:
    named = results.several and campaign != results.own
    return Text(f"  {method}").append(f" · {campaign}" if named else "", style="dim")


def _differences(results: Results, beyond: list[Difference]) -> Table:
    """A row a difference that is beyond noise."""
    made = _table("What differs beyond noise", f"p is adjusted by Holm over all comparisons. {NOISE}")
    for name in results.campaigns:
        made.add_column(name, justify="right", overflow="fold")
    made.add_column("p", justify="right", no_wrap=True)
    for each in beyond:
        task, lags, method, measure, first, second, _, adjusted = difference_row(each)
        where = f"{method}, {lags}" if task == "all" else f"{method} on {task}, lag {lags}"
        made.add_row(Text(f"{where}: {measure}"), Text(first), Text(second), Text(adjusted))
    return made


def _ablation(parts: list[Contribution]) -> Table:
    """A row a part, under a line for its combination."""
    made = _table("What each part adds", ABLATION)
    for name in ("with it", "without", "p"):
        made.add_column(name, justify="right", no_wrap=True)
    for whole, own in groupby(parts, key=lambda each: (each.campaign, each.combination)):
        made.add_row(Text(whole[1], style="bold"))
        for each in own:
            _, part, _, more, bare, _, adjusted = ablation_row(each)
            made.add_row(Text(f"  {part}"), Text(more), Text(bare), Text(adjusted))
    return made


def _line(text: str) -> Table:
    told = Table(box=None, show_header=False, pad_edge=False)
    told.add_row(Text(text, style="bold"))
    return told


def _table(title: str, caption: str) -> Table:
    made = Table(
        title=title,
        caption=caption,
        box=box.SIMPLE_HEAD,
        title_justify="left",
        caption_justify="left",
    )
    made.add_column("", overflow="fold")
    return made


def _cells(case: Any) -> list[Text]:
    if case.n == 0:
        return [Text("no retests", style="dim")]
    style = "green" if case.solved == case.n else "yellow" if case.solved else "red"
    solved = Text(tally(case.solved, case.n), style=f"bold {style}")
    solved.append(f" {interval(case.low, case.high)}", style="not bold dim")
    return [
        solved,
        Text(number(case.median_flops_to_solve) if case.solved else ""),
        Text(case.outcomes),
    ]
