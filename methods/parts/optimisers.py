"""First-order optimisers: plain descent, Adam, and Nesterov's momentum as Sutskever wrote it."""

from __future__ import annotations

from typing import Any

import optuna
import torch

from longlag.bench.contract import Change, Network, Recipe, Task
from longlag.methods.parts.updates import AcceleratedGradient, Adam, Descent, warm_up

Range = tuple[float, float]


class PlainDescent(Change):
    """Gradient descent, theta <- theta - eps grad f(theta): no momentum."""

    changes = "optimiser"

    def __init__(self, rates: Range = (1e-4, 1e-1)) -> None:
        self.rates = rates

    def warm_up(self) -> None:
        """Have the compiled updates ready."""
        warm_up()

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """The learning rate eps."""
        return {"learning_rate": trial.suggest_float("learning_rate", *self.rates, log=True)}

    def apply(self, recipe: Recipe, *, learning_rate: float) -> Recipe:
        """The recipe with plain descent."""
        return recipe.replace(optimiser=lambda net, _: Descent(net.flat(), learning_rate))


class AdamOrMomentum(Change):
    """Adam (Kingma & Ba 2015) or descent with momentum, whichever tunes better, with a decaying rate.

    The two live at different learning rates, so each has a range of its own.
    """

    changes = "optimiser"

    def __init__(
        self,
        adam_rates: Range = (1e-3, 3e-2),
        descent_rates: Range = (1e-2, 0.5),
        momenta: tuple[float, ...] = (0.0, 0.9),
        halvings: Range = (5e2, 1e5),
    ) -> None:
        self.adam_rates = adam_rates
        self.descent_rates = descent_rates
        self.momenta = momenta
        self.halvings = halvings

    def warm_up(self) -> None:
        """Have the compiled updates ready."""
        warm_up()

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """Which of the two, its rate (and momentum), and the updates after which the rate has halved."""
        chosen: dict[str, Any] = {"optimiser": trial.suggest_categorical("optimiser", ("adam", "descent"))}
        if chosen["optimiser"] == "adam":
            chosen["adam_rate"] = trial.suggest_float("adam_rate", *self.adam_rates, log=True)
        else:
            chosen["descent_rate"] = trial.suggest_float("descent_rate", *self.descent_rates, log=True)
            chosen["momentum"] = trial.suggest_categorical("momentum", self.momenta)
        return {**chosen, "halving": trial.suggest_float("halving", *self.halvings, log=True)}

    def apply(
        self,
        recipe: Recipe,
        *,
        optimiser: str,
        halving: float,
        adam_rate: float = 0.0,
        descent_rate: float = 0.0,
        momentum: float = 0.0,
    ) -> Recipe:
        """The recipe with the chosen optimiser."""

        def make(network: Network, _: Task) -> torch.optim.Optimizer:
            if optimiser == "adam":
                return Adam(network.flat(), adam_rate, halving)
            return Descent(network.flat(), descent_rate, momentum, halving)

        return recipe.replace(optimiser=make)


class Nesterov(Change):
    """Nesterov's accelerated gradient in the form of Sutskever et al. 2013, with a momentum that grows.

    It ends at 1 - `friction`: what is tuned is how far it stays from 1. At a friction of 1 there is no
    momentum, and this is plain descent. It begins at .9, and stays there for `early_updates`, as published;
    or, `gradual`, 1 - mu shrinks by the same factor at every update and is there after as many. Seeds differ
    widely in when their loss first falls. A momentum that jumps before that loses the run, and one that waits
    for the slowest seed makes all the others wait.
    """

    changes = "optimiser"

    def __init__(
        self,
        rates: Range = (1e-6, 1e-1),
        frictions: Range = (1e-3, 1.0),
        early: tuple[int, int] = (1, 10_000),
    ) -> None:
        self.rates = rates
        self.frictions = frictions
        self.early = early

    def warm_up(self) -> None:
        """Have the compiled updates ready."""
        warm_up()

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """The learning rate eps, 1 - mu, the updates before mu is reached, and how it is."""
        return {
            "learning_rate": trial.suggest_float("learning_rate", *self.rates, log=True),
            "friction": trial.suggest_float("friction", *self.frictions, log=True),
            "early_updates": trial.suggest_int("early_updates", *self.early, log=True),
            "gradual": trial.suggest_categorical("gradual", (False, True)),
        }

    def apply(
        self, recipe: Recipe, *, learning_rate: float, friction: float, early_updates: int, gradual: bool
    ) -> Recipe:
        """The recipe with accelerated descent."""

        def optimiser(network: Network, _: Task) -> torch.optim.Optimizer:
            return AcceleratedGradient(
                network.flat(),
                learning_rate,
                1.0 - friction,
                early_updates=early_updates,
                gradual=gradual,
            )

        return recipe.replace(optimiser=optimiser)
