"""How large the net and its batches are: two parts, so that a cell may choose one, an optimiser the other."""

from __future__ import annotations

from typing import Any

import optuna

from longlag.bench.contract import Change, Recipe, Task


class Units(Change):
    """Hidden units, tuned between `fewest` and `most`."""

    changes = "units"

    def __init__(self, fewest: int = 8, most: int = 128) -> None:
        self.fewest = fewest
        self.most = most

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """How many, even on the logarithm."""
        return {"units": trial.suggest_int("units", self.fewest, self.most, log=True)}

    def apply(self, recipe: Recipe, *, units: int) -> Recipe:
        """The recipe with so many units."""
        return recipe.replace(units=units)


class BatchSize(Change):
    """Sequences a batch, tuned between the given choices."""

    changes = "batch_size"

    def __init__(self, choices: tuple[int, ...] = (10, 20, 50, 100)) -> None:
        self.choices = choices

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """One of the choices."""
        return {"batch_size": trial.suggest_categorical("batch_size", self.choices)}

    def apply(self, recipe: Recipe, *, batch_size: int) -> Recipe:
        """The recipe with batches of this size."""
        return recipe.replace(batch_size=batch_size)
