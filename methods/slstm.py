"""Memory cells whose write gates are exponential: what was written may be outweighed at any time.

In an LSTM a write adds at most 1 to what a cell holds. Beck et al. 2024 let the write gate be an exponential,
so that a step which matters outweighs all before it, and divide what is held by the sum of the weights:

    c_t = f_t c_(t-1) + i_t z_t,    n_t = f_t n_(t-1) + i_t,    h_t = o_t c_t / n_t

The state is a weighted mean of what was ever written, and so is bounded whatever the lag. The one
change to the recipe is the cell; how the keep gates begin says how long it remembers, as in an LSTM.
"""

from __future__ import annotations

from typing import Any

import optuna

from longlag.bench.contract import Recipe, Recurrent, Remedy, Sizes, Task
from longlag.methods.parts.initialisers import UniformWeights
from longlag.methods.parts.lstm import gates
from longlag.methods.parts.optimisers import AdamOrMomentum
from longlag.methods.parts.size import BatchSize, Units
from longlag.methods.parts.slstm.cell import SLSTM, SLSTMCell

SPREADS = {"chrono": gates.chrono, "log_chrono": gates.log_chrono}
KEEP_GATES = ("constant", *SPREADS)


class ScalarLSTM(Remedy):
    """Memory cells with exponential write gates that answer with a weighted mean (sLSTM of the xLSTM)."""

    name = "slstm"
    source = "Beck et al. 2024, NeurIPS (arXiv 2405.04517)"
    changes = "cell"
    companions = (
        UniformWeights(),
        AdamOrMomentum(adam_rates=(1e-4, 3e-2)),
        Units(4, 128),
        BatchSize(),
    )

    def warm_up(self) -> None:
        """Have the compiled passes ready."""
        SLSTM.warm_up()

    def recipes(self, sizes: Sizes) -> list[dict[str, Any]]:
        """Time scales up to the lag, evenly spread, as for memory cells."""
        common = {
            "keep_gate": "chrono",
            "time_scale": float(sizes.lag),
            "init_scale": 1.0,
            "optimiser": "adam",
            "halving": 3000.0,
        }
        return [
            {**common, "units": 8, "batch_size": 10, "adam_rate": 0.01},
            {**common, "units": 16, "batch_size": 20, "adam_rate": 0.003},
        ]

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
        """The recipe with such cells in place of its units."""

        def cell(input_size: int, units: int) -> Recurrent:
            if keep_gate == "constant":
                return SLSTMCell(input_size, units, gates.constant(units, keep_bias))
            return SLSTMCell(input_size, units, SPREADS[keep_gate](units, time_scale))

        return recipe.replace(cell=cell)
