"""The harvest's inner loops for the CPU: one BLAS product a step, the rest fused and vectorised.

No fastmath: NaN and infinity must come through. Arrays have the sequences last, so that every loop runs
over contiguous memory.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

LOG2E = 1.0 / math.log(2.0)
# log 2 in two parts: the first has so few bits that its products with small integers are exact.
LN2_HIGH = float.fromhex("0x1.62e42fefa0000p-1")
LN2_LOW = float.fromhex("0x1.cf79abc9e3b39p-40")
ROUND = 1.5 * 2.0**52
"""Added to a small number, it leaves the nearest integer in the low bits."""
C2, C3, C4, C5, C6, C7, C8 = (1.0 / math.factorial(k) for k in range(2, 9))
C9, C10, C11, C12, C13 = (1.0 / math.factorial(k) for k in range(9, 14))


@njit(cache=True, error_model="numpy", inline="always")
def tanh(x: float) -> float:
    """tanh without a branch, so that the compiler can work on several numbers at once.

    tanh |x| = m / (m + 2) with m = exp(2 |x|) - 1 = 2^n (exp(r) - 1) + (2^n - 1), |r| <= log(2) / 2, by a
    Taylor series in r: relative error of a few units in the last place, also near zero.
    """
    twice = 2.0 * abs(x)
    twice = 40.0 if twice > 40.0 else twice  # tanh is 1 from here; a NaN stays
    shifted = twice * LOG2E + ROUND
    n = shifted - ROUND
    power = np.int64((np.float64(shifted).view(np.int64) + 1023) << 52).view(np.float64)
    r = (twice - n * LN2_HIGH) - n * LN2_LOW
    series = C7 + r * (C8 + r * (C9 + r * (C10 + r * (C11 + r * (C12 + r * C13)))))
    series = C2 + r * (C3 + r * (C4 + r * (C5 + r * (C6 + r * series))))
    m = power * (r + r * r * series) + (power - 1.0)
    return math.copysign(m / (m + 2.0), x)


@njit(cache=True, error_model="numpy")
def _supply(stacked: Any, step_inputs: Any, units: int) -> None:
    for d in range(step_inputs.shape[0]):
        stacked[units + d] = step_inputs[d]


@njit(cache=True, error_model="numpy")
def _leak(drive: Any, state: Any, bias: float, leak: float) -> None:
    # Old and new state are one argument: two that overlap would keep the compiler from vectorising.
    keep = 1.0 - leak
    for b in range(drive.shape[0]):
        state[b] = keep * state[b] + leak * tanh(drive[b] + bias)


@njit(cache=True, error_model="numpy", nogil=True)
def dense(
    weights: Any, bias: Any, leak: Any, inputs: Any, noise: Any, mask: Any, stacked: Any, kept: Any
) -> None:
    """Harvest with weights [N, N + D] from inputs [T, D, B] into kept [N, S, B].

    stacked [N + D, B] holds the state above the inputs, noise is [T, N, B] or empty.
    """
    units = bias.shape[0]
    drive = np.empty((units, inputs.shape[2]))
    row = 0
    for t in range(inputs.shape[0]):
        _supply(stacked, inputs[t], units)
        np.dot(weights, stacked, drive)
        for i in range(units):
            _leak(drive[i], stacked[i], bias[i], leak[i])
        if noise.size > 0:
            stacked[:units] += noise[t]
        if mask[t]:
            kept[:, row] = stacked[:units]
            row += 1


@njit(cache=True, error_model="numpy", nogil=True)
def sparse(
    values: Any,
    columns: Any,
    starts: Any,
    bias: Any,
    leak: Any,
    inputs: Any,
    noise: Any,
    mask: Any,
    stacked: Any,
    kept: Any,
) -> None:
    """The same with the weights as compressed sparse rows."""
    units = bias.shape[0]
    drive = np.empty((units, inputs.shape[2]))
    row = 0
    for t in range(inputs.shape[0]):
        _supply(stacked, inputs[t], units)
        # No unit moves before all have heard.
        for i in range(units):
            heard = drive[i]
            heard[:] = 0.0
            for k in range(starts[i], starts[i + 1]):
                _add(values[k], stacked[columns[k]], heard)
        for i in range(units):
            _leak(drive[i], stacked[i], bias[i], leak[i])
        if noise.size > 0:
            stacked[:units] += noise[t]
        if mask[t]:
            kept[:, row] = stacked[:units]
            row += 1


@njit(cache=True, error_model="numpy")
def _add(weight: float, source: Any, out: Any) -> None:
    for b in range(out.shape[0]):
        out[b] += weight * source[b]
