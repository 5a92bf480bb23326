"""Long short-term memory whose keep gates begin at the time scales of the task, and at nothing else.

A keep gate at bias b forgets over about 1 + exp(b) steps. Tallec & Ollivier 2018 draw the biases so
that these time scales are spread evenly up to the longest lag there is, and begin the write gates at
the opposite:

    b_keep ~ log U[1, T_max - 1],    b_write = -b_keep

The reasoning: what is invariant to a warping of time has gates, and their biases are what time scales
it expects.

Beside `lstm`, which may choose this too, it shows what is left to choose once T_max is set to the lag.
"""

from __future__ import annotations

from typing import Any

import optuna

from longlag.bench.contract import Recipe, Sizes, Task
from longlag.methods.lstm import LSTM


class ChronoLSTM(LSTM):
    """Memory cells whose keep gates begin at time scales spread evenly up to the lag."""

    name = "chrono_lstm"
    source = "Tallec & Ollivier 2018, ICLR (arXiv 1804.11188)"

    def recipes(self, sizes: Sizes) -> list[dict[str, Any]]:
        """T_max the lag: few cells, initial weights of two sizes; and as published, with Adam for RMSprop."""
        common = {"time_scale": float(sizes.lag), "init_scale": 1.0, "optimiser": "adam"}
        few = {**common, "units": 8, "batch_size": 10, "adam_rate": 0.01, "halving": 3000.0}
        return [
            few,
            {**few, "init_scale": 3.0},
            {**common, "units": 64, "batch_size": 50, "adam_rate": 0.001, "halving": 1e5},
        ]

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """T_max, around the lag."""
        return {"time_scale": trial.suggest_float("time_scale", 0.5 * task.lag, 2.0 * task.lag, log=True)}

    def apply(self, recipe: Recipe, *, time_scale: float) -> Recipe:  # type: ignore[override]
        """The recipe with memory cells of such gates in place of its units."""
        return super().apply(recipe, keep_gate="chrono", time_scale=time_scale)
