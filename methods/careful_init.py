"""Careful initialisation and momentum: plain first-order training, begun where gradients survive.

Backpropagated errors are multiplied by W^T diag(1 - h^2) at every step. With small states (tanh near
its linear part) that is W, so a W with a spectral radius a little over 1, of few strong connections,
carries errors over many steps without blowing them up. Sutskever, Martens, Dahl & Hinton 2013 begin
there, keep the states small by small input weights and centred inputs and outputs, and then travel
the long shallow valleys that remain with Nesterov's accelerated gradient at a momentum near 1:

    v <- mu v - eps grad f(theta + mu v),    theta <- theta + v

The change to the recipe is where training begins and the momentum it keeps; cell and gradient stay.

Biases and initial states of the recurrent layer can be held where they begin, at zero, and are by the
first guess. With a radius of 1.1 an error grows up to 1.1^80 = 2,000 times over 80 steps, and a bias adds
up what arrives at every step: early on its gradient can be the largest of all. Trained at the weights'
rate, it drives the states out of the linear part within a few updates, where the careful beginning is
lost. The paper gives the hidden biases' first value, 0, but not the rate at which they were trained.

Identity (Le, Jaitly & Hinton 2015) and orthogonal matrices are the alternatives with the same aim.
"""

from __future__ import annotations

from typing import Any

import optuna

from bench import Recipe, Remedy, Task
from methods.parts.initialisers import Kind, TunedWeights, holding_biases
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
        """What was published for the adding problem, with the biases held."""
        return {
            "recurrent_weights": "sparse",
            "spectral_radius": 1.1,
            "input_scale": 1e-3,
            "hold_biases": True,
            "learning_rate": 1e-3,
            "momentum": 0.995,
        }

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """Kind, spectral radius and input scale of the weights; what is held; rate and momentum."""
        return {
            **WEIGHTS.suggest(trial, task),
            "hold_biases": trial.suggest_categorical("hold_biases", (True, False)),
            **MOMENTUM.suggest(trial, task),
        }

    def apply(
        self,
        recipe: Recipe,
        *,
        recurrent_weights: Kind,
        spectral_radius: float,
        input_scale: float,
        hold_biases: bool = False,
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
        if hold_biases:
            begun = begun.replace(initialiser=holding_biases(begun.initialiser))
        return MOMENTUM.apply(begun, learning_rate=learning_rate, momentum=momentum)
