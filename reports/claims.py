"""The literature's claims and what was measured of each here; verdicts are computed from stored rows.

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
    """Where it was not reached: what was looked into, and what it was; where it was not run: why."""
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
        return Finding("not run", joined("its campaign is not finished", since))
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


def _plain(stored: Any, given: Any) -> Any:
    """What a manifest holds of a value of the profile, without the keys that the claim leaves out."""
    if isinstance(given, dict) and isinstance(stored, dict):
        return {key: _plain(stored.get(key), value) for key, value in given.items()}
    if isinstance(given, list) and isinstance(stored, list) and len(given) == len(stored):
        return [_plain(one, other) for one, other in zip(stored, given, strict=True)]
    return stored


def joined(*texts: str) -> str:
    """Those that are not empty, by semicolons."""
    return "; ".join(text for text in texts if text)
