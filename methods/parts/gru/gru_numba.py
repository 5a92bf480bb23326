"""The recurrence of gated recurrent units on the CPU, compiled by Numba.

Plain functions on C-contiguous arrays, float32 or float64, outside any autograd; `cell` says what they
compute. What a step computes has memory of its own for each of the four, [T, B, H], so that what is
element-wise runs through a step in one go, whatever the number of units.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from longlag.methods.parts.compiled import INNER, Array, add_to, kernel, logistic, tanh_of
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

RESET, KEEP, NEW, HEARD = range(4)


@kernel
def forward(
    inputs: Array,
    input_weight: Array,
    recurrent: Array,
    bias: Array,
    initial: Array,
    noise: Array,
    states: Array,
    gates: Array,
) -> None:
    """Fill states [T+1, B, H] and gates [4, T, B, H]: the three, and what the new one hears of the state.

    inputs [T, B, D]; input_weight [3H, D], recurrent [3H, H], bias [3H]; initial [H]; noise [3, T, B, H] or
    empty. gates of length 1 hold the last step alone.
    """
    length, size, width = inputs.shape
    units = initial.shape[0]
    n, square = size * units, units * units
    flat_inputs, flat_states, flat_gates = inputs.reshape(-1), states.reshape(-1), gates.reshape(-1)
    into, within = transposed(input_weight, units), transposed(recurrent, units)
    nothing, extra = np.zeros(units, states.dtype), noise.reshape(-1)
    for b in range(size):
        flat_states[b * units : (b + 1) * units] = initial
    held = gates.shape[1]
    for t in range(length):
        at, before = t % held, flat_states[t * n : (t + 1) * n]
        for g in range(3):
            start = (g * held + at) * n
            drive = plain(flat_inputs, t * size * width, width, into, g * width * units)
            heard = plain(flat_states, t * n, units, within, g * square)
            if g < NEW:
                fill(flat_gates, start, size, units, bias, g * units, (drive, heard))
            else:
                fill(flat_gates, start, size, units, bias, g * units, (drive, no_product(within)))
                apart = (HEARD * held + at) * n
                fill(flat_gates, apart, size, units, nothing, NONE, (heard, no_product(within)))
            if extra.shape[0] > 0:
                add_to(flat_gates[start : start + n], _step(extra, g, length, t, n))
            if g < NEW:
                logistic(flat_gates[start : start + n])
        new = _step(flat_gates, NEW, held, at, n)
        _renew(_step(flat_gates, RESET, held, at, n), _step(flat_gates, HEARD, held, at, n), new)
        _mix(_step(flat_gates, KEEP, held, at, n), new, before, flat_states[(t + 1) * n : (t + 2) * n])


@njit(**INNER)
def _step(values: Array, gate: int, length: int, t: int, n: int) -> Array:
    """A gate's flat values at a step."""
    start = (gate * length + t) * n
    return values[start : start + n]


@njit(**INNER)
def _renew(reset: Array, heard: Array, new: Array) -> None:
    for i in range(new.shape[0]):
        new[i] = tanh_of(new[i] + reset[i] * heard[i])


@njit(**INNER)
def _mix(keep: Array, new: Array, before: Array, after: Array) -> None:
    for i in range(after.shape[0]):
        after[i] = new[i] + keep[i] * (before[i] - new[i])


@kernel
def backward(
    inputs: Array,
    input_weight: Array,
    recurrent: Array,
    states: Array,
    gates: Array,
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
    units = initial_gradient.shape[0]
    n, square = size * units, units * units
    stretch = -(-BLOCK // size)
    flat_inputs, flat_states, flat_gates = inputs.reshape(-1), states.reshape(-1), gates.reshape(-1)
    into, within = input_weight_gradient.reshape(-1), recurrent_gradient.reshape(-1)
    weight, in_weight, to_inputs = recurrent.reshape(-1), input_weight.reshape(-1), input_gradient.reshape(-1)
    given = output_gradients.reshape(-1)
    for found in (into, within, bias_gradient, initial_gradient, to_inputs):
        found[:] = 0
    # dE/dh_t on its way back, and dE/d(what goes into a gate, and what the new one hears) of a stretch
    state, deltas = np.zeros(n, states.dtype), np.empty(4 * stretch * n, states.dtype)
    s = steps.shape[0] - 1
    for last in range(length, 0, -stretch):
        begin = max(0, last - stretch)
        for t in range(last - 1, begin - 1, -1):
            if s >= 0 and steps[s] == t:
                add_to(state, given[s * n : (s + 1) * n])
                s -= 1
            at = t - begin
            keep, new = _step(flat_gates, KEEP, length, t, n), _step(flat_gates, NEW, length, t, n)
            before, new_delta = flat_states[t * n : (t + 1) * n], _step(deltas, NEW, stretch, at, n)
            _through_mix(state, keep, new, before, _step(deltas, KEEP, stretch, at, n), new_delta)
            reset, heard = _step(flat_gates, RESET, length, t, n), _step(flat_gates, HEARD, length, t, n)
            apart = _step(deltas, HEARD, stretch, at, n)
            _through_reset(new_delta, reset, heard, _step(deltas, RESET, stretch, at, n), apart)
            for g in range(3):
                source = HEARD if g == NEW else g
                back = plain(deltas, (source * stretch + at) * n, units, weight, g * square)
                add(state, NONE, size, units, back)
        rows, drive = (last - begin) * size, begin * size * width
        for g in range(3):
            start, heard_start = g * stretch * n, (HEARD if g == NEW else g) * stretch * n
            add_outer(into, g * units * width, units, width, rows, deltas, start, flat_inputs, drive)
            add_outer(within, g * square, units, units, rows, deltas, heard_start, flat_states, begin * n)
            add_rows(bias_gradient, g * units, units, rows, deltas, start)
            if to_inputs.shape[0] > 0:
                add(to_inputs, drive, rows, width, plain(deltas, start, units, in_weight, g * units * width))
    for b in range(size):
        add_to(initial_gradient, state[b * units : (b + 1) * units])


@njit(**INNER)
def _through_mix(
    state: Array, keep: Array, new: Array, before: Array, keep_delta: Array, new_delta: Array
) -> None:
    one = keep.dtype.type(1)
    for i in range(state.shape[0]):
        keep_delta[i] = state[i] * (before[i] - new[i]) * keep[i] * (one - keep[i])
        new_delta[i] = state[i] * (one - keep[i]) * (one - new[i] * new[i])
        state[i] = state[i] * keep[i]


@njit(**INNER)
def _through_reset(new_delta: Array, reset: Array, heard: Array, reset_delta: Array, apart: Array) -> None:
    one = reset.dtype.type(1)
    for i in range(new_delta.shape[0]):
        reset_delta[i] = new_delta[i] * heard[i] * reset[i] * (one - reset[i])
        apart[i] = new_delta[i] * reset[i]


def warm_up(*kinds: type[np.floating[Any]]) -> None:
    """Compile both kernels for `kinds` of float (float32 without any), or load them from Numba's cache."""
    for kind in kinds or (np.float32,):
        step, two, weight = np.zeros((1, 1, 1), kind), np.zeros((2, 1, 1), kind), np.zeros((3, 1), kind)
        bias, start, gates = np.zeros(3, kind), np.zeros(1, kind), np.zeros((4, 1, 1, 1), kind)
        forward(step, weight, weight, bias, start, np.zeros((0, 0, 0, 0), kind), two, gates)
        found = (weight.copy(), weight.copy(), bias.copy(), start.copy())
        backward(step, weight, weight, two, gates, np.zeros(1, np.int64), step, *found, step.copy())
