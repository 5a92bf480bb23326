"""Long short-term memory as it was first published: cells that never forget.

The self-loop of a cell has weight 1 and no gate (Hochreiter & Schmidhuber 1997):

    c_t = c_(t-1) + write_t tanh(...),    h_t = read_t tanh(c_t)

What is written stays, so the error goes back over any lag as it is, and a cell whose write gate opens
too often fills up. The paper's write gates begin more or less closed, the later the more, so that cells
come into use one after the other. Its gradient is cut off where it would leave a cell through a gate;
here it is whole.

Beside `lstm`, which may choose this too, it shows what the gate that Gers, Schmidhuber & Cummins added
in 2000 is worth.
"""

from __future__ import annotations

from typing import Any

import optuna

from longlag.bench.contract import Recipe, Sizes, Task
from longlag.methods.lstm import LSTM


class LSTM1997(LSTM):
    """Memory cells behind write (input) and read (output) gates, without a keep (forget) gate."""

    name = "lstm_1997"

    def recipes(self, sizes: Sizes) -> list[dict[str, Any]]:
        """As published, but for batches of ten; and the same with today's optimiser."""
        published = {"units": 8, "batch_size": 10, "init_scale": 0.28, "write_bias": -6.0, "halving": 1e5}
        return [
            {**published, "optimiser": "descent", "descent_rate": 0.5, "momentum": 0.0},
            {**published, "init_scale": 1.0, "optimiser": "adam", "adam_rate": 0.01, "halving": 3000.0},
        ]

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """The bias of the write gates' last; the others' lie between it and 0."""
        return {"write_bias": trial.suggest_float("write_bias", -6.0, 0.0)}

    def apply(self, recipe: Recipe, *, write_bias: float) -> Recipe:  # type: ignore[override]
        """The recipe with memory cells that have no keep gate in place of its units."""
        return super().apply(recipe, keep_gate="none", write_bias=write_bias)
