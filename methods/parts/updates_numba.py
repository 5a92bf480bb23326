"""The updates of first-order optimisers on the CPU, compiled by Numba.

Plain functions on flat arrays, float32 or float64. They round as torch's own do, of which a product that is
added is one operation, and a product that is stored is not: so each loop ends where torch would store. What
is left after the last whole vector torch's Adam rounds in another order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from longlag.methods.parts.compiled import INNER, Array, add_to, fused, kernel

VECTOR = 32
"""Bytes of a vector in torch's Adam, on any processor."""


@njit(**INNER)
def _scale(values: Array, factor: Any) -> None:
    for i in range(values.shape[0]):
        values[i] *= factor


@njit(**INNER)
def _add_times(values: Array, more: Array, factor: Any) -> None:
    for i in range(values.shape[0]):
        values[i] += factor * more[i]


@kernel
def descend(theta: Array, gradient: Array, rate: float) -> None:
    """theta <- theta - rate gradient."""
    _add_times(theta, gradient, theta.dtype.type(-rate))


@kernel
def descend_with_momentum(
    theta: Array, velocity: Array, gradient: Array, momentum: float, rate: float
) -> None:
    """velocity <- momentum velocity + gradient, theta <- theta - rate velocity."""
    _scale(velocity, theta.dtype.type(momentum))
    add_to(velocity, gradient)
    _add_times(theta, velocity, theta.dtype.type(-rate))


@kernel
def go_ahead(theta: Array, velocity: Array, momentum: float) -> None:
    """velocity <- momentum velocity, theta <- theta + velocity."""
    _scale(velocity, theta.dtype.type(momentum))
    add_to(theta, velocity)


@kernel
def follow(theta: Array, velocity: Array, gradient: Array, rate: float) -> None:
    """velocity <- velocity - rate gradient, and theta with it."""
    down = theta.dtype.type(-rate)
    _add_times(velocity, gradient, down)
    _add_times(theta, gradient, down)


@kernel
def adapt(
    theta: Array,
    mean: Array,
    square: Array,
    gradient: Array,
    first: float,
    second: float,
    step: float,
    root: float,
    least: float,
) -> None:
    """Adam: means of the gradient and its square, decaying by `first` and `second`, theta by their ratio.

    theta <- theta - step mean / (sqrt(square) / root + least).
    """
    kind = theta.dtype.type
    fresh, fresh_square, remembered = kind(1.0 - first), kind(1.0 - second), kind(second)
    down, divisor, small = kind(-step), kind(root), kind(least)
    vectors = theta.shape[0] - theta.shape[0] % (VECTOR // theta.itemsize)
    _scale(square[:vectors], remembered)
    for i in range(vectors):
        square[i] += fresh_square * gradient[i] * gradient[i]
    for i in range(vectors, theta.shape[0]):
        square[i] = fused(square[i], remembered, fresh_square * gradient[i] * gradient[i])
    for i in range(theta.shape[0]):
        mean[i] += fresh * (gradient[i] - mean[i])
        theta[i] += down * mean[i] / (np.sqrt(square[i]) / divisor + small)


def warm_up(*kinds: type[np.floating[Any]]) -> None:
    """Compile every update for `kinds` of float (float32 without any), or load it from Numba's cache."""
    for kind in kinds or (np.float32,):
        theta, velocity, mean, gradient = (np.zeros(1, kind) for _ in range(4))
        descend(theta, gradient, 0.0)
        descend_with_momentum(theta, velocity, gradient, 0.0, 0.0)
        go_ahead(theta, velocity, 0.0)
        follow(theta, velocity, gradient, 0.0)
        adapt(theta, mean, velocity, gradient, 0.9, 0.999, 0.0, 1.0, 1.0)
