"""Gradient clipping: rescale the gradient when it passes a threshold.

Where the error surface has walls, the gradient there is larger than the region in which it is any
guide. Keeping its direction and bounding its length (Pascanu, Mikolov & Bengio 2013, Algorithm 1)

    g <- g threshold / |g|   if |g| > threshold

turns the jump off the wall into an ordinary step. Bounding each component on its own (Mikolov 2012)
is the older form, and changes the direction too.
"""

from __future__ import annotations

from typing import Any

import optuna

from bench import Recipe, Remedy, Task
from methods.parts.clipping import ClipByNorm, ClipByValue

RULES = {"norm": ClipByNorm, "value": ClipByValue}


class GradientClipping(Remedy):
    """Bound the gradient, by its norm or component by component."""

    name = "gradient_clipping"
    source = "Pascanu, Mikolov & Bengio 2013, ICML (arXiv 1211.5063)"
    changes = "gradient"

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """Which form, and the threshold."""
        return {
            "clip_by": trial.suggest_categorical("clip_by", sorted(RULES)),
            "threshold": trial.suggest_float("threshold", 0.05, 100.0, log=True),
        }

    def apply(self, recipe: Recipe, *, clip_by: str, threshold: float) -> Recipe:
        """The recipe with its gradient clipped."""
        return recipe.replace(gradient=RULES[clip_by](threshold))
