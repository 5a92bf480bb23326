"""One or several campaigns gathered for a report: retests, their curves and probes, and the cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Any, TypeVar

import pandas as pd

from longlag.bench.contract.names import TWIN
from longlag.bench.store import Campaign
from longlag.reports.cases import COLUMNS, SUMMARISED, summarise
from longlag.reports.formats import OF
from longlag.reports.statistics import Tally, frontier

T = TypeVar("T")
_PANEL = ["campaign", "task", "variant"]
KEYS = ["campaign", "method", "task", "variant", "lag"]


@dataclass(frozen=True)
class Panel:
    """A task variant of one campaign, or of all where they are joined: what one chart shows."""

    campaign: str
    """Its group: empty where they are joined."""
    task: str
    variant: str
    label: str


class Results:
    """The evidence of a report. Frames carry a `campaign` column, and keep the order of the profile.

    `joined`: a task variant is one panel, whichever campaigns have it, and the methods of all but the first
    are named after theirs.
    """

    def __init__(self, campaigns: Sequence[Campaign], relaxed: str = "", *, joined: bool = False) -> None:
        self.joined = joined
        self.own = ""
        """The campaign that others are shown beside, whose methods need no name after theirs; else empty."""
        self.relaxed = relaxed
        """What a laxer criterion is, and what it leaves as it was; empty where the rows are as stored."""
        self.campaigns = dict(zip(_names(campaigns), campaigns, strict=True))
        self._made: dict[Any, Any] = {}
        self._places: dict[int, tuple[pd.DataFrame, dict[Any, Any]]] = {}
        self.everything = _together({name: each.trials for name, each in self.campaigns.items()})
        """Every trial as stored, controls among them."""
        certified = _certified(self.everything, self.campaigns)
        renamed = self._told_apart(self.everything)
        if joined:
            pairs = zip(renamed["method"], renamed["campaign"], strict=True)
            renamed = renamed.assign(method=[self._named(*pair) for pair in pairs])
        self.trials = renamed[certified.isna()]
        self.controls = renamed.assign(certifies=certified)[certified.notna()]
        """The trials of controls, which are no results; with the variant that each `certifies`."""
        self.methods = self._ordered_methods()
        self.retests = self.trials[self.trials["phase"] == "retest"]
        self.tuning = self.trials[self.trials["phase"] == "tune"]

    def once(self, make: Callable[[Results], T]) -> T:
        """What `make` makes of these results; made once, though tables and charts both ask for it."""
        if make not in self._made:
            self._made[make] = make(self)
        found: T = self._made[make]
        return found

    @property
    def overall(self) -> list[Panel]:
        """A panel a campaign, of all its tasks together."""
        return [
            Panel(name, "", "", "all tasks" + (f"{OF}{name}" if self.several else ""))
            for name in self.campaigns
        ]

    def on_tasks_of(self, other: Results) -> list[Campaign]:
        """The campaigns that have trials on the task variants of `other`, or their twins; these alone."""
        wanted = {
            (panel.task, variant)
            for panel in other.panels
            for variant in (panel.variant, panel.variant + TWIN)
        }
        found = []
        for each in self.campaigns.values():
            trials = each.trials
            pairs = zip(trials["task"], trials["variant"], strict=True)
            kept = trials[[pair in wanted for pair in pairs]]
            found += [replace(each, trials=kept)] if len(kept) else []
        return found

    @property
    def several(self) -> bool:
        """Whether there is more than one campaign."""
        return len(self.campaigns) > 1

    @property
    def labelled(self) -> bool:
        """Whether a campaign must be said beside a method, whose name alone does not tell it."""
        return self.several and not self.joined

    @cached_property
    def apart(self) -> Results:
        """The same campaigns side by side; these results where they are."""
        if not self.joined:
            return self
        made = Results(list(self.campaigns.values()), self.relaxed)
        made.own = next(iter(self.campaigns))
        return made

    @property
    def groups(self) -> list[str]:
        """Of what methods are compared: each campaign by its name, or all that are joined, by none."""
        return [""] if self.joined else list(self.campaigns)

    def of_group(self, group: str, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows of `frame` of one of `groups`."""
        return frame if self.joined else frame[frame["campaign"] == group]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Every two methods; where campaigns are joined, those of which the first campaign has one."""
        found = list(combinations(self.methods, 2))
        published = set(self.trials.loc[self.trials["campaign"] != next(iter(self.campaigns)), "method"])
        return [pair for pair in found if not self.joined or not published.issuperset(pair)]

    def _named(self, method: str, campaign: str) -> str:
        own = not self.joined or campaign == next(iter(self.campaigns))
        return method if own else f"{method}{OF}{campaign}"

    @property
    def unfinished(self) -> str:
        """One line that names the campaigns that are not at their end; empty where all are."""
        names = [name for name, each in self.campaigns.items() if each.manifest.finished is None]
        return f"Unfinished: {', '.join(names)}. This is what had been stored until now." if names else ""

    @property
    def mixed(self) -> list[str]:
        """One line for each campaign whose code or versions changed between its trials."""
        said = {name: each.mixed for name, each in self.campaigns.items()}
        return [f"{name} is a mix of code: {mixed}." for name, mixed in said.items() if mixed]

    @property
    def notes(self) -> list[str]:
        """What a reader must know first, a line each: unfinished, mixed, relaxed."""
        return [said for said in (self.unfinished, *self.mixed, self.relaxed) if said]

    def _ordered_methods(self) -> list[str]:
        planned = [
            self._named(str(method), name)
            for name, each in self.campaigns.items()
            for method in each.manifest.profile.get("methods", [])
        ]
        present = set(self.trials["method"].unique())
        return list(dict.fromkeys([*(name for name in planned if name in present), *sorted(present)]))

    @cached_property
    def curves(self) -> pd.DataFrame:
        """The retests' learning curves, each row with its case."""
        return self._of_retests({name: each.curves for name, each in self.campaigns.items()})

    @cached_property
    def probes(self) -> pd.DataFrame:
        """The retests' probes, each row with its case; how far back a probe looks is `back`."""
        frames = {name: each.probes.rename(columns={"lag": "back"}) for name, each in self.campaigns.items()}
        return self._of_retests(frames)

    @cached_property
    def extrapolation(self) -> pd.DataFrame:
        """What solved retests came to at longer lags, each row with its case; the lag asked is `asked`."""
        named = {"lag": "asked"}
        return self._of_retests(
            {name: each.extrapolation.rename(columns=named) for name, each in self.campaigns.items()}
        )

    def _of_retests(self, frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
        cases = self.retests[[*KEYS, "run_id", "trial"]].drop_duplicates(["campaign", "run_id"])
        found = self._told_apart(_together(frames))
        return found.merge(cases, on=["campaign", "run_id"], how="inner")

    def _told_apart(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Runs by a name of their own: two campaigns may have made the same one."""
        return frame.assign(run_id=frame["campaign"] + "/" + frame["run_id"]) if self.joined else frame

    @cached_property
    def panels(self) -> list[Panel]:
        """Every task variant of every campaign, the same task of several campaigns side by side or joined."""
        found = self.trials[["task", "variant", "campaign"]].drop_duplicates()
        if self.joined:
            found = found.assign(campaign="").drop_duplicates()
        order = {pair: rank for rank, pair in enumerate(zip(found["task"], found["variant"], strict=True))}
        rows = sorted(
            found.itertuples(index=False, name=None), key=lambda row: min(order[row[:2]], len(order))
        )
        return [
            Panel(campaign, task, variant, f"{task}:{variant}" + (f"{OF}{campaign}" if self.labelled else ""))
            for task, variant, campaign in rows
        ]

    @cached_property
    def cases(self) -> pd.DataFrame:
        """One row a case: see `summarise`; panels, then lags, then methods in their order."""
        # As arrays: a frame a case takes most of the time of a large report.
        columns = {name: self.trials[name].to_numpy() for name in SUMMARISED}
        groups: dict[Any, Any] = self.trials.groupby(KEYS, sort=False).indices
        rows = [
            dict(zip(KEYS, key, strict=True)) | summarise({name: of[at] for name, of in columns.items()})
            for key, at in groups.items()
        ]
        return self.in_order(pd.DataFrame(rows, columns=[*KEYS, *COLUMNS]))

    def in_order(self, cases: pd.DataFrame) -> pd.DataFrame:
        """Rows of cases by panels, then lags, then methods, each in its order."""
        panel = {(p.campaign, p.task, p.variant): rank for rank, p in enumerate(self.panels)}
        method = {name: rank for rank, name in enumerate(self.methods)}
        places = [
            (panel["" if self.joined else campaign, task, variant], lag, method[named])
            for campaign, named, task, variant, lag in cases[KEYS].itertuples(index=False, name=None)
        ]
        return cases.iloc[sorted(range(len(places)), key=places.__getitem__)].reset_index(drop=True)

    def of(self, panel: Panel, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows of `frame`, which is one of these results, that belong to `panel`."""
        if id(frame) not in self._places:
            # By every chart of every panel: strings are compared once. The frame is kept, and so is its id.
            keys = _PANEL[1:] if self.joined else _PANEL
            self._places[id(frame)] = frame, frame.groupby(keys, sort=False).indices
        places = self._places[id(frame)][1]
        place = (panel.task, panel.variant)
        found: pd.DataFrame = frame.iloc[places.get(place if self.joined else (panel.campaign, *place), [])]
        return found

    @cached_property
    def _by_panel(self) -> dict[Panel, pd.DataFrame]:
        # Asked for by every chart and every sentence.
        return {panel: self.of(panel, self.cases) for panel in self.panels}

    def cases_of(self, panel: Panel) -> pd.DataFrame:
        """The rows of `cases` that belong to `panel`."""
        return self._by_panel[panel]

    @cached_property
    def _by_case(self) -> dict[tuple[Panel, str], dict[int, Any]]:
        # Rows of `cases`, by the method and then the lag: a table asks for each of its cells.
        found: dict[tuple[Panel, str], dict[int, Any]] = {}
        for panel in self.panels:
            for case in self.cases_of(panel).itertuples():
                found.setdefault((panel, str(case.method)), {})[int(str(case.lag))] = case
        return found

    def ladder(self, panel: Panel, method: str) -> dict[int, Tally]:
        """The method's tally at each lag of the panel, 0 of 0 where it has no retest.

        What it was never asked was not failed: of a climb, or of campaigns at their end, its own lags alone.
        """
        own = self._by_case.get((panel, method), {})
        tallies = {lag: Tally(case.solved, case.n) for lag, case in own.items()}
        whose = {case.campaign for case in own.values()}
        ended = bool(own) and all(self.campaigns[name].manifest.finished is not None for name in whose)
        if ended or any(case.rung for case in own.values()):
            lags = list(own)
        else:
            beside = [cases for key, cases in self._by_case.items() if key[0] == panel]
            lags = [
                lag for cases in beside for lag, case in cases.items() if not whose or case.campaign in whose
            ]
        return {lag: tallies.get(lag, Tally(0, 0)) for lag in sorted(set(lags))}

    def climbs(self, panel: Panel) -> bool:
        """Whether its lags were climbed to."""
        return bool(self.cases_of(panel)["rung"].any())

    def case(self, panel: Panel, method: str, lag: int) -> Any:
        """The case's row of `cases`; None where it was not tried."""
        return self._by_case.get((panel, method), {}).get(lag)

    def frontier(self, panel: Panel, method: str) -> int | None:
        """T* of a method on a panel."""
        return frontier(self.ladder(panel, method))


def _certified(trials: pd.DataFrame, campaigns: dict[str, Campaign]) -> pd.Series[Any]:
    """The variant that each trial's case is a control of; missing where it is none."""
    names = (trials[name] for name in KEYS)
    found = [
        campaigns[name].manifest.controls.get(f"{method}/{task}:{variant}/{lag}")
        for name, method, task, variant, lag in zip(*names, strict=True)
    ]
    return pd.Series(found, index=trials.index, dtype=object)


def _together(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    labelled = [frame.assign(campaign=name) for name, frame in frames.items()]
    filled = [frame for frame in labelled if len(frame)]
    return pd.concat(filled or labelled[:1], ignore_index=True)


def _names(campaigns: Sequence[Campaign]) -> list[str]:
    """A distinct name for each campaign: its own if it is alone, else its folder's, and a number."""
    plain = [each.manifest.campaign for each in campaigns]
    if len(plain) > 1:
        plain = [each.folder.resolve().name for each in campaigns]
    seen: Counter[str] = Counter()
    names = []
    for name in plain:
        seen[name] += 1
        names.append(name if plain.count(name) == 1 else f"{name} ({seen[name]})")
    return names
