"""Linear recurrent units: a recurrence without a nonlinearity, complex and diagonal, whose fading is chosen.

What vanishes or explodes in a linear recurrence are the powers of its eigenvalues. Orvieto et al. 2023 make
these the weights themselves: each state is a complex number that is turned and shrunk at every step, by a
number that cannot leave the unit circle and begins on a ring near it. The nonlinearity is put between the
layers, step by step, where no error has to pass it more than once. One layer can only add up what it hears;
what is to be let in is chosen by the layer below, so that a task with distractors takes two.

The one change to the recipe is the cell. How near to 1 the ring comes says how long the net remembers before
it has learned anything; `slowest` is that in steps.
"""

from __future__ import annotations

import math
from typing import Any

import optuna

from longlag.bench.contract import Recipe, Recurrent, Remedy, Sizes, Task
from longlag.methods.parts.initialisers import UniformWeights
from longlag.methods.parts.lru.cell import LinearRecurrentUnits
from longlag.methods.parts.optimisers import AdamOrMomentum
from longlag.methods.parts.scan.scan import warm_up
from longlag.methods.parts.scan.stack import Stack
from longlag.methods.parts.size import BatchSize, Units

RINGS = (0.0, 0.5, 0.9, 0.99, 0.999)
"""The least absolute values of eigenvalues that the paper tries, and one between."""
MOST_LAYERS = 6


class LinearRecurrentUnit(Remedy):
    """Layers of complex numbers that turn and fade, with a gated nonlinearity after each."""

    name = "lru"
    source = "Orvieto et al. 2023, ICML (arXiv 2303.06349)"
    changes = "cell"
    companions = (
        UniformWeights((0.2, 8.0)),
        AdamOrMomentum(adam_rates=(1e-4, 3e-2)),
        Units(4, 128),
        BatchSize(),
    )

    def warm_up(self) -> None:
        """Have the compiled passes ready."""
        import numpy as np

        warm_up(np.complex64)

    def recipes(self, sizes: Sizes) -> list[dict[str, Any]]:
        """Two layers that fade over ten lags: some that turn little, and some that turn at every speed.

        Sums want the first (the paper's for its longest images); to tell one step from the next takes the
        second (what the paper begins with elsewhere).
        """
        common = {
            "layers": 2,
            "slowest": 10.0 * sizes.lag,
            "ring": 0.9,
            "init_scale": 2.0,
            "batch_size": 20,
            "optimiser": "adam",
            "halving": 3000.0,
        }
        return [
            {**common, "phase": math.pi / 10, "units": 16, "adam_rate": 0.003},
            {**common, "phase": math.pi / 10, "units": 32, "adam_rate": 0.001},
            {**common, "phase": 2 * math.pi, "units": 32, "adam_rate": 0.003},
        ]

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """Layers, and the ring: its outer edge as a time, its inner edge, and how fast its numbers turn."""
        return {
            "layers": trial.suggest_int("layers", 1, MOST_LAYERS),
            "slowest": trial.suggest_float("slowest", 0.1 * task.lag, 100.0 * task.lag, log=True),
            "ring": trial.suggest_categorical("ring", RINGS),
            "phase": trial.suggest_float("phase", 1e-3, 2 * math.pi, log=True),
        }

    def apply(self, recipe: Recipe, *, layers: int, slowest: float, ring: float, phase: float) -> Recipe:
        """The recipe with linear recurrent units in place of its own."""
        most = math.exp(-1 / slowest)

        def cell(input_size: int, units: int) -> Recurrent:
            def layer(heard: int, inner: bool) -> LinearRecurrentUnits:
                return LinearRecurrentUnits(heard, units, min(ring, most), most, phase, inner)

            return Stack(input_size, units, layers, layer)

        return recipe.replace(cell=cell)
