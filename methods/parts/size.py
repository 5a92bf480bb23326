"""How large the net and its batches are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import optuna

from bench import Change, Recipe, Task


class Size(Change):
    """Units and sequences a batch, tuned between the given choices."""

    changes = "size"

    def __init__(
        self,
        units: tuple[int, ...] = (32, 50, 100),
        batches: tuple[int, ...] = (10, 20, 50),
        first: Mapping[str, int] | None = None,
    ) -> None:
        self.units = units
        self.batches = batches
        self.first = first or {}

    def start(self, task: Task) -> dict[str, Any]:
        """What was given as `first`."""
        return dict(self.first)

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """One of the choices for each."""
        return {
            "units": trial.suggest_categorical("units", self.units),
            "batch_size": trial.suggest_categorical("batch_size", self.batches),
        }

    def apply(self, recipe: Recipe, *, units: int, batch_size: int) -> Recipe:
        """The recipe with these sizes."""
        return recipe.replace(units=units, batch_size=batch_size)
