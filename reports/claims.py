"""The literature's claims beside what was measured here; verdicts are computed from stored rows.

A claim is a TOML file in bench/claims: what a paper says, how sure that is, and the profile of the campaign
that tests it. The campaign of the claim NAME lies in results/claims/NAME. One whose protocol has changed
since no longer speaks for the claim: a changed protocol is a new claim, beside the old one.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from longlag.bench import store
from longlag.bench.contract.errors import BadInput
from longlag.bench.trial.spec import bridged
from longlag.reports import recipes_since
from longlag.reports.formats import NONE, markdown, number
from longlag.reports.statistics import NO_INTERVAL, Interval, median_interval, wilson

Verdict = Literal[
    "beaten", "reproduced", "within interval", "not reached", "contradicted", "not run", "not comparable"
]


class Measure(NamedTuple):
    """What a claim's figure counts: more is better of runs that solve the task, less of all others."""

    says: str
    column: str
    """Of the rows of results; of what no row tells, none."""
    form: str
    """The figure's, with its unit."""
    scale: int
    """How many of that unit are one."""
    of_all: bool
    """Of every run, and not a cost of those that solve the task, infinite where one does not."""


MEASURES = {
    "solved": Measure("of the runs solve it", "solved", "{:.3g}%", 100, of_all=True),
    "sequences": Measure("sequences to solve it", "sequences_to_solve", "{:,.0f}", 1, of_all=False),
    "updates": Measure("updates to solve it", "updates_to_solve", "{:,.0f}", 1, of_all=False),
    "error": Measure("of fresh sequences wrong", "error", "{:.3g}%", 100, of_all=True),
    "loss": Measure("mean loss at the end of the budget", "loss", "{:.3g}", 1, of_all=True),
    "symbols": Measure("of fresh sequences' symbols wrong", "", "{:.3g}%", 100, of_all=True),
}


class Claim(BaseModel):
    """What a paper says of a method, and the campaign that tests it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    paper: str
    says: str
    """In our words, with the figure."""
    sure: Literal["read", "second hand", "recalled"]
    """Whether the figure was read in the paper or its code, is quoted by others, or was not verified."""
    measure: Literal["solved", "sequences", "updates", "error", "loss", "symbols"]
    published: float = Field(ge=0)
    """The figure, in the measure; 0 solved says that the method cannot, which one that does contradicts."""
    differs: str = ""
    """How the protocol here differs from the paper's, where that matters."""
    tried: str = ""
    """Where it was not reached: what was looked into, and what it was."""
    not_comparable: str = ""
    """Why it is not tested here; it has no profile then."""
    profile: dict[str, Any] = Field(default_factory=dict)
    """Of the campaign that tests it, as in a profile's file."""

    @property
    def figure(self) -> str:
        """What of the paper it tests: several protocols may test the same."""
        tested = [self.profile.get(key) for key in ("tasks", "lags")]
        return repr((self.paper, tested, self.measure, self.published))

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Claim:
        if bool(self.profile) == bool(self.not_comparable):
            raise ValueError("a claim has a profile, or says why it is not comparable")
        if self.profile and self.measure == "symbols":
            raise ValueError("symbols are not counted here: such a claim is not comparable")
        return self


@dataclass(frozen=True)
class Finding:
    """A claim's verdict, and the figures it rests on."""

    verdict: Verdict
    why: str = ""
    """Where there are no figures, and what has changed since they were stored."""
    solved: int = 0
    n: int = 0
    ours: float = float("nan")
    """In the claim's measure."""
    interval: Interval = NO_INTERVAL
    flops: float = float("nan")
    """Median to solve it, infinite of a run that does not."""
    seconds: float = float("nan")
    """Median, of all runs."""


def read() -> dict[str, Claim]:
    """Every claim by its name; raises BadInput naming the file and the key."""
    found = {}
    folder = files("longlag.bench") / "claims"
    for path in sorted(folder.iterdir(), key=lambda each: each.name):
        if not path.name.endswith(".toml"):
            continue
        try:
            found[path.name.removesuffix(".toml")] = Claim.model_validate(
                tomllib.loads(path.read_text("utf-8"))
            )
        except ValidationError as error:
            first = error.errors()[0]
            raise BadInput(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        except ValueError as error:
            raise BadInput(f"{path}: not valid TOML: {error}") from None
    return found


def find(claim: Claim, folder: Path) -> Finding:
    """What the campaign in `folder` says of a claim."""
    if claim.not_comparable:
        return Finding("not comparable", claim.not_comparable)
    if not store.exists(folder / store.MANIFEST):
        return Finding("not run")
    campaign = store.load(folder)
    stored = campaign.manifest.profile
    changed = [key for key, value in claim.profile.items() if _plain(stored.get(key), value) != value]
    if changed:
        return Finding("not run", f"its protocol has changed since: {', '.join(changed)}")
    since = recipes_since.changed(campaign)
    if campaign.manifest.finished is None:
        return Finding("not run", _joined("its campaign is not finished", since))
    return replace(judge(claim, campaign.trials.query("phase == 'retest'")), why=since)


def judge(claim: Claim, retests: pd.DataFrame) -> Finding:
    """The verdict of a claim from the retests of its campaign, a row a seed."""
    solved, n = int(retests["solved"].sum()), len(retests)
    measure = MEASURES[claim.measure]
    if claim.measure == "solved":
        ours, interval = (solved / n if n else float("nan")), wilson(solved, n)
        better, worse = interval.low > claim.published, interval.high < claim.published
        as_good = ours >= claim.published
    else:
        values = _values(retests, measure)
        ours, interval = float(values.median()), median_interval(values)
        better, worse = interval.high < claim.published, interval.low > claim.published
        as_good = ours <= claim.published
    verdict: Verdict
    # What the few that solve it cost says nothing where the paper's runs all did.
    few = not measure.of_all and not bridged(solved, n)
    if not math.isfinite(ours) or few or worse:
        verdict = "not reached"
    elif claim.measure == "solved" and claim.published == 0:
        # That none can is refuted by one that does, however many do not.
        verdict = "contradicted" if solved else "reproduced"
    elif better:
        verdict = "beaten"
    elif as_good:
        verdict = "reproduced"
    else:
        verdict = "within interval" if interval.low <= claim.published <= interval.high else "not reached"
    return Finding(
        verdict,
        "",
        solved,
        n,
        ours,
        interval,
        float(_costs(retests, "flops_to_solve").median()),
        float(retests["seconds"].median()),
    )


def _values(retests: pd.DataFrame, measure: Measure) -> pd.Series[float]:
    """Of every seed; infinite where it failed."""
    if measure.of_all:
        return retests[measure.column].astype(float).fillna(math.inf)
    return _costs(retests, measure.column)


def _costs(retests: pd.DataFrame, column: str) -> pd.Series[float]:
    """Of every seed; infinite where it did not solve the task."""
    return retests[column].where(retests["solved"]).astype(float).fillna(math.inf)


def ledger(results: Path) -> pd.DataFrame:
    """A row a claim: what is published and what the campaigns in `results`/claims say."""
    rows = []
    for name, claim in read().items():
        finding = find(claim, results / "claims" / name)
        rows.append(
            {
                "claim": name,
                "paper": claim.paper,
                "published": f"{_figure(claim.published, claim.measure)} {MEASURES[claim.measure].says}",
                "sure": claim.sure,
                "verdict": finding.verdict,
                "ours": _ours(finding, claim.measure),
                "solved": f"{finding.solved}/{finding.n}" if finding.n else NONE,
                "FLOPs": number(finding.flops),
                "seconds": number(finding.seconds),
                "why": finding.why,
                "note": _joined(finding.why, claim.differs),
                "says": claim.says,
                "tried": claim.tried,
                "figure": claim.figure,
            }
        )
    return pd.DataFrame(rows)


def tally(rows: pd.DataFrame) -> str:
    """How many of the protocols of a ledger that were run hold, as a sentence."""
    held = rows[rows["verdict"].isin(["beaten", "reproduced"])]
    ran = rows[~rows["verdict"].isin(["not run", "not comparable"])]
    against = int((rows["verdict"] == "contradicted").sum())
    return (
        f"{len(held)} of {len(ran)} protocols that were run reproduce or beat the published figure"
        + (f", {against} contradict{'s' * (against == 1)} it" if against else "")
        + f"; of the {ran['figure'].nunique()} figures, {held['figure'].nunique()} are met by one of them."
    )


def page(results: Path) -> str:
    """docs/claims.md."""
    table = ledger(results)
    counts = table["verdict"].value_counts()
    shown = ["claim", "published", "verdict", "ours", "solved", "FLOPs", "seconds"]
    lines = [
        _HEAD.format(
            tally=tally(table),
            counts=", ".join(f"{count} {verdict}" for verdict, count in counts.items()),
            meanings="\n".join(f"- **{verdict}**: {meaning}" for verdict, meaning in MEANINGS.items()),
        ),
        *markdown(shown, [[str(row[key]) for key in shown] for row in table.to_dict("records")]),
        "",
        *(
            f"- **{row['claim']}** ({row['paper']}, {row['sure']}): {row['says']}"
            + (f" Here: {row['note']}." if row["note"] else "")
            + (f" Why: {row['tried']}." if row["tried"] and row["verdict"] == "not reached" else "")
            for row in table.to_dict("records")
        ),
    ]
    return "\n".join(lines) + "\n"


MEANINGS: dict[Verdict, str] = {
    "beaten": "the whole 95% interval of ours is better than the published figure;",
    "reproduced": "ours is as good, and the interval holds the published figure, or is of too few runs;",
    "within interval": "ours is worse, and the interval holds the published figure;",
    "not reached": "the interval is worse; or, of a cost or an error, under 90% of the runs solve the task;",
    "contradicted": "the paper says that the method cannot solve the task, and a run or more did.",
}
"""What the verdicts on what was run mean."""

_HEAD = """# Claims

What the literature says the remedies do, and what they did here. Generated by `nox -s docs` from the entries
in `bench/claims` and the rows in `results/claims`; `longlag claims NAME` runs one. No verdict is typed:

{meanings}

Ours: the median over fresh seeds and, in brackets, its interval, of six runs or more; of a share of runs
Wilson's. FLOPs: the median to solve. A run that does not solve the task costs infinitely much in both, and
one that failed has an infinite error. Seconds: of a run, on one core. **A run here stops at its first pass
under 1% of 1,000 fresh sequences wrong**, whatever the paper's did. Those of 1997 had to answer rightly the
last 2,000 (adding, order), all but 12 of these (multiplication), 10,000 in a row (2c), all 256 of a test
set (3a: ST1; ST2 asks a mean error under .01 too) or every string (Reber), and the squared errors that
others report are of runs that went on for longer. A figure was `read` in the paper or its code, or is
`second hand`, quoted by others, or `recalled`, and not verified.

{tally} So far: {counts}.
"""


def _figure(value: float, measure: str) -> str:
    if not math.isfinite(value):
        return number(value)
    shown = MEASURES[measure]
    return shown.form.format(shown.scale * value)


def _ours(finding: Finding, measure: str) -> str:
    if math.isnan(finding.ours):
        return NONE
    ours = _figure(finding.ours, measure)
    low, high = (_figure(end, measure) for end in finding.interval)
    return ours if math.isnan(finding.interval.low) else f"{ours} [{low}, {high}]"


def _joined(*texts: str) -> str:
    return "; ".join(text for text in texts if text)


def _plain(stored: Any, given: Any) -> Any:
    """What a manifest holds of a value of the profile, without the keys that the claim leaves out."""
    if isinstance(given, dict) and isinstance(stored, dict):
        return {key: _plain(stored.get(key), value) for key, value in given.items()}
    if isinstance(given, list) and isinstance(stored, list) and len(given) == len(stored):
        return [_plain(one, other) for one, other in zip(stored, given, strict=True)]
    return stored
