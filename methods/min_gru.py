"""Minimal gated units: gates that do not listen to the state, so that the recurrence is linear in it.

Feng et al. 2024 take from the gated unit and the memory cell what makes their gates wait for the last state:
a gate hears the inputs alone. What is left, h_t = k_t h_(t-1) + (1 - k_t) g(c_t), is a weighted sum of what
was let in; an error goes back through it as through a chain of numbers in (0, 1), with no matrix and no
squashing on the way. What one layer cannot decide for want of a state to decide by, a layer above can.

The one change to the recipe is the cell. As with gated units, where the keep gate begins decides which lags
can be learned: a constant bias, or biases spread over the time scales of the task (Tallec & Ollivier 2018).
"""

from __future__ import annotations

from typing import Any

import optuna

from longlag.bench.contract import Recipe, Recurrent, Remedy, Sizes, Task
from longlag.methods.parts.initialisers import UniformWeights
from longlag.methods.parts.lstm import gates as spread
from longlag.methods.parts.min_gru.cell import BLOCKS, Candidate, Gates, MinimalUnits
from longlag.methods.parts.optimisers import AdamOrMomentum
from longlag.methods.parts.scan.scan import warm_up
from longlag.methods.parts.scan.stack import Stack
from longlag.methods.parts.size import BatchSize, Units

SPREADS = {"chrono": spread.chrono, "log_chrono": spread.log_chrono}
KEEP_GATES = ("constant", *SPREADS)
CANDIDATES: tuple[Candidate, ...] = ("linear", "positive")
MOST_LAYERS = 3


class MinimalGatedUnits(Remedy):
    """One to three layers of minGRU or minLSTM units, whose gates hear the inputs and not the state."""

    name = "min_gru"
    source = "Feng et al. 2024, arXiv 2410.01201"
    changes = "cell"
    companions = (
        UniformWeights((0.2, 4.0)),
        AdamOrMomentum(adam_rates=(1e-4, 3e-2)),
        Units(4, 128),
        BatchSize((10, 20, 50, 64, 100)),
    )

    def warm_up(self) -> None:
        """Have the compiled passes ready."""
        warm_up()

    def recipes(self, sizes: Sizes) -> list[dict[str, Any]]:
        """Time scales up to the lag, in one layer, and in three."""
        common = {
            "gates": "gru",
            "candidate": "linear",
            "keep_gate": "chrono",
            "time_scale": float(sizes.lag),
            "init_scale": 1.0,
            "optimiser": "adam",
            "halving": 3000.0,
        }
        return [
            {**common, "layers": 1, "units": 16, "batch_size": 10, "adam_rate": 0.01},
            {**common, "layers": 3, "units": 32, "batch_size": 20, "adam_rate": 0.003},
        ]

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """Layers, gates, candidate, and how the keep gates begin: alike, or spread over time scales."""
        chosen: dict[str, Any] = {
            "layers": trial.suggest_int("layers", 1, MOST_LAYERS),
            "gates": trial.suggest_categorical("gates", tuple(BLOCKS)),
            "candidate": trial.suggest_categorical("candidate", CANDIDATES),
            "keep_gate": trial.suggest_categorical("keep_gate", KEEP_GATES),
        }
        if chosen["keep_gate"] == "constant":
            return {**chosen, "keep_bias": trial.suggest_float("keep_bias", 0.0, 6.0)}
        scale = trial.suggest_float("time_scale", 0.5 * task.lag, 2.0 * task.lag, log=True)
        return {**chosen, "time_scale": scale}

    def apply(
        self,
        recipe: Recipe,
        *,
        layers: int,
        gates: Gates,
        candidate: Candidate,
        keep_gate: str,
        keep_bias: float = 0.0,
        time_scale: float = 2.0,
    ) -> Recipe:
        """The recipe with minimal units in place of its own."""

        def cell(input_size: int, units: int) -> Recurrent:
            def layer(heard: int, inner: bool) -> MinimalUnits:
                if keep_gate == "constant":
                    bias = spread.constant(units, keep_bias)
                else:
                    bias = SPREADS[keep_gate](units, time_scale)
                return MinimalUnits(heard, units, gates, candidate, bias, inner)

            return Stack(input_size, units, layers, layer)

        return recipe.replace(cell=cell)
