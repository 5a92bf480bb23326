"""How large the net and its batches are: two parts, so that a cell may choose one, an optimiser the other."""

from __future__ import annotations

from typing import Any

import optuna

from bench import Change, Recipe, Task


class Units(Change):
    """Hidden units, tuned between the given choices; tuning begins with `first`, if given."""

    changes = "units"

    def __init__(self, choices: tuple[int, ...] = (32, 50, 100), first: int | None = None) -> None:
        self.choices = choices
        self.first = first

    def start(self, task: Task) -> dict[str, Any]:
        """What was given as `first`."""
        return {} if self.first is None else {"units": self.first}

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """One of the choices."""
        return {"units": trial.suggest_categorical("units", self.choices)}

    def apply(self, recipe: Recipe, *, units: int) -> Recipe:
        """The recipe with so many units."""
        return recipe.replace(units=units)


class BatchSize(Change):
    """Sequences a batch, tuned between the given choices; tuning begins with `first`, if given."""

    changes = "batch"

    def __init__(self, choices: tuple[int, ...] = (10, 20, 50), first: int | None = None) -> None:
        self.choices = choices
        self.first = first

    def start(self, task: Task) -> dict[str, Any]:
        """What was given as `first`."""
        return {} if self.first is None else {"batch_size": self.first}

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """One of the choices."""
        return {"batch_size": trial.suggest_categorical("batch_size", self.choices)}

    def apply(self, recipe: Recipe, *, batch_size: int) -> Recipe:
        """The recipe with batches of this size."""
        return recipe.replace(batch_size=batch_size)
