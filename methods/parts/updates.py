"""Optimisers of one parameter: descent with momentum, Adam, and Nesterov's accelerated gradient.

A network's weights are one parameter where they are flat. Then an update is a few operations on all numbers
alike, which take little of a small net's time where they are compiled, and where `bare_step` passes by what
torch puts around a step. The torch ones are the reference.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from longlag.bench.contract import BareOptimizer, FlatParameter
from longlag.methods.parts.backend import Array, arrays, compiled, wanted

Closure = Callable[[], Tensor]


class _OfOne(BareOptimizer):
    """An optimiser of one parameter, whose states are tensors like it, zero at first, and named in `kept`."""

    kept: tuple[str, ...] = ()

    def __init__(self, parameter: nn.Parameter, settings: dict[str, Any]) -> None:
        super().__init__([parameter], {**settings, "updates": 0})
        self.parameter = parameter
        # Of which states the arrays are: loading a state dictionary makes others.
        self._known: Any = None
        self._arrays: tuple[Array, ...] | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """The one parameter group: the settings and the count of updates."""
        group: dict[str, Any] = self.param_groups[0]
        return group

    def _states(self) -> list[Tensor]:
        state = self.state[self.parameter]
        for name in self.kept:
            if name not in state:
                state[name] = torch.zeros_like(self.parameter)
        return [state[name] for name in self.kept]

    def _compiled(self) -> tuple[Array, ...] | None:
        """The parameter, its states and its gradient as arrays; None where torch makes the update."""
        if self._known is not self.state:
            parameter = self.parameter
            self._arrays = None
            # Nothing else promises that it stays where it is, as its gradient does.
            if isinstance(parameter, FlatParameter) and compiled(parameter):
                gradient = parameter.grad
                assert gradient is not None
                self._arrays = arrays(parameter, *self._states(), gradient)
            self._known = self.state
        return self._arrays


class _Decaying(_OfOne):
    """One whose rate at update k = 0, 1, ... is eps / (1 + k / halving) (Robbins & Monro 1951).

    The count of updates is part of the state dictionary, so training resumes at the same rate.
    """

    def bare_step(self, closure: Closure | None = None) -> Tensor | None:
        """One update; `closure`, if given, leaves the gradient and returns the loss, which is returned."""
        loss = None if closure is None else closure()
        settings = self.settings
        gradient = self.parameter.grad
        if gradient is not None:
            self._update(settings["lr"] / (1 + settings["updates"] / settings["halving"]), gradient)
        settings["updates"] += 1
        return loss

    @abstractmethod
    def _update(self, rate: float, gradient: Tensor) -> None:
        """One update with this rate."""


class Descent(_Decaying):
    """v <- mu v + grad f(theta), theta <- theta - eps v; v is the gradient where there is no momentum."""

    def __init__(
        self, parameter: nn.Parameter, rate: float, momentum: float = 0.0, halving: float = math.inf
    ) -> None:
        self.kept = ("velocity",) if momentum else ()
        super().__init__(parameter, {"lr": rate, "momentum": momentum, "halving": halving})

    def _update(self, rate: float, gradient: Tensor) -> None:
        made, momentum = self._compiled(), self.settings["momentum"]
        if made is None:
            with torch.no_grad():
                for velocity in self._states():
                    gradient = velocity.mul_(momentum).add_(gradient)
                self.parameter.add_(gradient, alpha=-rate)
        elif momentum:
            _kernels(made[0].dtype).descend_with_momentum(*made, momentum, rate)
        else:
            _kernels(made[0].dtype).descend(*made, rate)


class Adam(_Decaying):
    """Kingma & Ba 2015, with their decays: along the mean gradient over the root of the mean square."""

    kept = ("mean", "square")

    def __init__(self, parameter: nn.Parameter, rate: float, halving: float = math.inf) -> None:
        super().__init__(parameter, {"lr": rate, "decays": (0.9, 0.999), "least": 1e-8, "halving": halving})

    def _update(self, rate: float, gradient: Tensor) -> None:
        (first, second), least = self.settings["decays"], self.settings["least"]
        count = self.settings["updates"] + 1
        step, root = rate / (1 - first**count), math.sqrt(1 - second**count)
        made = self._compiled()
        if made is not None:
            _kernels(made[0].dtype).adapt(*made, first, second, step, root, least)
            return
        mean, square = self._states()
        with torch.no_grad():
            mean.lerp_(gradient, 1 - first)
            square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
            self.parameter.addcdiv_(mean, square.sqrt().div_(root).add_(least), value=-step)


class AcceleratedGradient(_OfOne):
    """v <- mu v - eps grad f(theta + mu v), theta <- theta + v (Sutskever et al. 2013, equations 3 and 4).

    The gradient is taken ahead, at theta + mu v, so a step needs the closure; between steps the parameter is
    theta. mu is `early_momentum` for the first `early_updates` updates, then `momentum`; where it is
    `gradual`, 1 - mu goes from the one to the other in a geometric series of as many updates.
    """

    kept = ("velocity",)

    def __init__(
        self,
        parameter: nn.Parameter,
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
        }
        super().__init__(parameter, settings)

    def bare_step(self, closure: Closure | None = None) -> Tensor:
        """One update; `closure` leaves the gradient at the present parameters and returns the loss there."""
        if closure is None:
            raise ValueError("the gradient is taken ahead of the parameters: step needs a closure")
        settings, made = self.settings, self._compiled()
        momentum = _momentum(settings)
        if made is None:
            with torch.no_grad():
                (velocity,) = self._states()
                self.parameter.add_(velocity.mul_(momentum))
        else:
            _kernels(made[0].dtype).go_ahead(*made[:2], momentum)
        loss = closure()
        gradient = self.parameter.grad
        settings["updates"] += 1
        # theta + v = (theta + mu v) - eps grad: from where the gradient was taken, no way back
        if gradient is None:
            return loss
        if made is None:
            with torch.no_grad():
                for moving in (velocity, self.parameter):
                    moving.add_(gradient, alpha=-settings["lr"])
        else:
            _kernels(made[0].dtype).follow(*made, settings["lr"])
        return loss


def _momentum(settings: dict[str, Any]) -> float:
    """mu of the update to come."""
    early, late = settings["early_momentum"], settings["momentum"]
    share = settings["updates"] / settings["early_updates"] if settings["early_updates"] else 1.0
    if share >= 1:
        return float(late)
    gradual = settings["gradual"]
    return float(1 - (1 - early) * ((1 - late) / (1 - early)) ** share) if gradual else float(early)


def warm_up() -> None:
    """Compile the float32 updates, or load them from Numba's cache."""
    if wanted():
        _kernels(np.dtype(np.float32))


@cache
def _kernels(kind: np.dtype[Any]) -> Any:
    """The compiled updates for arrays of `kind`, imported when first needed: that takes a while."""
    from longlag.methods.parts import compiled as loops
    from longlag.methods.parts import updates_numba

    return loops.ready(updates_numba, kind)
