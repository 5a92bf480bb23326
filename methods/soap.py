"""SOAP: Adam, in the directions in which a weight matrix's gradients really lie.

Adam scales a gradient number by number, which helps where the numbers are the directions that differ. In a
recurrent matrix they are not: what a long lag wipes out, and what it leaves, are directions across many
weights. Shampoo (Gupta et al. 2018) finds them as eigenvectors of the gradients' second moments, one set for
the rows of a matrix and one for its columns; Vyas et al. 2024 run Adam in that basis, and improve it every
few updates. It is a cheap relative of the curvature that Hessian-free steps follow.

The one change to the recipe is the optimiser, for all matrices; vectors have Adam with the same decays. The
rate halves after a tuned number of updates. No weight decay. No figure for the long-lag tasks is published.
"""

from __future__ import annotations

from typing import Any

import optuna
import torch

from longlag.bench.contract import Network, Recipe, Remedy, Sizes, Task
from longlag.methods.parts.matrix_steps import Soap as Optimizer


class Soap(Remedy):
    """Adam in the eigenbasis of Shampoo's preconditioner."""

    name = "soap"
    source = "Vyas et al. 2024, SOAP: improving and stabilizing Shampoo using Adam, arXiv 2409.11321"
    changes = "optimiser"

    def recipes(self, sizes: Sizes) -> list[dict[str, Any]]:
        """The published rate, decays and period."""
        net = {"init_scale": 1.0, "units": 50, "batch_size": 20}
        published = {"learning_rate": 3e-3, "decay": 0.95, "every": 10, "halving": 1e4}
        return [{**net, **published}]

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """The rate, the decay of all means, the updates between two bases, and those that halve the rate."""
        return {
            "learning_rate": trial.suggest_float("learning_rate", 1e-4, 3e-2, log=True),
            "decay": trial.suggest_categorical("decay", (0.9, 0.95, 0.98, 0.99)),
            "every": trial.suggest_categorical("every", (1, 10, 100)),
            "halving": trial.suggest_float("halving", 5e2, 1e5, log=True),
        }

    def apply(
        self, recipe: Recipe, *, learning_rate: float, decay: float, every: int, halving: float
    ) -> Recipe:
        """The recipe with SOAP."""

        def optimiser(network: Network, _: Task) -> torch.optim.Optimizer:
            return Optimizer(network, learning_rate, decay, every, halving)

        return recipe.replace(optimiser=optimiser)
