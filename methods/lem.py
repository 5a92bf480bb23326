"""Long expressive memory: two states that drift slowly, at rates that the net learns to set.

A step of a recurrent net replaces what was. Here it moves two states a share of the way towards their new
values, as a discretised differential equation does, and each unit's share depends on what it hears: where
that is near 0 the unit holds, and an error passes it unchanged. Two states, of which one drives the other,
hold at two scales of time. Rusch, Mishra, Erichson & Mahoney 2022 bound the gradients of such a net and train
it across 10,000 steps.

The one change to the recipe is the cell. The largest share of a step, `span` (their Delta t), says how long
the net remembers before it has learned anything, about 2 / span steps; or the biases of the memory's rate do,
whose time scales are spread over those of the task (as by Tallec & Ollivier 2018 in an LSTM).
"""

from __future__ import annotations

from typing import Any

import optuna

from longlag.bench.contract import Recipe, Recurrent, Remedy, Sizes, Task
from longlag.methods.parts.initialisers import UniformWeights
from longlag.methods.parts.lem.cell import LEM, LEMCell
from longlag.methods.parts.lstm import gates
from longlag.methods.parts.optimisers import AdamOrMomentum
from longlag.methods.parts.size import BatchSize, Units

RATES = ("free", "chrono")


class LongExpressiveMemory(Remedy):
    """Two drifting states, a slow memory and the state it drives, whose rates are gates."""

    name = "lem"
    source = "Rusch, Mishra, Erichson & Mahoney 2022, ICLR (arXiv 2110.04744)"
    changes = "cell"
    companions = (
        UniformWeights((0.2, 5.0)),
        AdamOrMomentum(adam_rates=(1e-4, 3e-2)),
        Units(4, 128),
        BatchSize(),
    )

    def warm_up(self) -> None:
        """Have the compiled passes ready."""
        LEM.warm_up()

    def recipes(self, sizes: Sizes) -> list[dict[str, Any]]:
        """Time scales of the memory spread up to the lag, from initial weights of two sizes, at two rates.

        With one span for all, as published, adding at 500 was not learned from 1e11 FLOPs. From weights three
        times as large random permutation at 20 took 84 updates, and was not learned from the others in 755.
        """
        common = {
            "rates": "chrono",
            "time_scale": float(sizes.lag),
            "units": 16,
            "batch_size": 20,
            "optimiser": "adam",
            "halving": 3000.0,
        }
        return [
            {**common, "init_scale": 1.0, "adam_rate": 0.01},
            {**common, "init_scale": 3.0, "adam_rate": 0.01},
            {**common, "init_scale": 1.0, "adam_rate": 0.005},
        ]

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """How the rates begin: even, with the largest share of a step, or spread over time scales."""
        rates = trial.suggest_categorical("rates", RATES)
        if rates == "free":
            return {"rates": rates, "span": trial.suggest_float("span", 1e-4, 2.0, log=True)}
        scale = trial.suggest_float("time_scale", 0.5 * task.lag, 2.0 * task.lag, log=True)
        return {"rates": rates, "time_scale": scale}

    def apply(self, recipe: Recipe, *, rates: str, span: float = 1.0, time_scale: float = 2.0) -> Recipe:
        """The recipe with two drifting states in place of its units."""

        def cell(input_size: int, units: int) -> Recurrent:
            made = LEMCell(input_size, units, span)
            if rates == "chrono":
                made.biases()[0].data.copy_(-gates.chrono(units, time_scale))
            return made

        return recipe.replace(cell=cell)
