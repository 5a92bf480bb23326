"""Muon: all directions of a weight matrix move alike, however small their gradient.

A gradient through many steps is dominated by few directions of the recurrent matrix: those that the lag has
left. Those that it has all but wiped out carry what has to be learned, and descent hardly moves along them.
Jordan et al. 2024 replace the momentum M of a matrix by its nearest orthogonal matrix,

    M = U S V'  ->  U V'

up to how exactly five Newton-Schulz iterations find it: every singular value becomes about one. Adam, the
usual way to lift small gradients, lifts each number by itself; this lifts directions. It mends no gradient
that is zero.

The one change to the recipe is the optimiser: torch's Muon on the recurrent layer's two matrices, Adam on
biases, initial states and readout, as published for first and last layers and for all that is no matrix. A
layer of several gates is one matrix to it. Steps do not shrink with the gradient, so their rate has to: it
halves after a tuned number of updates. No weight decay. No figure for the long-lag tasks is published.
"""

from __future__ import annotations

from typing import Any

import optuna
import torch

from longlag.bench.contract import Network, Recipe, Remedy, Sizes, Task
from longlag.methods.parts.matrix_steps import Muon as Optimizer


class Muon(Remedy):
    """Momentum whose matrices are made orthogonal before each step."""

    name = "muon"
    source = "Jordan et al. 2024, Muon: an optimizer for hidden layers in neural networks"
    changes = "optimiser"

    def recipes(self, sizes: Sizes) -> list[dict[str, Any]]:
        """The published rates, and lower ones."""
        net = {"init_scale": 1.0, "units": 50, "batch_size": 20, "momentum": 0.95}
        published = {"learning_rate": 0.02, "adam_rate": 3e-4, "halving": 1e4}
        lower = {"learning_rate": 2e-3, "adam_rate": 3e-3, "halving": 3e3}
        return [{**net, **published}, {**net, **lower}]

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """The rates of both, Muon's momentum, and the updates after which the rates have halved."""
        return {
            "learning_rate": trial.suggest_float("learning_rate", 1e-4, 0.1, log=True),
            "momentum": trial.suggest_categorical("momentum", (0.8, 0.9, 0.95, 0.98)),
            "adam_rate": trial.suggest_float("adam_rate", 1e-4, 3e-2, log=True),
            "halving": trial.suggest_float("halving", 5e2, 1e5, log=True),
        }

    def apply(
        self, recipe: Recipe, *, learning_rate: float, momentum: float, adam_rate: float, halving: float
    ) -> Recipe:
        """The recipe with Muon."""

        def optimiser(network: Network, _: Task) -> torch.optim.Optimizer:
            return Optimizer(network, learning_rate, momentum, adam_rate, halving)

        return recipe.replace(optimiser=optimiser)
