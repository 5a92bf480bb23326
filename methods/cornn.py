"""Coupled oscillators: units that swing, and whose gradients neither explode nor vanish for it.

A unit is a pendulum, damped and driven by the others (Rusch & Mishra 2021):

    y'' = tanh(W u + R_y y + R_z y' + b) - gamma y - epsilon y'

Discretised with steps dt, its state cannot leave what the drive allows, and how far an error shrinks on
its way back is bounded by dt and not by the weights. What was heard is in how the units swing, until
the damping has taken it away, over about 2 / (dt epsilon) steps, or, where the damping is strong,
epsilon / (dt gamma) steps.

That is few: four, of the settings in the paper's program for adding. As long as R_y is small beside gamma, as
the usual first weights are, such units forget in as many steps, and gradients vanish. Here R_y may begin
with `balance` gamma on its diagonal: near rest, where tanh is straight, such a unit is pulled back by
(1 - balance) gamma alone, and at a balance of 1 by nothing.

The one change to the recipe is the cell, with first weights of its own.
"""

from __future__ import annotations

from typing import Any

import optuna

from longlag.bench.contract import Recipe, Recurrent, Remedy, Sizes, Task
from longlag.methods.parts.cornn.cell import CORNN, CoRNNCell
from longlag.methods.parts.cornn.weights import OscillatorWeights
from longlag.methods.parts.optimisers import AdamOrMomentum
from longlag.methods.parts.size import BatchSize, Units


class CoupledOscillators(Remedy):
    """Damped oscillators that drive each other (coRNN)."""

    name = "cornn"
    source = "Rusch & Mishra 2021, ICLR (arXiv 2010.00951)"
    changes = "cell"
    companions = (
        OscillatorWeights(),
        AdamOrMomentum(adam_rates=(1e-4, 3e-2)),
        Units(4, 128),
        BatchSize(),
    )

    def warm_up(self) -> None:
        """Have the compiled passes ready."""
        CORNN.warm_up()

    def recipes(self, sizes: Sizes) -> list[dict[str, Any]]:
        """Balanced units, weakly and strongly damped; and as the paper's program has it for adding at 100."""
        balanced = {
            "dt": 0.1,
            "init_scale": 1.0,
            "input_scale": 10.0,
            "balance": 1.0,
            "optimiser": "adam",
            "units": 32,
            "batch_size": 20,
            "adam_rate": 0.01,
            "halving": 10000.0,
        }
        return [
            {**balanced, "gamma": 1.0, "epsilon": 1.0},
            {**balanced, "gamma": 10.0, "epsilon": 5.0},
            {
                "dt": 0.06,
                "gamma": 66.0,
                "epsilon": 15.0,
                "init_scale": 1.0,
                "input_scale": 1.0,
                "balance": 0.0,
                "optimiser": "adam",
                "units": 128,
                "batch_size": 50,
                "adam_rate": 0.02,
                "halving": 1e5,
            },
        ]

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """The step, the pull towards rest, and the damping."""
        return {
            "dt": trial.suggest_float("dt", 1e-3, 0.3, log=True),
            "gamma": trial.suggest_float("gamma", 1e-3, 100.0, log=True),
            "epsilon": trial.suggest_float("epsilon", 1e-2, 20.0, log=True),
        }

    def apply(self, recipe: Recipe, *, dt: float, gamma: float, epsilon: float) -> Recipe:
        """The recipe with oscillators in place of its units."""

        def cell(input_size: int, units: int) -> Recurrent:
            return CoRNNCell(input_size, units, dt, gamma, epsilon)

        return recipe.replace(cell=cell)
