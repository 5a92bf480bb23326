"""First-order optimisers: plain descent, Adam, and Nesterov's momentum as Sutskever wrote it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import optuna
import torch
from torch import Tensor, nn

from longlag.bench.contract import Change, Network, Recipe, Task

Range = tuple[float, float]


class PlainDescent(Change):
    """Gradient descent, theta <- theta - eps grad f(theta): no momentum."""

    changes = "optimiser"

    def __init__(self, rates: Range = (1e-4, 1e-1)) -> None:
        self.rates = rates

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """The learning rate eps."""
        return {"learning_rate": trial.suggest_float("learning_rate", *self.rates, log=True)}

    def apply(self, recipe: Recipe, *, learning_rate: float) -> Recipe:
        """The recipe with plain descent."""
        return recipe.replace(
            optimiser=lambda net, _: torch.optim.SGD([net.flat()], lr=learning_rate, fused=True)
        )


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
                return decayed(torch.optim.Adam([network.flat()], lr=adam_rate, fused=True), halving)
            descent = torch.optim.SGD([network.flat()], lr=descent_rate, momentum=momentum, fused=True)
            return decayed(descent, halving)

        return recipe.replace(optimiser=make)


def decayed(optimizer: torch.optim.Optimizer, halving: float) -> torch.optim.Optimizer:
    """`optimizer` with the rate eps / (1 + k / halving) at update k = 0, 1, ... (Robbins & Monro 1951).

    The count of updates is part of the state dictionary, so training resumes at the same rate.
    """
    for group in optimizer.param_groups:
        group.update(first_rate=group["lr"], updates=0)

    def set_rate(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        for group in optimizer.param_groups:
            group["lr"] = group["first_rate"] / (1 + group["updates"] / halving)
            group["updates"] += 1

    optimizer.register_step_pre_hook(set_rate)
    return optimizer


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
                [network.flat()],
                learning_rate,
                1.0 - friction,
                early_updates=early_updates,
                gradual=gradual,
            )

        return recipe.replace(optimiser=optimiser)


class AcceleratedGradient(torch.optim.Optimizer):
    """v <- mu v - eps grad f(theta + mu v), theta <- theta + v (Sutskever et al. 2013, equations 3 and 4).

    The gradient is taken ahead, at theta + mu v, so `step` needs the closure; between steps the
    parameters are theta. mu is `early_momentum` for the first `early_updates` updates, then `momentum`; where
    it is `gradual`, 1 - mu goes from the one to the other in a geometric series of as many updates.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        learning_rate: float,
        momentum: float,
        early_momentum: float = 0.9,
        early_updates: int = 1000,
        gradual: bool = False,
    ) -> None:
        settings = {
            "lr": learning_rate,
            "momentum": momentum,
            "early_momentum": early_momentum,
            "early_updates": early_updates,
            "gradual": gradual,
            "updates": 0,
        }
        super().__init__(parameters, settings)

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor:  # type: ignore[override]
        """One update; `closure` leaves the gradient at the present parameters and returns the loss there."""
        if closure is None:
            raise ValueError("the gradient is taken ahead of the parameters: step needs a closure")
        for group in self.param_groups:
            velocities = self._velocities(group["params"])
            torch._foreach_mul_(velocities, _momentum(group))
            torch._foreach_add_(group["params"], velocities)
        with torch.enable_grad():
            loss = closure()
        for group in self.param_groups:
            group["updates"] += 1
            moved = [parameter for parameter in group["params"] if parameter.grad is not None]
            gradients = [parameter.grad for parameter in moved]
            torch._foreach_add_(self._velocities(moved), gradients, alpha=-group["lr"])
            # theta + v = (theta + mu v) - eps grad: from where the gradient was taken, no way back
            torch._foreach_add_(moved, gradients, alpha=-group["lr"])
        return loss

    def _velocities(self, parameters: list[Tensor]) -> list[Tensor]:
        """v of each of `parameters`, zero at first."""
        for parameter in parameters:
            if not self.state[parameter]:
                self.state[parameter]["velocity"] = torch.zeros_like(parameter)
        return [self.state[parameter]["velocity"] for parameter in parameters]


def _momentum(group: dict[str, Any]) -> float:
    """mu of the update to come."""
    early, late = group["early_momentum"], group["momentum"]
    share = group["updates"] / group["early_updates"] if group["early_updates"] else 1.0
    if share >= 1:
        return float(late)
    return float(1 - (1 - early) * ((1 - late) / (1 - early)) ** share) if group["gradual"] else float(early)
