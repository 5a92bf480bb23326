"""The two recurrent passes of a Gauss-Newton product on the CPU, compiled by Numba around BLAS.

`gauss_newton` says what they compute, and does it in torch for other devices. Here all of a step happens
while it is in the cache, in memory that a product leaves to the next one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from longlag.methods.parts.tanh.tanh_numba import COMPILE, NARROW, Array


@njit(**COMPILE)
def move_states(
    inputs: Array,
    states: Array,
    recurrent: Array,
    input_direction: Array,
    recurrent_direction: Array,
    bias_direction: Array,
    initial_direction: Array,
    moved: Array,
) -> None:
    """Fill moved [T+1, B, H], how the states [T+1, B, H] move along a direction in the weights.

    inputs [T, B, D]; recurrent and recurrent_direction [H, H] and input_direction [D, H] transposed;
    bias_direction, initial_direction [H].
    """
    length, size, width = inputs.shape
    units = bias_direction.shape[0]
    one = states.dtype.type(1)
    narrow = width <= NARROW
    own = np.empty((size, units), states.dtype)
    carried = np.empty((size, units), states.dtype)
    driven = np.empty((0 if narrow else size, units), states.dtype)
    for b in range(size):
        for i in range(units):
            moved[0, b, i] = initial_direction[i]
    for t in range(length):
        np.dot(states[t], recurrent_direction, own)
        np.dot(moved[t], recurrent, carried)
        if not narrow:
            np.dot(inputs[t], input_direction, driven)
        for b in range(size):
            for i in range(units):
                carried[b, i] += own[b, i] + bias_direction[i]
            if narrow:
                for d in range(width):
                    value = inputs[t, b, d]
                    for i in range(units):
                        carried[b, i] += value * input_direction[d, i]
            else:
                for i in range(units):
                    carried[b, i] += driven[b, i]
            for i in range(units):
                state = states[t + 1, b, i]
                moved[t + 1, b, i] = carried[b, i] * (one - state * state)


@njit(**COMPILE)
def errors_back(
    recurrent: Array,
    states: Array,
    steps: Array,
    state_errors: Array,
    damping: float,
    moved: Array,
) -> None:
    """Replace moved[t + 1] by the errors d_t at the pre-activations of step t.

    state_errors [S, B, H] enter at `steps` [S], rising; damping times the old moved[t + 1] is added to d_t.
    """
    length, size, units = moved.shape[0] - 1, moved.shape[1], moved.shape[2]
    one = states.dtype.type(1)
    scale = states.dtype.type(damping)
    carried = np.zeros((size, units), states.dtype)
    flat = carried.reshape(size * units)
    s = steps.shape[0] - 1
    for t in range(length - 1, -1, -1):
        if t < length - 1:
            np.dot(moved[t + 2], recurrent, carried)
        if s >= 0 and steps[s] == t:
            given = state_errors[s].reshape(size * units)
            for i in range(flat.shape[0]):
                flat[i] += given[i]
            s -= 1
        state = states[t + 1].reshape(size * units)
        error = moved[t + 1].reshape(size * units)
        for i in range(flat.shape[0]):
            error[i] = flat[i] * (one - state[i] * state[i]) + scale * error[i]


def warm_up(*kinds: type[np.floating[Any]]) -> None:
    """Compile the kernels for `kinds` of float (float32 without any), or load them from Numba's cache."""
    for kind in kinds or (np.float32,):
        sequences, states = np.zeros((1, 1, 1), kind), np.zeros((2, 1, 1), kind)
        weight, bias = np.zeros((1, 1), kind), np.zeros(1, kind)
        move_states(sequences, states, weight, weight, weight, bias, bias, states.copy())
        errors_back(weight, states, np.zeros(1, np.int64), sequences, 0.0, states.copy())
