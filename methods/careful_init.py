"""Careful initialisation and momentum: plain first-order training, begun where gradients survive.

Backpropagated errors are multiplied by W^T diag(1 - h^2) at every step. With small states (tanh near
its linear part) that is W, so a W with a spectral radius a little over 1, of few strong connections,
carries errors over many steps without blowing them up. Sutskever, Martens, Dahl & Hinton 2013 begin
there, keep the states small by small input weights and centred inputs and outputs, and then travel
the long shallow valleys that remain with Nesterov's accelerated gradient at a momentum near 1:

    v <- mu v - eps grad f(theta + mu v),    theta <- theta + v

The change to the recipe is where training begins and the momentum it keeps; cell and gradient stay.

Biases and initial states of the recurrent layer can be held where they begin, at zero, and are by most
recipes. With a radius of 1.1 an error grows up to 1.1^80 = 2,000 times over 80 steps, and a bias adds
up what arrives at every step: early on its gradient can be the largest of all. Trained at the weights'
rate, it drives the states out of the linear part within a few updates, where the careful beginning is
lost. The paper gives the hidden biases' first value, 0, but not the rate at which they were trained.

Identity (Le, Jaitly & Hinton 2015) and orthogonal matrices are the alternatives with the same aim.
"""

from __future__ import annotations

from typing import Any

import optuna

from longlag.bench.contract import Recipe, Remedy, Sizes, Task
from longlag.methods.parts.first_guesses import momentum_recipes
from longlag.methods.parts.initialisers import Kind, TunedWeights
from longlag.methods.parts.optimisers import Nesterov
from longlag.methods.parts.size import BatchSize, Units

WEIGHTS = TunedWeights()
MOMENTUM = Nesterov()


class CarefulInit(Remedy):
    """Initial weights of a chosen kind and spectral radius, and Nesterov's momentum."""

    name = "careful_init"
    source = "Sutskever, Martens, Dahl & Hinton 2013, ICML"
    changes = ("initialiser", "optimiser")
    companions = (Units(), BatchSize())

    def warm_up(self) -> None:
        """Have the compiled updates ready."""
        MOMENTUM.warm_up()

    def recipes(self, sizes: Sizes) -> list[dict[str, Any]]:
        """Orthogonal weights, biases held in two of three; the published sparse ones are in the space."""
        return momentum_recipes(sizes)

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """Kind, spectral radius and scales of the weights; what is held; rate and momentum."""
        return {**WEIGHTS.suggest(trial, task), **MOMENTUM.suggest(trial, task)}

    def apply(
        self,
        recipe: Recipe,
        *,
        recurrent_weights: Kind,
        spectral_radius: float,
        input_scale: float,
        readout_scale: float,
        centred: bool,
        hold_biases: bool,
        learning_rate: float,
        friction: float,
        early_updates: int,
        gradual: bool,
    ) -> Recipe:
        """The recipe with these initial weights and accelerated descent."""
        begun = WEIGHTS.apply(
            recipe,
            recurrent_weights=recurrent_weights,
            spectral_radius=spectral_radius,
            input_scale=input_scale,
            readout_scale=readout_scale,
            centred=centred,
            hold_biases=hold_biases,
        )
        return MOMENTUM.apply(
            begun,
            learning_rate=learning_rate,
            friction=friction,
            early_updates=early_updates,
            gradual=gradual,
        )
