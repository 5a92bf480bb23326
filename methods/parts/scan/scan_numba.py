"""The scan on the CPU, compiled by Numba: h_t = a_t h_(t-1) + b_t, number by number, and its way back.

Plain functions on C-contiguous arrays, of real or complex numbers in single or double precision, outside any
autograd. n numbers run side by side: the units of all sequences. Rates are [T, n], or [1, n] where they are
the same at every step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from longlag.methods.parts.compiled import INNER, Array, add_to, kernel


@kernel
def forward(rates: Array, drives: Array, states: Array) -> None:
    """Fill states [T+1, n] after the first, which is where it begins; drives [T, n]."""
    varying = rates.shape[0] > 1
    for t in range(drives.shape[0]):
        _step(rates[t if varying else 0], states[t], drives[t], states[t + 1])


@njit(**INNER)
def _step(rate: Array, before: Array, drive: Array, after: Array) -> None:
    for i in range(after.shape[0]):
        after[i] = rate[i] * before[i] + drive[i]


@kernel
def backward(
    rates: Array,
    states: Array,
    steps: Array,
    output_gradients: Array,
    rate_gradients: Array,
    drive_gradients: Array,
    initial_gradient: Array,
) -> None:
    """Fill the gradients of rates, drives [T, n] and initial state [n].

    What `forward` took and filled; output_gradients [S, n] at `steps` [S], rising. The gradient of a complex
    number is, as torch has it, dE/d(real part) + i dE/d(imaginary part).
    """
    varying = rates.shape[0] > 1
    rate_gradients[:] = 0
    # dE/dh_t on its way back
    carried = initial_gradient
    carried[:] = 0
    s = steps.shape[0] - 1
    for t in range(drive_gradients.shape[0] - 1, -1, -1):
        if s >= 0 and steps[s] == t:
            add_to(carried, output_gradients[s])
            s -= 1
        at = t if varying else 0
        _back(rates[at], states[t], carried, rate_gradients[at], drive_gradients[t])


@njit(**INNER)
def _back(rate: Array, before: Array, carried: Array, to_rate: Array, to_drive: Array) -> None:
    for i in range(carried.shape[0]):
        error = carried[i]
        to_drive[i] = error
        to_rate[i] += error * np.conj(before[i])
        carried[i] = error * np.conj(rate[i])


def warm_up(*kinds: type[np.number[Any]]) -> None:
    """Compile both kernels for `kinds` of number (float32 without any), or load them from Numba's cache."""
    for kind in kinds or (np.float32,):
        one, two = np.zeros((1, 1), kind), np.zeros((2, 1), kind)
        forward(one, one, two)
        backward(one, two, np.zeros(1, np.int64), one, one.copy(), one.copy(), np.zeros(1, kind))
