"""Which hyperparameter matters at which lag: PED-ANOVA over the tuning trials of a method at a rung."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterable
from typing import Any

import optuna
import pandas as pd
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

from longlag.reports.results import KEYS, Results

TOP = 0.25
"""The best share of the trials, which the importances tell from the others."""
FEWEST = 20
"""Trials of a cell, so that five are in the best share, as Optuna's documentation asks."""
MOST = 100
"""Trials that are enough: of a cell with more, evenly many, since a study of many takes long to make."""
LOG_SPAN = 20.0
"""From how many times the smallest the largest of positive numbers is taken to lie on a logarithmic axis."""


def settings(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """The hyperparameters of each row; none where they are no JSON object."""
    found = []
    for text in rows["hyperparameters"]:
        try:
            values = json.loads(text)
        except ValueError:
            values = {}
        found.append(values if isinstance(values, dict) else {})
    return found


def distribution(values: Iterable[Any]) -> BaseDistribution | None:
    """What these values of a hyperparameter were drawn from, as they show it; None where they are all one.

    Rows do not say from what. Whole numbers are integers, other numbers floats, both from the least to the
    largest, logarithmic where these are positive and 20 times apart; anything else is a choice.
    """
    known = list(values)
    distinct = list(
        dict.fromkeys(value if isinstance(value, _CHOICES) else json.dumps(value) for value in known)
    )
    if len(distinct) < 2:
        return None
    numbers = [value for value in distinct if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if len(numbers) < len(distinct):
        return CategoricalDistribution(distinct)
    low, high = min(numbers), max(numbers)
    log = low > 0 and high / low >= LOG_SPAN
    if all(isinstance(value, int) for value in numbers):
        return IntDistribution(int(low), int(high), log=log)
    return FloatDistribution(float(low), float(high), log=log)


_CHOICES = (str, bool, int, float, type(None))


def study(trials: pd.DataFrame, values: pd.Series[float]) -> optuna.Study:
    """An Optuna study of these tuning trials, `values` what they came to, lower is better.

    Only hyperparameters that every trial has and that differ are in it.
    """
    told = settings(trials)
    names = [name for name in (told[0] if told else {}) if all(name in each for each in told)]
    spaces = {name: distribution(each[name] for each in told) for name in names}
    space = {name: of for name, of in spaces.items() if of is not None}
    told_before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    made = optuna.create_study()
    optuna.logging.set_verbosity(told_before)
    made.add_trials(
        [
            optuna.create_trial(
                params={name: _as(of, each[name]) for name, of in space.items()},
                distributions=space,
                value=value,
            )
            for each, value in zip(told, values.tolist(), strict=True)
        ]
    )
    return made


def _as(of: BaseDistribution, value: Any) -> Any:
    if isinstance(of, CategoricalDistribution):
        return value if isinstance(value, _CHOICES) else json.dumps(value)
    return float(value) if isinstance(of, FloatDistribution) else value


def importances(of: optuna.Study) -> dict[str, float]:
    """How much each hyperparameter tells the best quarter from all trials, by PED-ANOVA; they sum to 1.

    Watanabe et al. (2023). Empty where there are fewer than `FEWEST` trials or nothing differs.
    """
    trials = of.get_trials(deepcopy=False)
    if len(trials) < FEWEST or not trials[0].params:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        evaluator = PedAnovaImportanceEvaluator(target_quantile=TOP)
    found = get_param_importances(of, evaluator=evaluator)
    return {name: float(value) for name, value in found.items() if math.isfinite(value)}


def knobs(results: Results) -> pd.DataFrame:
    """A row a campaign, method, lag and hyperparameter: its `importance`, and how many `trials` and `tasks`.

    The trials of all tasks at the lag are taken together, each by its place within its own case, so that no
    task counts more for being harder. A cell with too few trials has one row, without a `knob`.
    """
    tuning = placed(results)
    rows: list[list[Any]] = []
    for (campaign, method, lag), own in tuning.groupby(["campaign", "method", "lag"], sort=False):
        known = [campaign, method, lag]
        tasks = len(own[["task", "variant"]].drop_duplicates())
        some = own.iloc[:: math.ceil(len(own) / MOST)]
        found = importances(study(some, some["place"])) if len(own) >= FEWEST else {}
        rows += [[*known, name, value, len(own), tasks] for name, value in found.items()]
        if not found:
            rows.append([*known, "", math.nan, len(own), tasks])
    return pd.DataFrame(rows, columns=["campaign", "method", "lag", "knob", "importance", "trials", "tasks"])


def placed(results: Results) -> pd.DataFrame:
    """The tuning trials that have a score, and the `place` of each within its case, 0 the best to 1."""
    tuning = results.tuning[results.tuning["score"].notna()]
    groups = tuning.groupby(KEYS, sort=False)["score"]
    most = (groups.transform("size") - 1).clip(lower=1)
    return tuning.assign(place=(groups.rank(method="average") - 1) / most)


def thin(results: Results) -> list[str]:
    """A sentence a campaign: how many cells of methods and lags have too few trials for an importance."""
    found = results.once(knobs)
    said = []
    for name in results.campaigns:
        own = found[found["campaign"] == name]
        cells = own[["method", "lag"]].drop_duplicates()
        blank = own[own["knob"] == ""]
        whose = f"{name}: " if results.several else ""
        if len(blank):
            fewest, most = int(blank["trials"].min()), int(blank["trials"].max())
            trials = str(fewest) if fewest == most else f"{fewest} to {most}"
            said.append(
                f"{whose}{len(blank)} of {len(cells)} methods at a lag are left out: {trials} trials, of at "
                f"least {FEWEST}, or nothing in them differs."
            )
    return said
