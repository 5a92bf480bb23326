"""Truncated backpropagation through time: errors go back a few steps, and no further.

An error that goes back through many steps explodes or vanishes, and costs as much as all of them. Williams &
Peng 1990 let it go back a number of steps h, its horizon, and then drop it. Here a sequence is cut into
blocks of h steps, counted from its end. States go on from block to block as ever; an error goes back to the
beginning of its own block, so by h steps at most. A block without a target costs no way back. (Williams &
Peng's nets run on without an end, and go back from every h'-th step; with blocks h' is h. Their abstract was
read; that h' is theirs is second hand.)

What it cannot do: where an answer at the end depends on an input that lies further back than the horizon, no
error reaches what the net did with that input. At best the net learns such an answer by what its weights,
trained on the last h steps, happen to do to earlier ones. It bounds exploding gradients and the cost of an
update; it bridges no lag that is longer than h. So it is less a remedy of long lags than the price of doing
without one, and what it shows is how far back an error has to go.

The one change to the recipe is its horizon, which is tuned: from a single step to more than a whole sequence,
where this is the recipe without it. A step is charged 2 N forward, and 4 N back in blocks with a target.
"""

from __future__ import annotations

from typing import Any

import optuna

from longlag.bench.contract import Recipe, Remedy, Sizes, Task

BEYOND = 100
"""Steps by which sequences at most outgrow twice the lag, but for very few whose length is drawn."""


class TruncatedBPTT(Remedy):
    """Errors that go back a horizon of steps at most."""

    name = "truncated_bptt"
    source = "Williams & Peng 1990, Neural Computation 2(4)"
    changes = "horizon"

    def recipes(self, sizes: Sizes) -> list[dict[str, Any]]:
        """A horizon of the lag, with a few steps to spare; of half of it; and of a tenth."""
        net = {"init_scale": 1.0, "learning_rate": 0.01, "units": 50, "batch_size": 20}
        lag = sizes.lag
        return [{**net, "horizon": h} for h in (lag + 10, -(-lag // 2), -(-lag // 10))]

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """The horizon, from one step to all of them."""
        return {"horizon": trial.suggest_int("horizon", 1, 2 * task.lag + BEYOND, log=True)}

    def apply(self, recipe: Recipe, *, horizon: int) -> Recipe:
        """The recipe with errors that go back so far."""
        return recipe.replace(horizon=horizon)
