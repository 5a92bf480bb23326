"""The vanilla recipe: a tanh net, uniform initial weights, plain gradient descent. The disease.

Every part is filled with what nets were trained with before the remedies, and nothing helps the
gradient across a long lag: Bengio, Simard & Frasconi 1994 show why it vanishes or explodes.
"""

from __future__ import annotations

from typing import Any

from longlag.bench.contract import Recipe, Remedy, Sizes
from longlag.methods.parts.initialisers import UniformWeights
from longlag.methods.parts.optimisers import PlainDescent
from longlag.methods.parts.size import BatchSize, Units
from longlag.methods.parts.tanh.cell import TanhUnits


class Vanilla(Remedy):
    """Changes nothing: the baseline, whose companions fill every part of the recipe."""

    name = "vanilla"
    source = "Bengio, Simard & Frasconi 1994, IEEE Transactions on Neural Networks 5(2)"
    companions = (
        TanhUnits(),
        UniformWeights(),
        PlainDescent(),
        Units(),
        BatchSize(),
    )

    def recipes(self, sizes: Sizes) -> list[dict[str, Any]]:
        """A customary net, the same for every task."""
        return [{"init_scale": 1.0, "learning_rate": 0.01, "units": 50, "batch_size": 20}]

    def apply(self, recipe: Recipe) -> Recipe:
        """The recipe as it is."""
        return recipe
