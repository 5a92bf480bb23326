"""The tanh recurrence on the CPU: loops compiled by Numba around BLAS products.

Plain functions on C-contiguous arrays, float32 or float64, outside any autograd; `tanh_core` says
what they compute. Three things make them fast: the recurrent product writes into memory that is
there already; all that is element-wise happens in one pass while the step is in the cache; and the
tanh is a formula that the compiler turns into vector instructions, good to 3 units in the last place.

Infinities and NaNs pass through: of the liberties of fast arithmetic, only fused multiply-add and
the sign of zero are taken. The products run on scipy's BLAS with as many threads as that is given:
set OPENBLAS_NUM_THREADS=1 (or use threadpoolctl) for one.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numba.extending import overload

Array = np.ndarray[Any, np.dtype[Any]]

# error_model: Python's check for a division by zero would keep the loops from being vectorised
COMPILE: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "fastmath": {"contract", "nsz"},
    "error_model": "numpy",
}

NARROW = 16
"""Inputs up to this size are added in the element-wise pass; wider ones by one product over all steps."""


def _formula(kind: Any, degree: int, limit: float, high: float, bits: Any, bias: int, shift: int) -> Any:
    """A compiled tanh of a `kind` float: x = 2 |u| in e^x - 1 = 2^n (e^r - 1) + (2^n - 1), |r| <= ln(2) / 2.

    e^r - 1 is its Taylor series up to r^degree; tanh(u) = (e^2u - 1) / (e^2u + 1). Beyond `limit`
    tanh rounds to 1. `high` is ln 2 in few enough bits for n * high to be exact.
    """
    one, two, top, bottom = kind(1), kind(2), kind(limit), kind(-limit)
    per_halving, upper, lower = kind(1 / math.log(2)), kind(high), kind(math.log(2) - high)
    terms = tuple(kind(1 / math.factorial(k)) for k in range(degree, 0, -1))
    offset, width = bits(bias), bits(shift)

    @njit(forceinline=True, **COMPILE)
    def formula(u: Any) -> Any:
        # comparisons that are false for NaN, so that NaN stays
        u = top if u > top else u
        u = bottom if u < bottom else u
        x = u + u
        n = np.rint(x * per_halving)
        r = (x - n * upper) - n * lower
        series = terms[0]
        for term in terms[1:]:
            series = series * r + term
        power = bits((bits(n) + offset) << width).view(kind)
        e = power * (series * r) + (power - one)
        return e / (e + two)

    return formula


_SINGLE = _formula(np.float32, 7, 9.02, 0.693359375, np.int32, 127, 23)
_DOUBLE = _formula(np.float64, 13, 19.1, 0.6931471803691238, np.int64, 1023, 52)


def _tanh(u: Any) -> Any:
    raise NotImplementedError("compiled code only")


@overload(_tanh)
def _choose_tanh(u):  # type: ignore[no-untyped-def]  # numba compares this signature with the lambdas'
    if u.bitwidth == 32:
        return lambda u: _SINGLE(u)
    return lambda u: _DOUBLE(u)


@njit(**COMPILE)
def tanh(values: Array, out: Array) -> None:
    """Fill `out` with the tanh of `values`, flat arrays of one length."""
    for i in range(values.shape[0]):
        out[i] = _tanh(values[i])


@njit(**COMPILE)
def forward(
    inputs: Array, input_weight: Array, recurrent: Array, bias: Array, initial: Array, states: Array
) -> None:
    """Fill states [T+1, B, H]: the initial state, then one after each step.

    inputs [T, B, D]; the weights transposed: input_weight [D, H], recurrent [H, H]; bias, initial [H].
    """
    steps, size, width = inputs.shape
    units = bias.shape[0]
    narrow = width <= NARROW
    if not narrow:
        flat = states.reshape((steps + 1) * size, units)
        np.dot(inputs.reshape(steps * size, width), input_weight, flat[size:])
    for b in range(size):
        for i in range(units):
            states[0, b, i] = initial[i]
    drive = np.empty((size, units), states.dtype)
    flat_drive = drive.reshape(size * units)
    for t in range(steps):
        np.dot(states[t], recurrent, drive)
        for b in range(size):
            if narrow:
                for i in range(units):
                    drive[b, i] += bias[i]
                for d in range(width):
                    value = inputs[t, b, d]
                    for i in range(units):
                        drive[b, i] += value * input_weight[d, i]
            else:
                for i in range(units):
                    drive[b, i] += states[t + 1, b, i] + bias[i]
        tanh(flat_drive, states[t + 1].reshape(size * units))


@njit(**COMPILE)
def backward(
    recurrent: Array,
    states: Array,
    steps: Array,
    output_gradients: Array,
    deltas: Array,
    state_gradients: Array,
) -> None:
    """Fill deltas [T, B, H], dE/d(drive of step t), from output_gradients [S, B, H] at `steps` [S], rising.

    recurrent [H, H] as it stands. Fills state_gradients too, dE/d(state after step t), unless it is empty.
    """
    length, size, units = deltas.shape
    one = states.dtype.type(1)
    keep = state_gradients.shape[0] > 0
    carried = np.zeros((size, units), states.dtype)
    flat = carried.reshape(size * units)
    s = steps.shape[0] - 1
    for t in range(length - 1, -1, -1):
        if t < length - 1:
            np.dot(deltas[t + 1], recurrent, carried)
        if s >= 0 and steps[s] == t:
            given = output_gradients[s].reshape(size * units)
            for i in range(flat.shape[0]):
                flat[i] += given[i]
            s -= 1
        if keep:
            state_gradients[t] = carried
        state = states[t + 1].reshape(size * units)
        delta = deltas[t].reshape(size * units)
        for i in range(flat.shape[0]):
            delta[i] = flat[i] * (one - state[i] * state[i])


@njit(**COMPILE)
def tangent(recurrent: Array, states: Array, drive: Array, initial: Array, moved: Array) -> None:
    """Fill moved [T+1, B, H]: how the states move when their drives move by drive [T, B, H].

    recurrent [H, H] transposed; initial [H], how the initial state moves.
    """
    length, size, units = drive.shape
    one = states.dtype.type(1)
    product = np.empty((size, units), states.dtype)
    flat = product.reshape(size * units)
    for b in range(size):
        for i in range(units):
            moved[0, b, i] = initial[i]
    for t in range(length):
        np.dot(moved[t], recurrent, product)
        state = states[t + 1].reshape(size * units)
        own = drive[t].reshape(size * units)
        result = moved[t + 1].reshape(size * units)
        for i in range(flat.shape[0]):
            result[i] = (own[i] + flat[i]) * (one - state[i] * state[i])


@njit(**COMPILE)
def input_products(deltas: Array, inputs: Array, input_gradient: Array, bias_gradient: Array) -> None:
    """Fill the gradients of the input weights, transposed [D, H], and of the bias [H], for narrow inputs.

    Sums a step first, then over steps: shorter sums lose fewer digits.
    """
    length, size, width = inputs.shape
    units = bias_gradient.shape[0]
    own_bias = np.empty(units, deltas.dtype)
    own_input = np.empty((width, units), deltas.dtype)
    input_gradient[:] = 0
    bias_gradient[:] = 0
    for t in range(length):
        own_bias[:] = 0
        own_input[:] = 0
        for b in range(size):
            for i in range(units):
                own_bias[i] += deltas[t, b, i]
            for d in range(width):
                value = inputs[t, b, d]
                for i in range(units):
                    own_input[d, i] += value * deltas[t, b, i]
        for i in range(units):
            bias_gradient[i] += own_bias[i]
        for d in range(width):
            for i in range(units):
                input_gradient[d, i] += own_input[d, i]


def warm_up(*kinds: type[np.floating[Any]]) -> None:
    """Compile every kernel for `kinds` of float (float32 without any), or load it from Numba's cache."""
    for kind in kinds or (np.float32,):
        states, deltas = np.zeros((2, 1, 1), kind), np.zeros((1, 1, 1), kind)
        weight, bias = np.zeros((1, 1), kind), np.zeros(1, kind)
        forward(deltas, weight, weight, bias, bias, states)
        backward(weight, states, np.zeros(1, np.int64), deltas, deltas.copy(), deltas.copy())
        tangent(weight, states, deltas, bias, states.copy())
        input_products(deltas, deltas, weight, bias)
