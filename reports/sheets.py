"""What the summary says, as sheets: each a title, rows of text and a note, whatever they are written as."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from longlag.reports import extrapolations, reach
from longlag.reports.ablation import Contribution, contributions
from longlag.reports.controls import certificates
from longlag.reports.differences import Difference, differences, verdict
from longlag.reports.formats import NONE, interval, number, percent, tally
from longlag.reports.results import Results
from longlag.reports.statistics import wilson
from longlag.reports.unlike import alone, unlike


@dataclass(frozen=True)
class Sheet:
    """A table of the summary."""

    name: str
    """What it can be referred to by."""
    title: str
    head: list[str]
    rows: list[list[str]]
    note: str
    """May be empty."""

    @property
    def right(self) -> list[int]:
        """Which columns are of numbers."""
        return [column for column, name in enumerate(self.head) if name in _RIGHT]


_RIGHT = {
    *("Lag", "Solved", "FLOPs to solve", "Expected FLOPs", "Error", "Chance", "Trials", "Gap", "Runs"),
    *("Reaches", "p", "Adjusted", "Mean area", "Tasks", "Rank", "Area", "Importance", "P(first more often)"),
}


def sheets(results: Results) -> list[Sheet]:
    """Every sheet that has rows, in the order of the summary."""
    return [sheet for sheet in (make(results) for make in _SHEETS) if sheet.rows]


def case_row(case: Any) -> list[str]:
    """A case's retests."""
    median = number(case.median_flops_to_solve)
    if not math.isnan(case.median_flops_low):
        median += f" [{number(case.median_flops_low)}, {number(case.median_flops_high)}]"
    return [
        *_place(case),
        tally(case.solved, case.n),
        interval(case.low, case.high),
        median,
        number(case.expected_flops_to_solve),
        percent(case.median_error),
        percent(case.chance),
        case.outcomes or NONE,
    ]


def difference_row(each: Difference) -> list[str]:
    """A comparison of two campaigns."""
    values = (each.first_flops, each.second_flops)
    shown = [tally(*each.first), tally(*each.second)] if each.measure == "solved" else map(number, values)
    adjusted = "too few runs" if math.isnan(each.adjusted) else number(each.adjusted)
    return [each.task or "all", each.lags, each.method, each.measure, *shown, number(each.p), adjusted]


def _place(case: Any) -> list[str]:
    return [f"{case.task}:{case.variant}", str(case.lag), case.method]


def with_campaign(
    results: Results, head: list[str], rows: Iterable[tuple[Any, list[str]]]
) -> tuple[list[str], list[list[str]]]:
    """Head and rows, with a first column for the campaign where methods do not say it."""
    if not results.labelled:
        return head, [row for _, row in rows]
    return ["Campaign", *head], [[str(name), *row] for name, row in rows]


def _frontier(results: Results) -> Sheet:
    return Sheet(
        "frontier",
        "Lag frontier T*",
        *reach.table(results),
        "The longest lag up to which at least 90% of the retests solve the task at every lag tried. In "
        "brackets: where, with 95% certainty, the rate falls to 90%, by a logistic fit over the log lag.",
    )


def _certified(results: Results) -> Sheet:
    return Sheet(
        "controls",
        "Is it the lag?",
        ["Task", "Lag", "Controls"],
        [[label, str(lag), said] for label, lag, said in certificates(results)],
        "Controls bridge no lag, so they must not solve a task whose difficulty that is; its twin has none.",
    )


def _cases(results: Results) -> Sheet:
    head = ["Task", "Lag", "Method", "Solved", "95% interval", "FLOPs to solve", "Expected FLOPs", "Error",
            "Chance", "Unsolved"]  # fmt: skip
    rows = ((str(case.campaign), case_row(case)) for case in results.cases.itertuples())
    return Sheet(
        "cases",
        "Cases",
        *with_campaign(results, head, rows),
        "Retests on fresh seeds and fresh data. Solved: runs that solved the task, with Wilson's interval. "
        "FLOPs to solve: median over the solved runs, from six of these on with the order statistics that "
        "hold it with 95% certainty. Expected FLOPs: all that the retests spent over the number solved. "
        "Error: median share of fresh sequences answered wrongly; chance: that share for the trivial "
        "predictor.",
    )


def _longer(results: Results) -> Sheet:
    found = extrapolations.extrapolated(results)
    head = ["Task", "Lag", "Method", "Runs", "Reaches", *(f"{factor} T" for factor in found.factors)]
    rows = []
    for each in found.rows:
        cells = [f"not asked: {each.why}", *[NONE] * (len(found.factors) - 1)] if each.why else each.cells
        rows.append((each.campaign, [*_place(each), str(each.runs), each.reaches, *cells]))
    title = "Trained at T, tested at longer lags"
    return Sheet("longer", title, *with_campaign(results, head, rows), extrapolations.NOTE)


ABLATION = (
    "Of a combination whose subsets were all run: the retests with a part against those without it, over "
    "every case and whatever other parts there are. p is exact, adjusted by Holm over the parts."
)


def ablation_row(each: Contribution) -> list[str]:
    """What a part adds."""
    shown = [f"{tally(*some)} {interval(*wilson(*some))}" for some in (each.with_it, each.without)]
    return [each.combination, each.part, str(each.cases), *shown, number(each.p), number(each.adjusted)]


def _ablation(results: Results) -> Sheet:
    head = ["Combination", "Part", "Cases", "With it", "Without it", "p", "Adjusted"]
    rows = ((each.campaign, ablation_row(each)) for each in contributions(results.apart))
    return Sheet("ablation", "What each part adds", *with_campaign(results, head, rows), ABLATION)


def _tuning(results: Results) -> Sheet:
    head = ["Task", "Lag", "Method", "Trials", "Best in tuning", "Mean of retests", "Gap"]
    rows = []
    for case in results.cases.itertuples():
        scores = (case.best_tuning_score, case.mean_retest_score, case.gap)
        told = [*_place(case), str(case.trials), *(number(float(str(score))) for score in scores)]
        rows.append((str(case.campaign), told))
    return Sheet(
        "tuning",
        "Tuning against retests",
        *with_campaign(results, head, rows),
        "Scores, lower is better; a best of many trials is optimistic, the gap says by how much.",
    )


def _differences(results: Results) -> Sheet:
    rows = [difference_row(each) for each in differences(results)]
    names = list(results.campaigns) if rows else ["", ""]
    return Sheet(
        "differences",
        "Differences",
        ["Task", "Lag", "Method", "Measure", *names, "p", "Adjusted"],
        rows,
        f"{verdict(results)} {DIFFERENCES}",
    )


NOISE = "Noise: what fresh seeds of the same settings differ by; another tuning may find other settings."
DIFFERENCES = (
    "Solved retests by an exact test, of all cases of a method case by case; FLOPs to solve, of the solved "
    "retests, by Mann and Whitney's. Adjusted by Holm over all comparisons whose runs suffice to show a "
    f"difference; below 0.05 it is beyond noise. {NOISE}"
)


def _unlike(results: Results) -> Sheet:
    return Sheet("unlike", "What else differs", ["What"], [[line] for line in differs(results)], "")


def differs(results: Results, cases: bool = True) -> list[str]:
    """One line for all in which the first campaign and each of the others differ but in results.

    `cases`: also which cases only one of them has.
    """
    first, *others = results.campaigns
    lines = []
    for other in others:
        against = f"{first} against {other}: " if len(others) > 1 else ""
        lines += [f"{against}{line}" for line in unlike(results, first, other)]
        lines += alone(results, first, other) if cases else []
    return lines


_SHEETS: tuple[Callable[[Results], Sheet], ...] = (
    _frontier,
    _certified,
    _differences,
    _unlike,
    _cases,
    _ablation,
    _longer,
    _tuning,
)
