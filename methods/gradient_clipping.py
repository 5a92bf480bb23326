"""Gradient clipping: rescale the gradient when it passes a threshold.

Where the error surface has walls, the gradient there is larger than the region in which it is any
guide. Keeping its direction and bounding its length (Pascanu, Mikolov & Bengio 2013, Algorithm 1)

    g <- g threshold / |g|   if |g| > threshold

turns the jump off the wall into an ordinary step. Bounding each component on its own (Mikolov 2012)
is the older form, and changes the direction too.

That mends what explodes. Against what vanishes the same paper adds Omega to the loss of a tanh net
(`parts/omega.py`), and begins at sparse weights whose spectral radius is near 1; both are companions here, as
is momentum. With another cell than tanh units, the clipping remains.
"""

from __future__ import annotations

from typing import Any

import optuna

from bench import Recipe, Remedy, Task
from methods.parts.clipping import ClipByNorm, ClipByValue
from methods.parts.initialisers import TunedWeights
from methods.parts.omega import RegularisedTanhUnits
from methods.parts.optimisers import MomentumDescent
from methods.parts.size import BatchSize, Units

RULES = {"norm": ClipByNorm, "value": ClipByValue}


class GradientClipping(Remedy):
    """Bound the gradient, by its norm or component by component."""

    name = "gradient_clipping"
    source = "Pascanu, Mikolov & Bengio 2013, ICML (arXiv 1211.5063)"
    changes = "gradient"
    # The first guess of weights and momentum solves more seeds than the published sparse ones without
    companions = (
        RegularisedTanhUnits(),
        TunedWeights(
            ("sparse", "orthogonal"),
            first={"recurrent_weights": "orthogonal", "spectral_radius": 1.0, "input_scale": 0.1},
        ),
        MomentumDescent(first={"learning_rate": 0.003, "momentum": 0.9}),
        Units(first=50),
        BatchSize(first=20),
    )

    def start(self, task: Task) -> dict[str, Any]:
        """The published rule and threshold."""
        return {"clip_by": "norm", "threshold": 1.0}

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """Which form, and the threshold."""
        return {
            "clip_by": trial.suggest_categorical("clip_by", sorted(RULES)),
            "threshold": trial.suggest_float("threshold", 0.05, 100.0, log=True),
        }

    def apply(self, recipe: Recipe, *, clip_by: str, threshold: float) -> Recipe:
        """The recipe with its gradient clipped."""
        return recipe.replace(gradient=RULES[clip_by](threshold))
