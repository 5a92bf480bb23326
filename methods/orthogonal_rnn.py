"""An orthogonal recurrent matrix, kept orthogonal: what goes through it neither shrinks nor grows.

A gradient that is multiplied by W^T at every step keeps its length where W is orthogonal, over however many
steps; nothing vanishes, nothing explodes, as far as the units let it through. Arjovsky, Shah & Bengio 2016
train a unitary matrix put together from a few factors; Helfrich, Willmott & Ye 2018 and Lezcano-Casado &
Martinez-Rubio 2019 train any orthogonal one. Here it is a real matrix that every update turns, and units that
begin as linear ones (modReLU): the net begins as a delay line, and learns what to let in and what to read.

The change to the recipe is the cell, where its weights begin, and the optimiser that keeps them orthogonal.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import optuna
import torch

from longlag.bench.contract import Network, Recipe, Remedy, Sizes, Task
from longlag.methods.parts.orthogonal.cell import MODRELU, ModReLUCell
from longlag.methods.parts.orthogonal.turning import TurningAdam
from longlag.methods.parts.size import BatchSize, Units

Start = Literal["rotations", "random"]
STARTS: tuple[Start, ...] = ("rotations", "random")


class OrthogonalRNN(Remedy):
    """A layer of modReLU units whose recurrent matrix is orthogonal, and is turned, not moved."""

    name = "orthogonal_rnn"
    source = "Arjovsky, Shah & Bengio 2016, ICML; Lezcano-Casado & Martinez-Rubio 2019, ICML"
    changes = ("cell", "initialiser", "optimiser")
    companions = (Units(8, 256), BatchSize((10, 20, 50, 100, 128)))

    def warm_up(self) -> None:
        """Have the compiled passes ready."""
        MODRELU.warm_up()

    def recipes(self, sizes: Sizes) -> list[dict[str, Any]]:
        """Random planes of rotation, the matrix turned more slowly; last few units at thrice the rate.

        A sum is learned in thousands of updates, of which a budget pays for few with many units.
        """
        common = {"start": "rotations", "batch_size": 20}
        sized = {**common, "units": 128, "input_scale": 0.3, "readout_scale": 0.1, "halving": 1e5}
        few = {**common, "units": 32, "input_scale": 0.06, "readout_scale": 1e-3, "halving": 2e3}
        return [
            {**sized, "rate": 3e-3, "turning": 3e-4},
            {**sized, "rate": 1e-3, "turning": 1e-4},
            {**few, "rate": 1e-2, "turning": 3e-3},
        ]

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """Where the matrix begins, the scales of the other weights, both rates and when they have halved."""
        return {
            "start": trial.suggest_categorical("start", STARTS),
            "input_scale": trial.suggest_float("input_scale", 1e-3, 1.0, log=True),
            "readout_scale": trial.suggest_float("readout_scale", 1e-3, 1.0, log=True),
            "rate": trial.suggest_float("rate", 1e-5, 3e-2, log=True),
            "turning": trial.suggest_float("turning", 1e-6, 1e-2, log=True),
            "halving": trial.suggest_float("halving", 5e2, 1e5, log=True),
        }

    def apply(
        self,
        recipe: Recipe,
        *,
        start: Start,
        input_scale: float,
        readout_scale: float,
        rate: float,
        turning: float,
        halving: float,
    ) -> Recipe:
        """The recipe with modReLU units, an orthogonal matrix, and the optimiser that turns it."""

        @torch.no_grad()
        def initialise(network: Network, _: Task) -> None:
            (matrix,) = network.recurrent.recurrent_blocks()
            (into,) = network.recurrent.input_blocks()
            if start == "rotations":
                matrix.copy_(rotations(len(matrix)))
            else:
                torch.nn.init.orthogonal_(matrix)
            into.normal_(std=input_scale)
            network.readout.weight.normal_(std=readout_scale)
            network.readout.bias.zero_()

        return recipe.replace(
            cell=ModReLUCell,
            initialiser=initialise,
            optimiser=lambda network, _: TurningAdam(network, rate, turning, halving),
        )


def rotations(units: int) -> torch.Tensor:
    """[H, H]: every two units turn in their plane by an angle U[-pi, pi]; an odd last one is kept.

    The beginning that Henaff, Szlam & LeCun 2016 found to solve copying.
    """
    matrix = torch.eye(units)
    angles = (2 * torch.rand(units // 2) - 1) * math.pi
    for plane, angle in enumerate(angles.tolist()):
        i = 2 * plane
        matrix[i, i] = matrix[i + 1, i + 1] = math.cos(angle)
        matrix[i + 1, i] = math.sin(angle)
        matrix[i, i + 1] = -math.sin(angle)
    return matrix
