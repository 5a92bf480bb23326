"""The two recurrent passes of a Gauss-Newton product on the CPU, compiled by Numba.

`gauss_newton` says what they compute, and does it in torch for other devices. Here all of a step happens
while it is in the cache, in memory that a product leaves to the next one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from longlag.methods.parts.compiled import Array, add_to, kernel
from longlag.methods.parts.products import (
    BLOCK,
    NONE,
    add_outer,
    add_rows,
    fill,
    no_product,
    plain,
    transposed,
)


@kernel
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

    inputs [T, B, D]; recurrent, recurrent_direction [H, H], input_direction [H, D]; bias_direction,
    initial_direction [H].
    """
    length, size, width = inputs.shape
    units = bias_direction.shape[0]
    n = size * units
    one = states.dtype.type(1)
    flat_inputs, flat_states, flat_moved = inputs.reshape(-1), states.reshape(-1), moved.reshape(-1)
    within, own = transposed(recurrent, units), transposed(recurrent_direction, units)
    into = transposed(input_direction, units)
    for b in range(size):
        for i in range(units):
            moved[0, b, i] = initial_direction[i]
    for t in range(length):
        at = (t + 1) * n
        driven = plain(flat_inputs, t * size * width, width, into, NONE)
        heard = plain(flat_states, t * n, units, own, NONE)
        carried = plain(flat_moved, t * n, units, within, NONE)
        fill(flat_moved, at, size, units, bias_direction, NONE, (driven, heard, carried))
        state, move = flat_states[at : at + n], flat_moved[at : at + n]
        for i in range(n):
            move[i] *= one - state[i] * state[i]


@kernel
def errors_back(
    inputs: Array,
    recurrent: Array,
    states: Array,
    steps: Array,
    state_errors: Array,
    moved: Array,
    damping: float,
    input_weight_gradient: Array,
    recurrent_gradient: Array,
    bias_gradient: Array,
    initial_gradient: Array,
) -> None:
    """Replace moved[t + 1] by the errors d_t at the pre-activations of step t; fill what they are in weights.

    state_errors [S, B, H] enter at `steps` [S], rising; damping times the old moved[t + 1] is added to d_t.
    The gradients have the shapes of the weights.
    """
    length, size, width = inputs.shape
    units = bias_gradient.shape[0]
    n = size * units
    one = states.dtype.type(1)
    scale = states.dtype.type(damping)
    flat_inputs, flat_states, flat_moved = inputs.reshape(-1), states.reshape(-1), moved.reshape(-1)
    weight, given, nothing = recurrent.reshape(-1), state_errors.reshape(-1), np.zeros(units, states.dtype)
    into, within = input_weight_gradient.reshape(-1), recurrent_gradient.reshape(-1)
    into[:] = 0
    within[:] = 0
    bias_gradient[:] = 0
    carried = np.zeros(n, states.dtype)
    stretch = -(-BLOCK // size)
    s = steps.shape[0] - 1
    for end in range(length, 0, -stretch):
        begin = max(0, end - stretch)
        for t in range(end - 1, begin - 1, -1):
            at = (t + 1) * n
            if s >= 0 and steps[s] == t:
                add_to(carried, given[s * n : (s + 1) * n])
                s -= 1
            state, error = flat_states[at : at + n], flat_moved[at : at + n]
            for i in range(n):
                error[i] = carried[i] * (one - state[i] * state[i]) + scale * error[i]
            back = plain(flat_moved, at, units, weight, NONE)
            fill(carried, NONE, size, units, nothing, NONE, (back, no_product(flat_moved)))
        rows, errors = (end - begin) * size, (begin + 1) * n
        add_outer(into, NONE, units, width, rows, flat_moved, errors, flat_inputs, begin * size * width)
        add_outer(within, NONE, units, units, rows, flat_moved, errors, flat_states, begin * n)
        add_rows(bias_gradient, NONE, units, rows, flat_moved, errors)
    initial_gradient[:] = 0
    for b in range(size):
        for i in range(units):
            initial_gradient[i] += carried[b * units + i]


def warm_up(*kinds: type[np.floating[Any]]) -> None:
    """Compile the kernels for `kinds` of float (float32 without any), or load them from Numba's cache."""
    for kind in kinds or (np.float32,):
        sequences, states = np.zeros((1, 1, 1), kind), np.zeros((2, 1, 1), kind)
        weight, bias = np.zeros((1, 1), kind), np.zeros(1, kind)
        move_states(sequences, states, weight, weight, weight, bias, bias, states.copy())
        passed = (sequences, weight, states, np.zeros(1, np.int64), sequences, states.copy())
        errors_back(*passed, 0.0, weight.copy(), weight.copy(), bias, bias.copy())
