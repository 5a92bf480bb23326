"""Adam: every number moves by about the same step, however small its gradient.

What a long lag leaves of a gradient is small, and plain descent hardly moves by it. Kingma & Ba 2015 divide
the mean of a number's gradients, m, by the root of the mean of their squares, v:

    m <- b1 m + (1 - b1) g,    v <- b2 v + (1 - b2) g^2,    theta <- theta - eps m / (sqrt(v) + 1e-8)

both over what their beginning at zero takes away. It lifts each number by itself, and so mends neither a
gradient that is zero nor one whose small directions lie across many numbers. Many of the other remedies are
trained with it; alone, on the plain net, it shows what of their success is Adam's.

The one change to the recipe is the optimiser. Its rate halves after a tuned number of updates.
"""

from __future__ import annotations

from typing import Any

import optuna
import torch

from longlag.bench.contract import Network, Recipe, Remedy, Sizes, Task
from longlag.methods.parts.updates import Adam as Optimizer
from longlag.methods.parts.updates import warm_up


class Adam(Remedy):
    """Steps of a number that are its mean gradient over the root of its mean square."""

    name = "adam"
    source = "Kingma & Ba 2015, ICLR (arXiv 1412.6980)"
    changes = "optimiser"

    def warm_up(self) -> None:
        """Have the compiled updates ready."""
        warm_up()

    def recipes(self, sizes: Sizes) -> list[dict[str, Any]]:
        """The published rate; and a higher one that falls."""
        net = {"init_scale": 1.0, "units": 50, "batch_size": 20}
        return [
            {**net, "learning_rate": 1e-3, "halving": 1e5},
            {**net, "units": 16, "learning_rate": 0.01, "halving": 3000.0},
        ]

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """The rate eps, and the updates after which it has halved."""
        return {
            "learning_rate": trial.suggest_float("learning_rate", 1e-4, 3e-2, log=True),
            "halving": trial.suggest_float("halving", 5e2, 1e5, log=True),
        }

    def apply(self, recipe: Recipe, *, learning_rate: float, halving: float) -> Recipe:
        """The recipe with Adam."""

        def optimiser(network: Network, _: Task) -> torch.optim.Optimizer:
            return Optimizer(network.flat(), learning_rate, halving)

        return recipe.replace(optimiser=optimiser)
