"""The stored rows that docs/fairness.md is made of, and the form of its sections."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from longlag.bench import store
from longlag.bench.store import MANIFEST, TRIALS, Manifest
from longlag.bench.trial.spec import bridged
from longlag.reports.formats import markdown
from longlag.reports.statistics import Tally

PUBLISHED = ("quick", "strength")
"""The result sets that are read beside the campaigns of `results/fairness`."""
SO = "**For a reader:**"
"""What begins the last sentence of a section."""
CASE = ["method", "task", "variant", "lag"]
ALIKE = [*CASE, "budget", "tried"]
"""What two campaigns must share to be compared in a case: also a trial's budget and the number of trials."""


class Section(NamedTuple):
    """A question, how it was answered, the figures, and what they mean for a reader."""

    title: str
    how: str
    table: list[str]
    meaning: str


@dataclass(frozen=True)
class Stored:
    """A campaign's manifest and trials; its curves and probes are not needed."""

    manifest: Manifest
    trials: pd.DataFrame


@dataclass(frozen=True)
class Evidence:
    """Campaigns by name: those of `results/fairness`, and the published; and the timed checks."""

    tuned: dict[str, Stored]
    published: dict[str, Stored]
    checks: pd.DataFrame

    @cached_property
    def trials(self) -> pd.DataFrame:
        """Of the campaigns in `tuned`; `tried` is how many trials a case had."""
        return pd.concat(
            [
                each.trials.assign(
                    campaign=name,
                    recipes=each.manifest.profile["recipes"],
                    sampler=each.manifest.profile["sampler"],
                    tried=each.manifest.profile["trials"],
                )
                for name, each in self.tuned.items()
            ],
            ignore_index=True,
        )

    @cached_property
    def methods(self) -> list[str]:
        """In the order of the profiles."""
        return list(
            dict.fromkeys(name for each in self.tuned.values() for name in each.manifest.profile["methods"])
        )

    @cached_property
    def everything(self) -> pd.DataFrame:
        """The trials of all campaigns, but for the controls'."""
        published = [each.trials.assign(campaign=name) for name, each in self.published.items()]
        return pd.concat([*published, self.trials], ignore_index=True)


def read(results: Path) -> Evidence:
    """What lies under `results`: every campaign in its folder `fairness`, and the published."""
    folder = results / "fairness"
    tuned = {path.parent.name: _stored(path.parent) for path in sorted(folder.glob(f"*/{MANIFEST}"))}
    published = {name: _stored(results / name) for name in PUBLISHED}
    return Evidence(tuned, published, pd.read_csv(folder / "checks.csv"))


def _stored(folder: Path) -> Stored:
    manifest = store.read_manifest(folder)
    trials = pd.read_parquet(folder / TRIALS)
    studies = [f"{t.method}/{t.task}:{t.variant}/{t.lag}" for t in trials.itertuples()]
    return Stored(manifest, trials[[study not in manifest.controls for study in studies]])


def in_all(frame: pd.DataFrame, by: str) -> pd.DataFrame:
    """The rows of the cases that every value of column `by` has."""
    values = frame.groupby(ALIKE)[by].transform("nunique")
    return frame[values == frame[by].nunique()]


def retests(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of retests."""
    return frame[frame["phase"] == "retest"]


def tally(rows: pd.DataFrame) -> Tally:
    """Retests solved of those in `rows`."""
    tried = retests(rows)
    return Tally(int(tried["solved"].sum()), len(tried))


def tallies(frame: pd.DataFrame) -> list[Tally]:
    """Of every case in `frame`, in a fixed order."""
    return [tally(rows) for _, rows in frame.groupby(ALIKE)]


def count_bridged(found: Iterable[Tally]) -> int:
    """How many of the cases are bridged."""
    return sum(bridged(*each) for each in found)


class End(NamedTuple):
    """A method, and its value, which is the least or the most of all."""

    method: str
    value: float


def ends(values: pd.Series[Any]) -> tuple[End, End]:
    """The least and the most of what every method has."""
    found = [End(str(name), float(value)) for name, value in values.items()]
    return min(found, key=lambda end: end.value), max(found, key=lambda end: end.value)


def case_name(key: Any) -> str:
    """How a task's variant at a lag is called in the tables."""
    task, variant, lag = key
    return f"{task}:{variant}, {lag}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A GitHub table; all columns but the first to the right."""
    return markdown(head, rows, range(1, len(head)))


def cases(count: int) -> str:
    """A number of cases, as in a sentence."""
    return f"{count} case" if count == 1 else f"{count} cases"


def listed(names: Sequence[str]) -> str:
    """Names as in a sentence; "none" where there are none."""
    if len(names) < 2:
        return names[0] if names else "none"
    return f"{', '.join(names[:-1])} and {names[-1]}"
