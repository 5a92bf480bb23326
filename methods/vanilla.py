"""The vanilla recipe: a tanh net, uniform initial weights, plain gradient descent. The disease.

Every part is filled with what nets were trained with before the remedies, and nothing helps the
gradient across a long lag: Bengio, Simard & Frasconi 1994 show why it vanishes or explodes.
"""

from __future__ import annotations

from bench import Recipe, Remedy
from methods.parts.initialisers import UniformWeights
from methods.parts.optimisers import PlainDescent
from methods.parts.size import BatchSize, Units
from methods.parts.tanh import TanhUnits


class Vanilla(Remedy):
    """Changes nothing: the baseline, whose companions fill every part of the recipe."""

    name = "vanilla"
    source = "Bengio, Simard & Frasconi 1994, IEEE Transactions on Neural Networks 5(2)"
    companions = (
        TanhUnits(),
        UniformWeights(),
        PlainDescent(first={"learning_rate": 0.01}),
        Units(first=50),
        BatchSize(first=20),
    )

    def apply(self, recipe: Recipe) -> Recipe:
        """The recipe as it is."""
        return recipe
