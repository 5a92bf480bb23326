"""The recurrence of long expressive memory on the CPU, compiled by Numba.

Plain functions on C-contiguous arrays, float32 or float64, outside any autograd; `cell` says what they
compute. What a step computes has memory of its own for each of the four, [T, B, H], so that what is
element-wise runs through a step in one go, whatever the number of units.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from longlag.methods.parts.compiled import INNER, Array, add_to, kernel, logistic, tanh
from longlag.methods.parts.products import (
    BLOCK,
    NONE,
    add,
    add_outer,
    add_rows,
    fill,
    plain,
    transposed,
)

SLOW, FAST, MEMORY, STATE = range(4)


@kernel
def forward(
    inputs: Array,
    input_weight: Array,
    recurrent: Array,
    bias: Array,
    span: Array,
    initial_memory: Array,
    initial: Array,
    noise: Array,
    states: Array,
    memories: Array,
    gates: Array,
) -> None:
    """Fill states y [T+1, B, H], memories z [T+1, B, H] and gates [4, T, B, H].

    inputs [T, B, D]; input_weight [4H, D], recurrent [4H, H], bias [4H]; span [1, H]; initial_memory and
    initial [H]; noise [4, T, B, H] or empty. memories of length 2 and gates of length 1 hold the last step
    alone.
    """
    length, size, width = inputs.shape
    units = initial.shape[0]
    n = size * units
    flat_inputs, flat_states, flat_memories = inputs.reshape(-1), states.reshape(-1), memories.reshape(-1)
    flat_gates, spans, extra = gates.reshape(-1), span.reshape(-1), noise.reshape(-1)
    into, within = transposed(input_weight, units), transposed(recurrent, units)
    for b in range(size):
        flat_states[b * units : (b + 1) * units] = initial
        flat_memories[b * units : (b + 1) * units] = initial_memory
    held, kept = gates.shape[1], memories.shape[0]
    for t in range(length):
        at, before, after = t % held, t % kept * n, (t + 1) % kept * n
        for g in range(4):
            start = (g * held + at) * n
            drive = plain(flat_inputs, t * size * width, width, into, g * width * units)
            # the state listens to the new memory, the other three to the old state
            if g == STATE:
                heard = plain(flat_memories, after, units, within, g * units * units)
            else:
                heard = plain(flat_states, t * n, units, within, g * units * units)
            fill(flat_gates, start, size, units, bias, g * units, (drive, heard))
            gate = flat_gates[start : start + n]
            if extra.shape[0] > 0:
                add_to(gate, _step(extra, g, length, t, n))
            if g < MEMORY:
                logistic(gate)
            else:
                tanh(gate)
            if g == MEMORY:
                slow = _step(flat_gates, SLOW, held, at, n)
                _drift(
                    spans, slow, gate, flat_memories[before : before + n], flat_memories[after : after + n]
                )
        fast, new = _step(flat_gates, FAST, held, at, n), _step(flat_gates, STATE, held, at, n)
        _drift(spans, fast, new, flat_states[t * n : (t + 1) * n], flat_states[(t + 1) * n : (t + 2) * n])


@njit(**INNER)
def _step(values: Array, gate: int, length: int, t: int, n: int) -> Array:
    """A gate's flat values at a step."""
    start = (gate * length + t) * n
    return values[start : start + n]


@njit(**INNER)
def _drift(spans: Array, rate: Array, new: Array, before: Array, after: Array) -> None:
    """What was moves towards what is new, by the share span rate."""
    units = spans.shape[0]
    for b in range(0, after.shape[0], units):
        for i in range(units):
            k = b + i
            after[k] = before[k] + spans[i] * rate[k] * (new[k] - before[k])


@kernel
def backward(
    inputs: Array,
    input_weight: Array,
    recurrent: Array,
    span: Array,
    states: Array,
    memories: Array,
    gates: Array,
    steps: Array,
    output_gradients: Array,
    input_weight_gradient: Array,
    recurrent_gradient: Array,
    bias_gradient: Array,
    span_gradient: Array,
    memory_gradient: Array,
    initial_gradient: Array,
    input_gradient: Array,
) -> None:
    """Fill the gradients of weights, span and both initial states, and of the inputs unless theirs is empty.

    What `forward` took and filled; output_gradients [S, B, H] at `steps` [S], rising. A stretch of steps at a
    time, so that what a step leaves to the weights' gradients is still in the cache when they are summed.
    """
    length, size, width = inputs.shape
    units = initial_gradient.shape[0]
    n, square = size * units, units * units
    stretch = -(-BLOCK // size)
    flat_inputs, flat_states, flat_memories = inputs.reshape(-1), states.reshape(-1), memories.reshape(-1)
    flat_gates, given, spans = gates.reshape(-1), output_gradients.reshape(-1), span.reshape(-1)
    into, within = input_weight_gradient.reshape(-1), recurrent_gradient.reshape(-1)
    weight, in_weight, to_inputs = recurrent.reshape(-1), input_weight.reshape(-1), input_gradient.reshape(-1)
    to_spans = span_gradient.reshape(-1)
    for found in (into, within, bias_gradient, to_spans, memory_gradient, initial_gradient, to_inputs):
        found[:] = 0
    # dE/dy_t and dE/dz_t on their way back, and dE/d(what goes into a gate) of a stretch
    state, memory = np.zeros(n, states.dtype), np.zeros(n, states.dtype)
    deltas = np.empty(4 * stretch * n, states.dtype)
    s = steps.shape[0] - 1
    for last in range(length, 0, -stretch):
        begin = max(0, last - stretch)
        for t in range(last - 1, begin - 1, -1):
            if s >= 0 and steps[s] == t:
                add_to(state, given[s * n : (s + 1) * n])
                s -= 1
            at = t - begin
            _through(
                state, spans, _step(flat_gates, FAST, length, t, n), _step(flat_gates, STATE, length, t, n),
                flat_states[t * n : (t + 1) * n], _step(deltas, FAST, stretch, at, n),
                _step(deltas, STATE, stretch, at, n), to_spans,
            )  # fmt: skip
            heard = plain(deltas, (STATE * stretch + at) * n, units, weight, STATE * square)
            add(memory, NONE, size, units, heard)
            _through(
                memory, spans, _step(flat_gates, SLOW, length, t, n), _step(flat_gates, MEMORY, length, t, n),
                flat_memories[t * n : (t + 1) * n], _step(deltas, SLOW, stretch, at, n),
                _step(deltas, MEMORY, stretch, at, n), to_spans,
            )  # fmt: skip
            for g in range(3):
                add(
                    state, NONE, size, units, plain(deltas, (g * stretch + at) * n, units, weight, g * square)
                )
        rows = (last - begin) * size
        drive = begin * size * width
        for g in range(4):
            start = g * stretch * n
            add_outer(into, g * units * width, units, width, rows, deltas, start, flat_inputs, drive)
            if g == STATE:
                heard_from, first = flat_memories, (begin + 1) * n
            else:
                heard_from, first = flat_states, begin * n
            add_outer(within, g * square, units, units, rows, deltas, start, heard_from, first)
            add_rows(bias_gradient, g * units, units, rows, deltas, start)
            if to_inputs.shape[0] > 0:
                source = plain(deltas, start, units, in_weight, g * units * width)
                add(to_inputs, drive, rows, width, source)
    for b in range(size):
        add_to(initial_gradient, state[b * units : (b + 1) * units])
        add_to(memory_gradient, memory[b * units : (b + 1) * units])


@njit(**INNER)
def _through(
    carried: Array,
    spans: Array,
    rate: Array,
    new: Array,
    before: Array,
    rate_delta: Array,
    new_delta: Array,
    to_spans: Array,
) -> None:
    """Back through `_drift`, and through the functions that made `rate` and `new`."""
    units = spans.shape[0]
    one = spans.dtype.type(1)
    for b in range(0, carried.shape[0], units):
        for i in range(units):
            k = b + i
            share, moved = spans[i] * rate[k], carried[k] * (new[k] - before[k])
            to_spans[i] += moved * rate[k]
            rate_delta[k] = moved * share * (one - rate[k])
            new_delta[k] = carried[k] * share * (one - new[k] * new[k])
            carried[k] = carried[k] * (one - share)


def warm_up(*kinds: type[np.floating[Any]]) -> None:
    """Compile both kernels for `kinds` of float (float32 without any), or load them from Numba's cache."""
    for kind in kinds or (np.float32,):
        step, two, weight = np.zeros((1, 1, 1), kind), np.zeros((2, 1, 1), kind), np.zeros((4, 1), kind)
        bias, span, start = np.zeros(4, kind), np.zeros((1, 1), kind), np.zeros(1, kind)
        gates, none = np.zeros((4, 1, 1, 1), kind), np.zeros((0, 0, 0, 0), kind)
        forward(step, weight, weight, bias, span, start, start, none, two, two.copy(), gates)
        found = (weight.copy(), weight.copy(), bias.copy(), span.copy(), start.copy(), start.copy())
        steps = np.zeros(1, np.int64)
        backward(step, weight, weight, span, two, two.copy(), gates, steps, step, *found, step.copy())
