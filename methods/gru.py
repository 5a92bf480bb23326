"""Gated recurrent units: one state, and one gate that decides whether it is kept or renewed.

Cho et al. 2014 left out of the memory cell what they could: the state is its own memory, what is not kept is
replaced by as much of what is new, and another gate lets the new value ignore the old state. Where the keep
gate z is near 1 the state is carried, and its error with it:

    h_t = z_t h_(t-1) + (1 - z_t) n_t

The one change to the recipe is the cell. As with the memory cell, how long the keep gate remembers before it
has learned anything decides which lags can be learned: a constant bias, or biases spread over the time scales
of the task (chrono initialisation, Tallec & Ollivier 2018).
"""

from __future__ import annotations

from typing import Any, ClassVar

import optuna

from longlag.bench.contract import Recipe, Recurrent, Remedy, Sizes, Task
from longlag.methods.parts.gru.cell import GRUCell
from longlag.methods.parts.initialisers import UniformWeights
from longlag.methods.parts.lstm import gates
from longlag.methods.parts.optimisers import AdamOrMomentum
from longlag.methods.parts.size import BatchSize, Units

SPREADS = {"chrono": gates.chrono, "log_chrono": gates.log_chrono}
KEEP_GATES = ("constant", *SPREADS)


class GatedRecurrentUnits(Remedy):
    """Units that keep their state or renew it, behind a keep (update) and a reset gate."""

    name = "gru"
    source = "Cho et al. 2014, EMNLP (arXiv 1406.1078)"
    changes = "cell"
    companions = (
        UniformWeights((0.2, 5.0)),
        AdamOrMomentum(adam_rates=(1e-4, 3e-2)),
        Units(4, 128),
        BatchSize(),
    )
    layer: ClassVar[Any] = GRUCell
    """Of inputs, units and the keep gates' first biases."""

    def warm_up(self) -> None:
        """Have the compiled passes ready."""
        self.layer.recurrence.warm_up()

    def recipes(self, sizes: Sizes) -> list[dict[str, Any]]:
        """Time scales up to the lag, evenly spread, and initial weights of two sizes, as for memory cells."""
        common = {
            "keep_gate": "chrono",
            "time_scale": float(sizes.lag),
            "units": 8,
            "batch_size": 10,
            "adam_rate": 0.01,
            "optimiser": "adam",
            "halving": 3000.0,
        }
        return [{**common, "init_scale": 1.0}, {**common, "init_scale": 3.0}]

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """How the keep gates begin: alike, or spread over time scales up to `time_scale` steps."""
        keep_gate = trial.suggest_categorical("keep_gate", KEEP_GATES)
        if keep_gate == "constant":
            return {"keep_gate": keep_gate, "keep_bias": trial.suggest_float("keep_bias", 0.0, 6.0)}
        scale = trial.suggest_float("time_scale", 0.5 * task.lag, 2.0 * task.lag, log=True)
        return {"keep_gate": keep_gate, "time_scale": scale}

    def apply(
        self, recipe: Recipe, *, keep_gate: str, keep_bias: float = 0.0, time_scale: float = 2.0
    ) -> Recipe:
        """The recipe with gated units in place of its own."""

        def cell(input_size: int, units: int) -> Recurrent:
            constant = keep_gate == "constant"
            bias = gates.constant(units, keep_bias) if constant else SPREADS[keep_gate](units, time_scale)
            made: Recurrent = self.layer(input_size, units, bias)
            return made

        return recipe.replace(cell=cell)
