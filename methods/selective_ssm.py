"""Selective state spaces: a linear recurrence in which the inputs choose how much time passes.

A state-space layer is a linear differential equation, taken in steps. Gu & Dao 2023 (Mamba, S6) let each
input choose the step: where it is near 0 the states hold, and an error passes them unchanged; where it is
large they forget and take up what is new. What is written and what is read is chosen as well. With one state
a channel this is the gate of a minimal gated unit (their theorem 1); here a channel has several, that fade at
different rates.

The one change to the recipe is the cell. How much time passes at first says how long the net remembers before
it has learned anything: the slowest channel begins to fade after `slowest` steps, the fastest after
`fastest`.
"""

from __future__ import annotations

from typing import Any

import optuna

from longlag.bench.contract import Recipe, Recurrent, Remedy, Sizes, Task
from longlag.methods.parts.initialisers import UniformWeights
from longlag.methods.parts.optimisers import AdamOrMomentum
from longlag.methods.parts.scan.scan import warm_up
from longlag.methods.parts.scan.stack import Stack
from longlag.methods.parts.selective_ssm.cell import SelectiveStateSpace
from longlag.methods.parts.size import BatchSize, Units

STATES = (1, 2, 4, 8, 16)


class SelectiveStateSpaces(Remedy):
    """One or two selective state-space layers (S6), each with a short convolution and a gate."""

    name = "selective_ssm"
    source = "Gu & Dao 2023, arXiv 2312.00752"
    changes = "cell"
    companions = (
        UniformWeights((0.2, 8.0)),
        AdamOrMomentum(adam_rates=(1e-4, 3e-2)),
        Units(4, 64),
        BatchSize((10, 20, 50, 64, 100)),
    )

    def warm_up(self) -> None:
        """Have the compiled passes ready."""
        warm_up()

    def recipes(self, sizes: Sizes) -> list[dict[str, Any]]:
        """Times up to ten lags; one layer of few states, and two."""
        common = {
            "slowest": 10.0 * sizes.lag,
            "fastest": 10.0,
            "init_scale": 2.0,
            "optimiser": "adam",
            "halving": 3000.0,
        }
        return [
            {**common, "layers": 1, "states": 4, "units": 8, "batch_size": 10, "adam_rate": 0.01},
            {**common, "layers": 2, "states": 8, "units": 16, "batch_size": 20, "adam_rate": 0.003},
        ]

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """Layers, states a channel, and the steps after which the slowest and the fastest channel fade."""
        return {
            "layers": trial.suggest_int("layers", 1, 2),
            "states": trial.suggest_categorical("states", STATES),
            "slowest": trial.suggest_float("slowest", 0.1 * task.lag, 100.0 * task.lag, log=True),
            "fastest": trial.suggest_float("fastest", 1.0, 100.0, log=True),
        }

    def apply(self, recipe: Recipe, *, layers: int, states: int, slowest: float, fastest: float) -> Recipe:
        """The recipe with selective state spaces in place of its units."""
        most = 1 / fastest
        least = min(1 / slowest, most)

        def cell(input_size: int, units: int) -> Recurrent:
            return Stack(
                input_size,
                units,
                layers,
                lambda heard, _: SelectiveStateSpace(heard, units, states, least, most),
            )

        return recipe.replace(cell=cell)
