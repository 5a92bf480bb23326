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

from longlag.bench.contract import Recipe, Remedy, Sizes, Task
from longlag.methods.parts.clipping import ClipByNorm, ClipByValue
from longlag.methods.parts.first_guesses import momentum_recipes, within
from longlag.methods.parts.initialisers import TunedWeights
from longlag.methods.parts.omega import RegularisedTanhUnits
from longlag.methods.parts.optimisers import Nesterov
from longlag.methods.parts.size import BatchSize, Units

RULES = {"norm": ClipByNorm, "value": ClipByValue}


class GradientClipping(Remedy):
    """Bound the gradient, by its norm or component by component."""

    name = "gradient_clipping"
    source = "Pascanu, Mikolov & Bengio 2013, ICML (arXiv 1211.5063)"
    changes = "gradient"
    companions = (RegularisedTanhUnits(), TunedWeights(), Nesterov(), Units(), BatchSize())

    def recipes(self, sizes: Sizes) -> list[dict[str, Any]]:
        """On what careful initialisation begins with: the first at ten times the rate and clipped by value.

        By value, because once a net learns, the recurrent weights' gradient is a hundred times the readout's:
        bounded as one, the readout hardly moves. So low a threshold is nearly a step of one size for every
        weight, whatever the gradient's length, and bears the higher rate.
        """
        direct, far, free = momentum_recipes(sizes)
        by_value = {
            "clip_by": "value",
            "threshold": within(2 / sizes.lag, 1e-3, 0.02),
            "learning_rate": 10 * direct["learning_rate"],
            "with_omega": False,
        }
        by_norm = {"clip_by": "norm", "threshold": 1.0, "with_omega": False}
        return [{**direct, **by_value}, {**far, **by_norm}, {**free, **by_norm}]

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """Which form, and the threshold."""
        return {
            "clip_by": trial.suggest_categorical("clip_by", sorted(RULES)),
            "threshold": trial.suggest_float("threshold", 1e-3, 100.0, log=True),
        }

    def apply(self, recipe: Recipe, *, clip_by: str, threshold: float) -> Recipe:
        """The recipe with its gradient clipped."""
        return recipe.replace(gradient=RULES[clip_by](threshold))
