"""Rectified linear units that begin at the identity: a net that begins by keeping what it holds.

With a recurrent matrix W = I and no bias a layer of rectified linear units repeats its state, plus what
comes in, as long as nothing inhibits it; and an error goes back through as many steps unchanged. Le, Jaitly &
Hinton 2015 begin there, or at a multiple of I where less is to be remembered, with all other weights small,
and train by gradient descent on clipped gradients. Nothing holds W near the identity: a rectified unit has no
upper end, so that an eigenvalue a little over 1 explodes in states and gradients alike, and the bound on the
gradient is no ornament.

The change to the recipe is the cell and where its weights begin.
"""

from __future__ import annotations

from typing import Any

import optuna

from longlag.bench.contract import Recipe, Remedy, Sizes, Task
from longlag.methods.parts.bounded import BoundedNorm
from longlag.methods.parts.initialisers import InitialWeights
from longlag.methods.parts.optimisers import AdamOrMomentum
from longlag.methods.parts.relu.cell import ReLUUnits
from longlag.methods.parts.size import BatchSize, Units

UNITS = ReLUUnits()


class IdentityRNN(Remedy):
    """Rectified linear units whose recurrent matrix begins at the identity."""

    name = "identity_rnn"
    source = "Le, Jaitly & Hinton 2015, arXiv 1504.00941"
    changes = ("cell", "initialiser")
    companions = (
        BoundedNorm(),
        AdamOrMomentum(adam_rates=(1e-5, 3e-2), descent_rates=(1e-5, 0.1)),
        Units(),
        BatchSize((10, 16, 20, 50, 100)),
    )

    def warm_up(self) -> None:
        """Have the compiled passes ready."""
        UNITS.warm_up()

    def recipes(self, sizes: Sizes) -> list[dict[str, Any]]:
        """On centred inputs, which do not add up; the rate falls, or its noise hides the last digits."""
        common = {
            "identity": 1.0,
            "input_scale": 0.1,
            "readout_scale": 0.1,
            "centred": True,
            "optimiser": "adam",
            "adam_rate": 1e-3,
            "halving": 3000.0,
            "threshold": 0.1,
            "units": 32,
        }
        return [{**common, "batch_size": 20}, {**common, "batch_size": 50}]

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """The multiple of the identity, the scales of the other weights, and whether inputs are centred."""
        return {
            "identity": trial.suggest_float("identity", 0.01, 1.1, log=True),
            "input_scale": trial.suggest_float("input_scale", 1e-4, 1.0, log=True),
            "readout_scale": trial.suggest_float("readout_scale", 1e-4, 1.0, log=True),
            "centred": trial.suggest_categorical("centred", (False, True)),
        }

    def apply(
        self, recipe: Recipe, *, identity: float, input_scale: float, readout_scale: float, centred: bool
    ) -> Recipe:
        """The recipe with rectified linear units that begin at a multiple of the identity."""
        weights = InitialWeights("identity", identity, input_scale, readout_scale, centred)
        return UNITS.apply(recipe).replace(initialiser=weights)
