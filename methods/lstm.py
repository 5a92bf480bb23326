"""Long short-term memory: a cell that carries its error unchanged, behind gates.

A tanh unit multiplies what flows back through it by w tanh' at every step, so it shrinks or grows
exponentially. Hochreiter & Schmidhuber 1997 put a linear self-loop of weight 1 there instead, the
constant error carousel, and let multiplicative gates decide when it is written and read; Gers,
Schmidhuber & Cummins 2000 made the self-loop's weight a gate too:

    c_t = keep_t c_(t-1) + write_t tanh(...),    h_t = read_t tanh(c_t)

The one change to the recipe is the cell. How long the keep gate remembers before it has learned
anything decides which lags can be learned at all: a constant bias, or biases spread over the time
scales of the task (chrono initialisation, Tallec & Ollivier 2018).
"""

from __future__ import annotations

from typing import Any

import optuna

from longlag.bench.contract import Recipe, Recurrent, Remedy, Sizes, Task
from longlag.methods.parts.initialisers import UniformWeights
from longlag.methods.parts.lstm import gates
from longlag.methods.parts.lstm.cell import LSTMCell
from longlag.methods.parts.lstm.lstm_core import compiled_warm_up
from longlag.methods.parts.optimisers import AdamOrMomentum
from longlag.methods.parts.size import Units

SPREADS = {"chrono": gates.chrono, "log_chrono": gates.log_chrono}
KEEP_GATES = ("none", "constant", *SPREADS)


class LSTM(Remedy):
    """Memory cells behind keep (forget), write (input) and read (output) gates."""

    name = "lstm"
    source = "Hochreiter & Schmidhuber 1997, Neural Computation 9(8)"
    changes = "cell"
    companions = (
        UniformWeights((0.2, 5.0)),
        AdamOrMomentum(),
        Units(4, 64),
    )

    def warm_up(self) -> None:
        """Have the compiled core ready."""
        compiled_warm_up()

    def recipes(self, sizes: Sizes) -> list[dict[str, Any]]:
        """Time scales up to the lag, evenly spread; few cells learn with the fewest FLOPs.

        The second begins with weights three times as large. Where one symbol of many must be kept, or two
        bits set against each other, small weights let too little through gates that begin nearly closed:
        xor at 20 took 18,165 updates with them and 800 with the larger, random permutation at 100 was not
        learned and took 167 (one run each). Adding takes twice as many with the larger.
        """
        common = {
            "keep_gate": "chrono",
            "time_scale": float(sizes.lag),
            "adam_rate": 0.01,
            "optimiser": "adam",
            "halving": 3000.0,
        }
        return [
            {**common, "units": 8, "batch_size": 10, "init_scale": 1.0},
            {**common, "units": 8, "batch_size": 10, "init_scale": 3.0},
            {**common, "units": 32, "batch_size": 20, "init_scale": 1.0},
        ]

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """How the gates start.

        The keep gates are absent, as in 1997 (then `write_bias` is the write gates' last), start at a
        constant `keep_bias`, or spread over time scales up to `time_scale` steps.
        """
        keep_gate = trial.suggest_categorical("keep_gate", KEEP_GATES)
        if keep_gate == "none":
            return {"keep_gate": keep_gate, "write_bias": trial.suggest_float("write_bias", -6.0, 0.0)}
        if keep_gate == "constant":
            return {"keep_gate": keep_gate, "keep_bias": trial.suggest_float("keep_bias", 1.0, 6.0)}
        scale = trial.suggest_float("time_scale", 0.5 * task.lag, 2.0 * task.lag, log=True)
        return {"keep_gate": keep_gate, "time_scale": scale}

    def apply(
        self,
        recipe: Recipe,
        *,
        keep_gate: str,
        write_bias: float = 0.0,
        keep_bias: float = 1.0,
        time_scale: float = 2.0,
    ) -> Recipe:
        """The recipe with memory cells in place of its units."""

        def cell(input_size: int, units: int) -> Recurrent:
            if keep_gate == "none":
                keep, write = gates.constant(units, gates.OPEN), gates.staggered(units, write_bias)
            elif keep_gate == "constant":
                keep, write = gates.constant(units, keep_bias), gates.constant(units, 0.0)
            else:
                keep = SPREADS[keep_gate](units, time_scale)
                write = -keep
            return LSTMCell(input_size, units, keep, write)

        return recipe.replace(cell=cell)
