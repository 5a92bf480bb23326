"""The statistics over all tasks as sheets, beside those of the summary."""

from __future__ import annotations

from collections.abc import Callable

from longlag.reports import across
from longlag.reports.formats import percent
from longlag.reports.knobs import FEWEST, knobs
from longlag.reports.oftener import oftener
from longlag.reports.ranks import CHANGES
from longlag.reports.results import Results
from longlag.reports.sheets import Sheet, sheets, with_campaign
from longlag.reports.tries import attempts, cell


def every_sheet(results: Results) -> list[Sheet]:
    """The sheets of the summary, and those of the statistics that have rows."""
    return [*sheets(results), *(sheet for sheet in (make(results) for make in _SHEETS) if sheet.rows)]


def _order(results: Results) -> Sheet:
    rows = [
        (row.campaign, [row.method, f"{row.area:.2f}", str(row.tasks), row.rank, *row.changes])
        for row in across.order(results).rows
    ]
    head = ["Method", "Mean area", "Tasks", "Rank", *(change.capitalize() for change in CHANGES)]
    return Sheet(
        "order",
        "Does the order hold?",
        *with_campaign(results, head, rows),
        "Area under the success rate over the log lag, the mean over the tasks that all methods were "
        "retested on, and the rank by it; then the best and the worst rank where one task, or one retest of "
        "every case, is left out, and the rank at twice the error threshold, from the stored curves.",
    )


def _areas(results: Results) -> Sheet:
    rows = [(campaign, rest) for campaign, *rest in across.area_rows(results)]
    return Sheet(
        "areas",
        "Area under success against log lag",
        *with_campaign(results, ["Task", "Method", "Area", "95% interval", "Runs"], rows),
        "Beyond the last lag tried the rate counts as 0, but where the profile gave no longer one: then no "
        "method of the task is judged beyond. Intervals by the method of variance estimates "
        "recovery from Wilson's.",
    )


def _oftener(results: Results) -> Sheet:
    rows = [(str(row.campaign), across.oftener_row(row)) for row in results.once(oftener).itertuples()]
    head = ["Task", "First", "Solved", "Second", "Solved", "P(first more often)", "p", "Adjusted"]
    return Sheet(
        "oftener",
        "Who solves which task more often",
        *with_campaign(results, head, rows),
        "The probability that the first's success rate is above the second's, in the mean over the lags that "
        "both were retested at, Beta-binomial with uniform rates; the exact test, lag by lag; and that "
        "adjusted by Holm over all pairs and tasks.",
    )


def _attempts(results: Results) -> Sheet:
    found = results.once(attempts)[
        ["campaign", "task", "variant", "lag", "method", "first", "solved", "tried"]
    ]
    rows = []
    for campaign, task, variant, lag, method, *told in found.itertuples(index=False, name=None):
        rows.append((campaign, [f"{task}:{variant}", str(lag), method, cell(*told)]))
    return Sheet(
        "attempts",
        "Attempts to the first success",
        *with_campaign(results, ["Task", "Lag", "Method", "Trials to the first that solved"], rows),
        "In brackets how many of all tuning trials solved; > n: none of n.",
    )


def _knobs(results: Results) -> Sheet:
    rows = []
    for campaign, method, lag, knob, importance, trials, tasks in results.once(knobs).itertuples(
        index=False, name=None
    ):
        said = knob or f"fewer than {FEWEST} trials, or nothing differs"
        rows.append((campaign, [method, str(lag), said, percent(importance), str(trials), str(tasks)]))
    return Sheet(
        "hyperparameters",
        "Which hyperparameter matters at which lag",
        *with_campaign(results, ["Method", "Lag", "Hyperparameter", "Importance", "Trials", "Tasks"], rows),
        "PED-ANOVA (Watanabe et al. 2023): how well each tells the best quarter of the trials from all.",
    )


_SHEETS: tuple[Callable[[Results], Sheet], ...] = (_order, _areas, _oftener, _attempts, _knobs)
