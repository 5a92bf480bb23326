"""The record book: of every task the longest lag bridged, by which method, and how to see it again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from longlag.bench.store import MANIFEST, Campaign, load, read_manifest
from longlag.bench.trial.spec import bridged
from longlag.reports import reach
from longlag.reports.formats import NONE, interval, markdown, number, tally
from longlag.reports.results import Results
from longlag.reports.statistics import wilson

ENOUGH = 5
"""Retests of a case, under which nothing is a record."""

BEGIN, END = "<!-- records: begin -->", "<!-- records: end -->"
"""What is between them in results/README.md is generated."""


@dataclass(frozen=True)
class Record:
    """A lag that a method bridged on a task, in a published campaign."""

    task: str
    """With its variant."""
    lag: int
    method: str
    solved: int
    n: int
    flops: float
    """Median of the runs that solved it."""
    folder: str
    """Of the campaign, in results/."""
    finished: str
    run_id: str
    """Of the first run that solved it."""

    def beats(self, other: Record | None) -> bool:
        """Whether its lag is longer, or its cost at the same lag lower."""
        return other is None or (self.lag, -self.flops) > (other.lag, -other.flops)

    def command(self, results: Path) -> str:
        """What runs it again, and checks that it comes out the same, beside the folder of all results."""
        return f"longlag replay {results.resolve().name}/{self.folder} {self.run_id}"


def published(results: Path) -> list[Path]:
    """The folders of finished campaigns in `results` and its claims; other folders hold parts of some."""
    found = [path.parent for place in (results, results / "claims") for path in place.glob(f"*/{MANIFEST}")]
    return sorted(folder for folder in found if read_manifest(folder).finished is not None)


def bridges(campaigns: dict[str, Campaign]) -> dict[str, list[Record]]:
    """By published campaign, the first finished first, every lag that a method bridged on a task."""
    ordered = sorted(campaigns.items(), key=lambda each: (each[1].manifest.finished or "", each[0]))
    return {name: list(_bridged(name, campaign)) for name, campaign in ordered}


def histories(bridged: dict[str, list[Record]]) -> dict[str, list[Record]]:
    """By task every record there was, as one beat the other; the last is the record."""
    found: dict[str, list[Record]] = {}
    for records in bridged.values():
        best: dict[str, Record] = {}
        for record in records:
            if record.beats(best.get(record.task)):
                best[record.task] = record
        for task, record in best.items():
            history = found.setdefault(task, [])
            if record.beats(history[-1] if history else None):
                history.append(record)
    return dict(sorted(found.items()))


def _bridged(name: str, campaign: Campaign) -> Iterable[Record]:
    results = Results([campaign])
    for key, rows in results.retests.groupby(["method", "task", "variant", "lag"], sort=False):
        method, task, variant, lag = key
        solvers = rows[rows["solved"]]
        if len(rows) < ENOUGH or not bridged(len(solvers), len(rows)):
            continue
        yield Record(
            f"{task}:{variant}",
            int(str(lag)),
            str(method),
            len(solvers),
            len(rows),
            float(solvers["flops_to_solve"].median()),
            name,
            campaign.manifest.finished or "",
            str(solvers["run_id"].iloc[0]),
        )


def book(results: Path) -> str:
    """The record book and the leaderboards as Markdown."""
    campaigns = {folder.relative_to(results).as_posix(): load(folder) for folder in published(results)}
    bridged = bridges(campaigns)
    found = histories(bridged)
    current = [history[-1] for history in found.values()]
    lines = [
        "## The record book",
        "",
        f"The longest lag bridged on every task, by at least 90% of {ENOUGH} fresh seeds or more; at equal "
        "lags the cheapest. Made by `longlag publish` of the campaigns in this folder.",
        "",
        *markdown(
            ["task", "lag", "method", "solved", "95% interval", "FLOPs", "campaign", "replay"],
            [
                [r.task, str(r.lag), r.method, tally(r.solved, r.n), interval(*wilson(r.solved, r.n)),
                 number(r.flops), r.folder, f"`{r.command(results)}`"]
                for r in current
            ],
        ),
    ]  # fmt: skip
    lines += ["", "By method:", "", *_by_method(bridged)]
    beaten = [record for history in found.values() for record in history[:-1]]
    if beaten:
        lines += ["", "Earlier records:", ""]
        lines += [
            f"- {r.task}: {r.lag} by {r.method}, {number(r.flops)} FLOPs, `{r.folder}`, {r.finished[:10]}"
            for r in beaten
        ]
    mixes = [f"- `{name}`: {campaign.mixed}." for name, campaign in campaigns.items() if campaign.mixed]
    if mixes:
        lines += ["", "Of more than one version of the code:", "", *mixes]
    for name, campaign in campaigns.items():
        # Of lags that were chosen for each method T* says little.
        if (campaign.trials["rung"] > 0).any():
            lines += ["", *_leaderboard(name, campaign)]
    return "\n".join(lines) + "\n"


def _by_method(bridged: dict[str, list[Record]]) -> list[str]:
    """The longest lag that each method bridged on each task."""
    longest: dict[tuple[str, str], int] = {}
    for record in (record for records in bridged.values() for record in records):
        key = record.task, record.method
        longest[key] = max(record.lag, longest.get(key, 0))
    tasks, methods = ({key[part]: None for key in sorted(longest)} for part in (0, 1))
    rows = [[task, *(str(longest.get((task, method), NONE)) for method in methods)] for task in tasks]
    return markdown(["task", *methods], rows)


def _leaderboard(name: str, campaign: Campaign) -> list[str]:
    results = Results([campaign])
    head, rows = reach.table(results)
    spent = float(campaign.trials["flops"].sum())
    hours = float(campaign.trials["seconds"].sum()) / 3600
    title = f"### {name}: T\\*, and where the success rate falls to 90%"
    size = f"{len(campaign.trials)} trials, {number(spent)} FLOPs, {hours:.1f} core-hours."
    # Its columns are tasks: turned, so that a survey of many is a long table and not a wide one.
    turned = [[panel, *(row[column] for row in rows)] for column, panel in enumerate(head[1:], start=1)]
    return [title, "", *markdown(["task", *(row[0] for row in rows)], turned), "", size]


def with_book(text: str, results: Path) -> str:
    """A page with the record book between its marks, or at its end where it has none."""
    before, begin, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    if not begin:
        before = text.rstrip("\n") + "\n\n"
        after = "\n"
    return f"{before}{BEGIN}\n{book(results)}{END}{after}"
