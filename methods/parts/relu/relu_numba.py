"""The recurrence of rectified linear units on the CPU, compiled by Numba.

Plain functions on C-contiguous arrays, float32 or float64, outside any autograd; `cell` says what they
compute.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from longlag.methods.parts.compiled import INNER, Array, add_to, kernel
from longlag.methods.parts.products import (
    BLOCK,
    NONE,
    add,
    add_outer,
    add_rows,
    fill,
    no_product,
    plain,
    transposed,
)


@kernel
def forward(
    inputs: Array,
    input_weight: Array,
    recurrent: Array,
    bias: Array,
    initial: Array,
    noise: Array,
    states: Array,
) -> None:
    """Fill states [T+1, B, H]: the initial state, then one after each step.

    inputs [T, B, D], input_weight [H, D], recurrent [H, H]; bias, initial [H]; noise [1, T, B, H] or empty.
    """
    length, size, width = inputs.shape
    units = bias.shape[0]
    n = size * units
    flat_inputs, flat_states, extra = inputs.reshape(-1), states.reshape(-1), noise.reshape(-1)
    into, within = transposed(input_weight, units), transposed(recurrent, units)
    for b in range(size):
        flat_states[b * units : (b + 1) * units] = initial
    for t in range(length):
        drive = plain(flat_inputs, t * size * width, width, into, NONE)
        heard = plain(flat_states, t * n, units, within, NONE)
        fill(flat_states, (t + 1) * n, size, units, bias, NONE, (drive, heard))
        if extra.shape[0] > 0:
            add_to(flat_states[(t + 1) * n : (t + 2) * n], extra[t * n : (t + 1) * n])
        _rectify(flat_states[(t + 1) * n : (t + 2) * n])


@njit(**INNER)
def _rectify(values: Array) -> None:
    zero = values.dtype.type(0)
    for i in range(values.shape[0]):
        # false for NaN, so that NaN stays
        values[i] = zero if values[i] < zero else values[i]


@kernel
def backward(
    inputs: Array,
    input_weight: Array,
    recurrent: Array,
    states: Array,
    steps: Array,
    output_gradients: Array,
    input_weight_gradient: Array,
    recurrent_gradient: Array,
    bias_gradient: Array,
    initial_gradient: Array,
    input_gradient: Array,
) -> None:
    """Fill the gradients of weights and initial state, and of the inputs unless theirs is empty.

    What `forward` took and filled; output_gradients [S, B, H] at `steps` [S], rising. A stretch of steps at a
    time, so that what a step leaves to the weights' gradients is still in the cache when they are summed.
    """
    length, size, width = inputs.shape
    units = bias_gradient.shape[0]
    n = size * units
    stretch = -(-BLOCK // size)
    flat_inputs, flat_states, given = inputs.reshape(-1), states.reshape(-1), output_gradients.reshape(-1)
    weight, in_weight, to_inputs = recurrent.reshape(-1), input_weight.reshape(-1), input_gradient.reshape(-1)
    into, within = input_weight_gradient.reshape(-1), recurrent_gradient.reshape(-1)
    into[:] = 0
    within[:] = 0
    bias_gradient[:] = 0
    initial_gradient[:] = 0
    to_inputs[:] = 0
    # dE/dh_t on its way back, and dE/d(drive) of a stretch
    carried, nothing = np.zeros(n, states.dtype), np.zeros(units, states.dtype)
    deltas = np.empty(stretch * n, states.dtype)
    s = steps.shape[0] - 1
    for end in range(length, 0, -stretch):
        begin = max(0, end - stretch)
        for t in range(end - 1, begin - 1, -1):
            if s >= 0 and steps[s] == t:
                add_to(carried, given[s * n : (s + 1) * n])
                s -= 1
            at = (t - begin) * n
            _through(carried, flat_states[(t + 1) * n : (t + 2) * n], deltas[at : at + n])
            back = plain(deltas, at, units, weight, NONE)
            fill(carried, NONE, size, units, nothing, NONE, (back, no_product(deltas)))
        rows, drive = (end - begin) * size, begin * size * width
        add_outer(into, NONE, units, width, rows, deltas, NONE, flat_inputs, drive)
        add_outer(within, NONE, units, units, rows, deltas, NONE, flat_states, begin * n)
        add_rows(bias_gradient, NONE, units, rows, deltas, NONE)
        if to_inputs.shape[0] > 0:
            add(to_inputs, drive, rows, width, plain(deltas, NONE, units, in_weight, NONE))
    for b in range(size):
        add_to(initial_gradient, carried[b * units : (b + 1) * units])


@njit(**INNER)
def _through(carried: Array, state: Array, delta: Array) -> None:
    zero = carried.dtype.type(0)
    for i in range(delta.shape[0]):
        # false for NaN, so that NaN shows
        delta[i] = zero if state[i] <= zero else carried[i]


def warm_up(*kinds: type[np.floating[Any]]) -> None:
    """Compile both kernels for `kinds` of float (float32 without any), or load them from Numba's cache."""
    for kind in kinds or (np.float32,):
        states, step = np.zeros((2, 1, 1), kind), np.zeros((1, 1, 1), kind)
        weight, bias, steps = np.zeros((1, 1), kind), np.zeros(1, kind), np.zeros(1, np.int64)
        forward(step, weight, weight, bias, bias, np.zeros((0, 0, 0, 0), kind), states)
        found = (weight.copy(), weight.copy(), bias.copy(), bias.copy(), step.copy())
        backward(step, weight, weight, states, steps, step, *found)
