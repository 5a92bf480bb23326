"""Weights as one parameter: what treats all numbers alike makes one operation of one a weight."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import torch
from torch import Tensor, nn


class FlatParameter(nn.Parameter):
    """`weights` in one piece of memory, [P], which they share from now on, as it shares their gradients.

    Weights that move to another dtype or device leave it behind: it is made where they will be trained.
    """

    _views: list[tuple[nn.Parameter, Tensor]]
    _gradient: Tensor

    def __new__(cls, weights: Iterable[nn.Parameter]) -> Self:
        """In the order of `weights`."""
        weights = list(weights)
        flat: Self = torch.Tensor._make_subclass(
            cls, torch.cat([weight.detach().flatten() for weight in weights]), True
        )
        sizes = [weight.numel() for weight in weights]
        flat._gradient = torch.zeros_like(flat.data)
        parts = zip(weights, flat.data.split(sizes), flat._gradient.split(sizes), strict=True)
        flat._views = []
        for weight, values, gradient in parts:
            weight.data = values.view_as(weight)
            flat._views.append((weight, gradient.view_as(weight)))
        return flat

    def clear(self) -> None:
        """Set all gradients to zero, where they will be added to in place."""
        self._gradient.zero_()
        for weight, gradient in self._views:
            if weight.grad is not gradient:
                weight.grad = gradient

    @property
    def grad(self) -> Tensor | None:
        """The gradient [P] of all weights; zero of a weight that has none."""
        for weight, gradient in self._views:
            given = weight.grad
            if given is gradient:
                continue
            if given is None:
                gradient.zero_()
            else:
                gradient.copy_(given)
            weight.grad = gradient
        return self._gradient

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            raise ValueError("a flat parameter's gradient is that of its weights")
        for weight, _ in self._views:
            weight.grad = None

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        raise TypeError("a flat parameter belongs to its network: copy before it is trained")
