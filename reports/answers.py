"""The headline: which remedy bridges which lag, in sentences, and the heat table under them."""

from __future__ import annotations

from typing import Any, NamedTuple

from longlag.bench.trial.spec import bridged
from longlag.reports import reach
from longlag.reports.formats import interval, number, tally
from longlag.reports.results import Panel, Results


class Answer(NamedTuple):
    """What a panel shows, a sentence a method; `best` reached the longest lags."""

    panel: Panel
    summary: str
    sentences: list[tuple[str, str]]


def answers(results: Results) -> list[Answer]:
    """One answer a panel."""
    return [_answer(results, panel) for panel in results.panels]


def _answer(results: Results, panel: Panel) -> Answer:
    reached = {method: results.frontier(panel, method) for method in results.methods}
    ladder = sorted(set(results.cases_of(panel)["lag"]))
    longest = max((lag for lag in reached.values() if lag is not None), default=None)
    if longest is None:
        summary = f"no method bridges a lag of {ladder[0]}, the shortest tried."
    else:
        best = [method for method, lag in reached.items() if lag == longest]
        verb = "bridges" if len(best) == 1 else "bridge"
        summary = f"{listed(best)} {verb} a lag of {longest}"
        if longest == ladder[-1]:
            summary += ", the longest tried."
        else:
            beyond = _next(ladder, longest)
            # Not where a campaign that goes on has only tuned it yet.
            stopped = [(found := reach.reach(results, panel, method)) and found.stop for method in best]
            tried = all(stopped) and all(beyond in results.ladder(panel, method) for method in best)
            summary += f"; none bridges {beyond}." if tried else f"; none is known to bridge {beyond}."
    return Answer(panel, summary, [(method, _sentence(results, panel, method)) for method in results.methods])


def _sentence(results: Results, panel: Panel, method: str) -> str:
    """How far a method came on a panel, and what stopped it."""
    ladder = results.ladder(panel, method)
    tried = [lag for lag, (_, n) in ladder.items() if n]
    if not tried:
        return "was not retested here."
    reached = results.frontier(panel, method)
    if reached is None:
        shortest = min(ladder)
        failure = _failure(results, panel, method, shortest)
        said = f"did not bridge the shortest lag, {shortest}, within its budget: {failure}"
    else:
        case = results.case(panel, method, reached)
        said = (
            f"bridges a lag of {reached}: {tally(case.solved, case.n)} retests solved "
            f"{interval(case.low, case.high)}, at a median of {number(case.median_flops_to_solve)} FLOPs"
        )
        found = reach.reach(results, panel, method)
        beyond = _next(list(ladder), reached) if reached < max(ladder) else None
        if beyond and (results.case(panel, method, beyond) is None or (found and found.stop)):
            said += f"; not {beyond}: {_failure(results, panel, method, beyond)}"
    beyond_gap = [lag for lag in ladder if lag > (reached or 0) and bridged(*ladder[lag])]
    if beyond_gap:
        lags = listed([str(lag) for lag in beyond_gap])
        said += f"; lag {lags} was solved all the same, beyond the gap"
    return said + "."


def _failure(results: Results, panel: Panel, method: str, lag: int) -> str:
    case = results.case(panel, method, lag)
    if case is None:
        return "it was not run"
    if untold := reach.untold(results, panel, method, lag):
        return f"it has {untold}"
    ended = f"; unsolved: {case.outcomes}" if case.outcomes else ""
    return f"{tally(case.solved, case.n)} solved {interval(case.low, case.high)}{ended}"


def _next(ladder: list[int], lag: int) -> int:
    return next(rung for rung in sorted(ladder) if rung > lag)


def listed(names: list[str]) -> str:
    """Names as in a sentence."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


class HeatTable(NamedTuple):
    """A panel's success rates: `rows` are (method, T*, a case or None for each lag)."""

    panel: Panel
    lags: list[int]
    chance: list[float]
    rows: list[tuple[str, str, list[Any]]]


def heat_table(results: Results, panel: Panel) -> HeatTable:
    """The success rates of a panel, methods against lags."""
    cases = results.cases_of(panel)
    lags = [int(lag) for lag in sorted(set(cases["lag"]))]
    chance = [float(cases.loc[cases["lag"] == lag, "chance"].iloc[0]) for lag in lags]
    rows = [
        (method, reach.cell(results, panel, method), [results.case(panel, method, lag) for lag in lags])
        for method in results.methods
    ]
    return HeatTable(panel, lags, chance, rows)
