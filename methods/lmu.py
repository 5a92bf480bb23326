"""Legendre memory units: the past as polynomials over a window, by a fixed recurrence, and units that read.

A delay line needs a state for every step that it holds. Voelker, Kajic & Eliasmith 2019 hold a window of
theta steps in the coefficients of a few Legendre polynomials, which a fixed linear recurrence keeps current:
what is recent and what is nearly theta steps ago are both at hand, whatever has been learned. An error that
reaches the memory reaches all of the window. Nothing in this recurrence is trained, and nothing vanishes
within the window or explodes; nonlinear units write it and read it. Here, as Chilkuri & Eliasmith 2021 train
them, the units do not write what they have read.

The one change to the recipe is the cell.
"""

from __future__ import annotations

from typing import Any

import optuna

from longlag.bench.contract import Recipe, Recurrent, Remedy, Sizes, Task
from longlag.methods.parts.initialisers import UniformWeights
from longlag.methods.parts.lmu.cell import ORDERS, LegendreMemory
from longlag.methods.parts.optimisers import AdamOrMomentum
from longlag.methods.parts.scan.scan import warm_up
from longlag.methods.parts.scan.stack import Stack
from longlag.methods.parts.size import BatchSize, Units


class LegendreMemoryUnits(Remedy):
    """Layers of units that read fixed memories of a window of the past."""

    name = "lmu"
    source = "Voelker, Kajic & Eliasmith 2019, NeurIPS; Chilkuri & Eliasmith 2021, ICML (arXiv 2102.11417)"
    changes = "cell"
    companions = (
        UniformWeights((0.2, 4.0)),
        AdamOrMomentum(adam_rates=(1e-4, 3e-2)),
        Units(4, 128),
        BatchSize(),
    )

    def warm_up(self) -> None:
        """Have the compiled passes ready."""
        import numpy as np

        warm_up(np.complex128)

    def recipes(self, sizes: Sizes) -> list[dict[str, Any]]:
        """A window longer than the lag, in few polynomials and in more; and one of the lag, in many."""
        common = {
            "layers": 1,
            "init_scale": 1.0,
            "optimiser": "adam",
            "halving": 3000.0,
            "batch_size": 20,
        }
        longer = {**common, "window": 2.0 * sizes.lag}
        return [
            {**longer, "memories": 8, "order": 4, "units": 16, "adam_rate": 0.01},
            {**longer, "memories": 8, "order": 8, "units": 32, "adam_rate": 0.003},
            {
                **common,
                "window": float(sizes.lag),
                "memories": 4,
                "order": 32,
                "units": 32,
                "adam_rate": 0.01,
            },
        ]

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """Layers, memories a layer and their order, and the steps of their window."""
        return {
            "layers": trial.suggest_int("layers", 1, 4),
            "memories": trial.suggest_int("memories", 1, 32, log=True),
            "order": trial.suggest_categorical("order", ORDERS),
            "window": trial.suggest_float("window", 0.25 * task.lag, 4.0 * task.lag, log=True),
        }

    def apply(self, recipe: Recipe, *, layers: int, memories: int, order: int, window: float) -> Recipe:
        """The recipe with Legendre memories in place of its units."""

        def cell(input_size: int, units: int) -> Recurrent:
            def layer(heard: int, _: bool) -> LegendreMemory:
                return LegendreMemory(heard, units, memories, order, window)

            return Stack(input_size, units, layers, layer)

        return recipe.replace(cell=cell)
