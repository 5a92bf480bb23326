"""Values that plugins return, checked or converted to JSON at once, so that every file can store them."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import optuna

from longlag.bench.contract.method import Method
from longlag.bench.contract.task import Task
from longlag.bench.plugins.guard import patience


def as_json(value: Any, what: str) -> Any:
    """`value` as JSON knows it, NumPy's numbers among them; raises ValueError, with `what` it was."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    if isinstance(value, str) and _encodable(value):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [as_json(item, what) for item in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) and _encodable(key) for key in value):
        return {str(key): as_json(item, what) for key, item in value.items()}
    raise ValueError(f"{what} is no JSON value: {value!r}")


def hyperparameters(given: Any, what: str) -> dict[str, Any]:
    """The dictionary that a plugin gave, as JSON; raises TypeError or ValueError, with `what` it was."""
    if not isinstance(given, Mapping):
        raise TypeError(f"{what} is a {type(given).__name__}, not a dictionary")
    return {_name(name): as_json(value, f"{name!r} in {what}") for name, value in given.items()}


def suggested(
    method: Method, trial: optuna.trial.BaseTrial, task: Task, setting: Mapping[str, Any] | None = None
) -> Any:
    """What a method answers when it is asked for a setting, unchecked; raises what it raises.

    It has its time, and its warnings are not shown: a number of `setting` may be beyond where it is tuned.
    """
    with warnings.catch_warnings(), patience():
        warnings.simplefilter("ignore")
        return method.suggest(cast(optuna.Trial, Suggestions(trial, setting)), task)


class Suggestions:
    """Optuna's trial as a plugin sees it, with arguments checked or converted to what can be stored.

    The numbers of `setting` are in their ranges, which are widened for them.
    """

    def __init__(self, trial: optuna.trial.BaseTrial, setting: Mapping[str, Any] | None = None) -> None:
        self._trial = trial
        self._setting = setting or {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trial, name)

    def suggest_float(self, name: str, low: float, high: float, **more: Any) -> float:
        """Optuna's."""
        return self._trial.suggest_float(_name(name), *self._range(name, low, high), **_plain(more))

    def suggest_int(self, name: str, low: int, high: int, **more: Any) -> int:
        """Optuna's."""
        return self._trial.suggest_int(_name(name), *self._range(name, low, high), **_plain(more))

    def _range(self, name: str, low: Any, high: Any) -> list[Any]:
        bounds = [as_json(bound, f"a bound of {name!r}") for bound in (low, high)]
        wanted = self._setting.get(name)
        if isinstance(wanted, int | float) and not isinstance(wanted, bool):
            return [min(bounds[0], wanted), max(bounds[1], wanted)]
        return bounds

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Optuna's, but that True, 1 and 1.0 are three choices."""
        plain = [as_json(choice, f"a choice of {name!r}") for choice in choices]
        # Lists have been checked; the plugin gets its own back.
        pairs = zip(choices, plain, strict=True)
        own: list[Any] = [given if isinstance(given, (list, tuple)) else made for given, made in pairs]
        labels = [_Label(json.dumps(choice)) for choice in plain]
        if len({*labels}) == sum(own.index(choice) == place for place, choice in enumerate(own)):
            return self._trial.suggest_categorical(_name(name), own)
        chosen = self._trial.suggest_categorical(_name(name), labels)
        return own[[label == chosen for label in labels].index(True)]

    def set_user_attr(self, key: str, value: Any) -> None:
        """Optuna's."""
        self._trial.set_user_attr(_name(key), as_json(value, f"attribute {key!r}"))

    def set_constraint(self, key: str, value: float) -> None:
        """Optuna's."""
        self._trial.set_constraint(_name(key), as_json(value, f"constraint {key!r}"))


class _Label(str):
    """A choice by its JSON text, which equals a value of the same text alone."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other if isinstance(other, _Label) else json.dumps(other))

    __hash__ = str.__hash__


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    return {key: as_json(value, key) for key, value in options.items()}


def _name(name: Any) -> str:
    if not isinstance(name, str) or not _encodable(name):
        raise ValueError(f"{name!r} is no name")
    return str(name)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
