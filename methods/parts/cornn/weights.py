"""First weights of coupled oscillators: uniform, and a unit's own that gives back what pulls it to rest."""

from __future__ import annotations

from typing import Any

import optuna
import torch

from longlag.bench.contract import Change, Network, Recipe, Task
from longlag.methods.parts.cornn.cell import CoRNNCell
from longlag.methods.parts.initialisers import UniformWeights


class OscillatorWeights(Change):
    """Every weight from U[-r, r], r = scale / sqrt(H), and `balance` gamma on the diagonal of R_y.

    At a balance of 0 these are the classical weights; the inputs' have a scale of their own. Near rest
    tanh(R_y y) - gamma y is (R_y - gamma) y: with R_y as small as classical weights are, a strongly damped
    unit has fallen to 1/e after epsilon / (dt gamma) steps, and an error with it. At a balance of 1 it rests
    wherever it is.
    """

    changes = "initialiser"

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """The scale of the weights and of those from the inputs, and the share that is given back."""
        return {
            **UniformWeights().suggest(trial, task),
            "input_scale": trial.suggest_float("input_scale", 0.2, 20.0, log=True),
            "balance": trial.suggest_float("balance", 0.0, 1.0),
        }

    def apply(self, recipe: Recipe, *, init_scale: float, input_scale: float, balance: float) -> Recipe:
        """The recipe with these first weights."""
        uniform = UniformWeights().apply(recipe, init_scale=init_scale).initialiser

        def initialise(network: Network, task: Task) -> None:
            uniform(network, task)
            cell = network.recurrent
            assert isinstance(cell, CoRNNCell)
            with torch.no_grad():
                for block in cell.input_blocks():
                    block.mul_(input_scale / init_scale)
                cell.recurrent_blocks()[0].diagonal().add_(balance * cell.swing[1])

        return recipe.replace(initialiser=initialise)
