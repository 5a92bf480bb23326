"""The tanh recurrence on the CPU, compiled by Numba.

Plain functions on C-contiguous arrays, float32 or float64, outside any autograd; `passes` says what they
compute. Three things make them fast: the recurrent product stays in registers and writes into memory that is
there already; all that is element-wise happens while the step is in the cache; and so do the sums of the
weights' gradients, a stretch of steps at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from longlag.methods.parts.compiled import INNER, Array, add_to, kernel, tanh
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
        for i in range(units):
            states[0, b, i] = initial[i]
    for t in range(length):
        drive = plain(flat_inputs, t * size * width, width, into, NONE)
        heard = plain(flat_states, t * n, units, within, NONE)
        fill(flat_states, (t + 1) * n, size, units, bias, NONE, (drive, heard))
        if extra.shape[0] > 0:
            add_to(flat_states[(t + 1) * n : (t + 2) * n], extra[t * n : (t + 1) * n])
        tanh(flat_states[(t + 1) * n : (t + 2) * n])


@kernel
def supervised_states(
    inputs: Array,
    input_weight: Array,
    recurrent: Array,
    bias: Array,
    initial: Array,
    steps: Array,
    kept: Array,
) -> None:
    """Fill kept [S, B, H] with the states after `steps` [S], rising, and hold no others; see `forward`."""
    _, size, width = inputs.shape
    units, count = bias.shape[0], steps.shape[0]
    n = size * units
    flat_inputs, flat_kept = inputs.reshape(-1), kept.reshape(-1)
    into, within = transposed(input_weight, units), transposed(recurrent, units)
    # one state and the next, in turns
    states = np.empty(2 * n, kept.dtype)
    for b in range(size):
        states[b * units : (b + 1) * units] = initial
    s = 0
    for t in range(steps[count - 1] + 1 if count else 0):
        before, after = t % 2 * n, (t + 1) % 2 * n
        drive = plain(flat_inputs, t * size * width, width, into, NONE)
        heard = plain(states, before, units, within, NONE)
        fill(states, after, size, units, bias, NONE, (drive, heard))
        tanh(states[after : after + n])
        if steps[s] == t:
            flat_kept[s * n : (s + 1) * n] = states[after : after + n]
            s += 1


@njit(**INNER)
def _back(  # type: ignore[no-untyped-def]
    weight, states, steps, s, given, begin, end, size, units, carried, deltas, first, kept
):
    """Steps end - 1 down to `begin`, all arrays flat; deltas begin with step `first`. The next s."""
    n = size * units
    one = states.dtype.type(1)
    nothing = np.zeros(units, states.dtype)
    for t in range(end - 1, begin - 1, -1):
        if s >= 0 and steps[s] == t:
            add_to(carried, given[s * n : (s + 1) * n])
            s -= 1
        if kept.shape[0] > 0:
            kept[t * n : (t + 1) * n] = carried
        at = (t - first) * n
        state, delta = states[(t + 1) * n : (t + 2) * n], deltas[at : at + n]
        for i in range(n):
            delta[i] = carried[i] * (one - state[i] * state[i])
        back = plain(deltas, at, units, weight, NONE)
        fill(carried, NONE, size, units, nothing, NONE, (back, no_product(deltas)))
    return s


@kernel
def backward(
    recurrent: Array,
    states: Array,
    steps: Array,
    output_gradients: Array,
    deltas: Array,
    state_gradients: Array,
) -> None:
    """Fill deltas [T, B, H], dE/d(drive of step t), from output_gradients [S, B, H] at `steps` [S], rising.

    recurrent [H, H]. Fills state_gradients too, dE/d(state after step t), unless it is empty.
    """
    length, size, units = deltas.shape
    carried = np.zeros(size * units, states.dtype)
    _back(
        recurrent.reshape(-1), states.reshape(-1), steps, steps.shape[0] - 1, output_gradients.reshape(-1),
        0, length, size, units, carried, deltas.reshape(-1), 0, state_gradients.reshape(-1),
    )  # fmt: skip


@kernel
def gradients(
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
    deltas: Array,
    state_gradients: Array,
) -> None:
    """Fill the gradients of all that `forward` took, in its shapes; and what is not empty of the last three.

    output_gradients [S, B, H] at `steps` [S], rising; deltas and state_gradients as `backward` fills them.
    """
    length, size, width = inputs.shape
    units = bias_gradient.shape[0]
    n = size * units
    everything = deltas.shape[0] > 0
    stretch = length if everything else -(-BLOCK // size)
    flat_deltas = deltas.reshape(-1) if everything else np.empty(stretch * n, states.dtype)
    flat_inputs, flat_states, weight = inputs.reshape(-1), states.reshape(-1), recurrent.reshape(-1)
    given, kept = output_gradients.reshape(-1), state_gradients.reshape(-1)
    into, within = input_weight_gradient.reshape(-1), recurrent_gradient.reshape(-1)
    in_weight, to_inputs = input_weight.reshape(-1), input_gradient.reshape(-1)
    into[:] = 0
    within[:] = 0
    bias_gradient[:] = 0
    to_inputs[:] = 0
    carried = np.zeros(n, states.dtype)
    s = steps.shape[0] - 1
    for end in range(length, 0, -stretch):
        begin = max(0, end - stretch)
        s = _back(
            weight, flat_states, steps, s, given,
            begin, end, size, units, carried, flat_deltas, begin, kept,
        )  # fmt: skip
        rows, drive = (end - begin) * size, begin * size * width
        add_outer(into, NONE, units, width, rows, flat_deltas, NONE, flat_inputs, drive)
        add_outer(within, NONE, units, units, rows, flat_deltas, NONE, flat_states, begin * n)
        add_rows(bias_gradient, NONE, units, rows, flat_deltas, NONE)
        if to_inputs.shape[0] > 0:
            add(to_inputs, drive, rows, width, plain(flat_deltas, NONE, units, in_weight, NONE))
    initial_gradient[:] = 0
    for b in range(size):
        for i in range(units):
            initial_gradient[i] += carried[b * units + i]


@kernel
def weight_gradients(
    deltas: Array, states: Array, inputs: Array, input_weight: Array, recurrent: Array, bias: Array
) -> None:
    """Fill the gradients of input_weight [H, D], recurrent [H, H] and bias [H] from deltas [T, B, H]."""
    length, size, width = inputs.shape
    units, rows = bias.shape[0], length * size
    flat, into, within = deltas.reshape(-1), input_weight.reshape(-1), recurrent.reshape(-1)
    into[:] = 0
    within[:] = 0
    bias[:] = 0
    add_outer(into, NONE, units, width, rows, flat, NONE, inputs.reshape(-1), NONE)
    add_outer(within, NONE, units, units, rows, flat, NONE, states.reshape(-1), NONE)
    add_rows(bias, NONE, units, rows, flat, NONE)


@kernel
def tangent(recurrent: Array, states: Array, drive: Array, initial: Array, moved: Array) -> None:
    """Fill moved [T+1, B, H]: how the states move when their drives move by drive [T, B, H].

    recurrent [H, H]; initial [H], how the initial state moves.
    """
    length, size, units = drive.shape
    n = size * units
    one = states.dtype.type(1)
    flat_states, flat_drive, flat_moved = states.reshape(-1), drive.reshape(-1), moved.reshape(-1)
    within, nothing = transposed(recurrent, units), np.zeros(units, states.dtype)
    for b in range(size):
        for i in range(units):
            moved[0, b, i] = initial[i]
    for t in range(length):
        at = (t + 1) * n
        heard = plain(flat_moved, t * n, units, within, NONE)
        fill(flat_moved, at, size, units, nothing, NONE, (heard, no_product(flat_moved)))
        state, own, result = flat_states[at : at + n], flat_drive[at - n : at], flat_moved[at : at + n]
        for i in range(n):
            result[i] = (own[i] + result[i]) * (one - state[i] * state[i])


def warm_up(*kinds: type[np.floating[Any]]) -> None:
    """Compile every kernel for `kinds` of float (float32 without any), or load it from Numba's cache."""
    for kind in kinds or (np.float32,):
        states, deltas = np.zeros((2, 1, 1), kind), np.zeros((1, 1, 1), kind)
        weight, bias, steps = np.zeros((1, 1), kind), np.zeros(1, kind), np.zeros(1, np.int64)
        forward(deltas, weight, weight, bias, bias, np.zeros((0, 0, 0, 0), kind), states)
        supervised_states(deltas, weight, weight, bias, bias, steps, deltas.copy())
        backward(weight, states, steps, deltas, deltas.copy(), deltas.copy())
        found = (weight.copy(), weight.copy(), bias, bias.copy(), deltas.copy(), deltas.copy(), deltas.copy())
        gradients(deltas, weight, weight, states, steps, deltas, *found)
        weight_gradients(deltas, states, deltas, weight, weight.copy(), bias)
        tangent(weight, states, deltas, bias, states.copy())
