"""Careful initialisation and momentum: plain first-order training, begun where gradients survive.

Backpropagated errors are multiplied by W^T diag(1 - h^2) at every step. With small states (tanh near
its linear part) that is W, so a W with a spectral radius a little over 1, of few strong connections,
carries errors over many steps without blowing them up. Sutskever, Martens, Dahl & Hinton 2013 begin
there, keep the states small by small input weights and centred inputs and outputs, and then travel
the long shallow valleys that remain with Nesterov's accelerated gradient at a momentum near 1:

    v <- mu v - eps grad f(theta + mu v),    theta <- theta + v

The change to the recipe is where training begins and the momentum it keeps; cell and gradient stay.
Identity (Le, Jaitly & Hinton 2015) and orthogonal matrices are the alternatives with the same aim.
"""

from __future__ import annotations

from typing import Any

import optuna

from bench import Recipe, Remedy, Task
from methods.parts.initialisers import Kind, TunedWeights
from methods.parts.optimisers import Nesterov
from methods.parts.size import BatchSize, Units

WEIGHTS = TunedWeights(radii=(1.0, 1.2), centred=True)
MOMENTUM = Nesterov()


class CarefulInit(Remedy):
    """Sparse initial weights of a chosen spectral radius, and Nesterov's momentum."""

    name = "careful_init"
    source = "Sutskever, Martens, Dahl & Hinton 2013, ICML"
    changes = ("initialiser", "optimiser")
    companions = (Units(first=100), BatchSize((20, 50, 100), first=100))

    def start(self, task: Task) -> dict[str, Any]:
        """What was published for the adding problem."""
        return {
            "recurrent_weights": "sparse",
            "spectral_radius": 1.1,
            "input_scale": 1e-3,
            "learning_rate": 1e-3,
            "momentum": 0.995,
        }

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """Kind, spectral radius and input scale of the weights; rate and momentum of the descent."""
        return {**WEIGHTS.suggest(trial, task), **MOMENTUM.suggest(trial, task)}

    def apply(
        self,
        recipe: Recipe,
        *,
        recurrent_weights: Kind,
        spectral_radius: float,
        input_scale: float,
        learning_rate: float,
        momentum: float,
    ) -> Recipe:
        """The recipe with these initial weights and accelerated descent."""
        begun = WEIGHTS.apply(
            recipe,
            recurrent_weights=recurrent_weights,
            spectral_radius=spectral_radius,
            input_scale=input_scale,
        )
        return MOMENTUM.apply(begun, learning_rate=learning_rate, momentum=momentum)
