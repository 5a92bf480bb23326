"""What a case's tuning has found: its settings, which of them lead, and which is the surest.

A setting is better of which more runs can be expected to solve; of equals, the one of the lower mean score,
so the cheaper. Of those that solved once, the cheapest are those that barely solve: a reservoir of forty
units by luck where the recipe of two hundred solves always. So half of the leaders are of the settings that
were handed in, the method's recipes and the winner of the rung below, where these solved.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from statistics import fmean

import optuna

from longlag.bench.trial.spec import FAILED, Outcome, TrialSpec, score

RERUN_SLACK = 5
"""How often more than a tuning trial's cap a rerun may take: how surely it solves is asked."""


@dataclass(eq=False)
class Setting:
    """Hyperparameters that were tried, and what their runs came to."""

    spec: TrialSpec
    """Of their first run, as is `trial`."""
    trial: optuna.Trial
    handed: bool
    """Whether they were handed in: a recipe, or the winner of the rung below."""
    scores: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    """FLOPs of the runs that solved."""

    def rank(self) -> tuple[float, float]:
        """The lowest is the best: by the rule of succession where it solved, then by the mean score."""
        expected = (len(self.costs) + 1) / (len(self.scores) + 2) if self.costs else 0.0
        return -expected, fmean(self.scores)


@dataclass
class Found:
    """What a case's tuning has found so far."""

    settings: dict[str, Setting] = field(default_factory=dict)
    ran: bool = False
    """Whether any trial ended without failing."""

    def add(self, spec: TrialSpec, trial: optuna.Trial, outcome: Outcome, handed: bool) -> float:
        """Note a trial's outcome; its score."""
        value = score(outcome, spec.limits.budget)
        key = json.dumps(spec.hyperparameters, sort_keys=True)
        setting = self.settings.setdefault(key, Setting(spec, trial, handed))
        setting.scores.append(value)
        self.ran = self.ran or outcome.status not in FAILED
        if outcome.solved:
            setting.costs.append(outcome.flops)
        return value

    @property
    def cheapest(self) -> float | None:
        """FLOPs of the cheapest solution."""
        return min((cost for setting in self.settings.values() for cost in setting.costs), default=None)

    def leaders(self, count: int) -> list[Setting]:
        """The `count` best, half of them, which come first, the best of what was handed in and solved."""
        ranked = sorted(self.settings.values(), key=Setting.rank)
        handed = [setting for setting in ranked if setting.handed and setting.costs][: count // 2]
        return [*handed, *(setting for setting in ranked if setting not in handed)][:count]

    def known(self, setting: Setting) -> float | None:
        """FLOPs that the cap of its rerun is a multiple of: of its own first solution, where it has one."""
        first = setting.costs[0] if setting.costs else self.cheapest
        return None if first is None else RERUN_SLACK * first
