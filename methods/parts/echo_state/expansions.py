"""What a linear readout is given: numbers from a state, so that a linear fit answers more than linearly.

Each is a module with `count`, the features F it makes of the N numbers it is given, and `flops`, what
that takes a state.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Plain(nn.Module):
    """The numbers themselves."""

    flops = 0.0

    def __init__(self, width: int) -> None:
        super().__init__()
        self.count = width

    def forward(self, states: Tensor) -> Tensor:
        """[..., N] from [..., N]."""
        return states


class Squares(nn.Module):
    """The numbers and their squares (Jaeger 2003, Adaptive nonlinear system identification, NIPS 15)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.count = 2 * width
        self.flops = float(width)

    def forward(self, states: Tensor) -> Tensor:
        """[..., 2 N] from [..., N]."""
        return torch.cat([states, states.square()], -1)


class Products(nn.Module):
    """The numbers and the products of any two of them: a fit on these is the full quadratic."""

    first: Tensor
    second: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        first, second = torch.triu_indices(width, width)
        self.register_buffer("first", first, persistent=False)
        self.register_buffer("second", second, persistent=False)
        self.count = width + len(first)
        self.flops = float(len(first))

    def forward(self, states: Tensor) -> Tensor:
        """[..., N + N (N + 1) / 2] from [..., N]."""
        return torch.cat([states, states[..., self.first] * states[..., self.second]], -1)


class RandomTanh(nn.Module):
    """The numbers and `features` units tanh(A z + b) drawn once, with A, b ~ N(0, scale^2).

    A hidden layer of random weights under a linear fit: Rahimi & Recht 2008 (Weighted sums of random
    kitchen sinks, NIPS 21); Huang, Zhu & Siew 2006 (Extreme learning machine, Neurocomputing 70).
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, width: int, features: int, scale: float) -> None:
        super().__init__()
        # Drawn from torch's global generator, as the reservoir is.
        self.register_buffer("weight", scale * torch.randn(width, features, dtype=torch.float64))
        self.register_buffer("bias", scale * torch.randn(features, dtype=torch.float64))
        self.count = width + features
        self.flops = 2.0 * width * features

    def forward(self, states: Tensor) -> Tensor:
        """[..., N + features] from [..., N]."""
        return torch.cat([states, torch.tanh(states @ self.weight + self.bias)], -1)


Expansion = Plain | Squares | Products | RandomTanh
