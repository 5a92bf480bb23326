"""A bound on the gradient's norm, as a part of recipes that were published with one."""

from __future__ import annotations

from typing import Any

import optuna

from longlag.bench.contract import Change, Recipe, Task
from longlag.methods.parts.clipping import ClipByNorm


class BoundedNorm(Change):
    """Rescales the gradient where its norm passes a threshold (Pascanu, Mikolov & Bengio 2013)."""

    changes = "gradient"

    def __init__(self, least: float = 1e-2, most: float = 1e3) -> None:
        self.least = least
        self.most = most

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """The threshold."""
        return {"threshold": trial.suggest_float("threshold", self.least, self.most, log=True)}

    def apply(self, recipe: Recipe, *, threshold: float) -> Recipe:
        """The recipe with its gradient bounded."""
        return recipe.replace(gradient=ClipByNorm(threshold))
