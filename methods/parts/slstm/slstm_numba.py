"""The recurrence of cells with exponential write gates on the CPU, compiled by Numba.

Plain functions on C-contiguous arrays, float32 or float64, outside any autograd; `cell` says what they
compute. What a step computes has memory of its own for each of the gates, [T, B, H].
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from longlag.methods.parts.compiled import INNER, Array, add_to, fused, kernel, logistic, tanh
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

WRITE, KEEP, NEW, READ, NORM, OPEN, BEFORE = range(7)
"""What is held of a step: i and f as held, z, o, n as held, the sigmoid of the keep gate, and n before it."""


@kernel
def forward(
    inputs: Array,
    input_weight: Array,
    recurrent: Array,
    bias: Array,
    initial_cell: Array,
    initial: Array,
    noise: Array,
    states: Array,
    cells: Array,
    gates: Array,
) -> None:
    """Fill states h [T+1, B, H], cells c [T+1, B, H], as held, and gates [7, T, B, H].

    inputs [T, B, D]; input_weight [4H, D], recurrent [4H, H], bias [4H]; initial_cell and initial [H]; noise
    [4, T, B, H] or empty. cells of length 2 and gates of length 1 hold the last step alone.
    """
    length, size, width = inputs.shape
    units = initial.shape[0]
    n, square = size * units, units * units
    flat_inputs, flat_states, flat_cells = inputs.reshape(-1), states.reshape(-1), cells.reshape(-1)
    flat_gates, extra = gates.reshape(-1), noise.reshape(-1)
    into, within = transposed(input_weight, units), transposed(recurrent, units)
    for b in range(size):
        flat_states[b * units : (b + 1) * units] = initial
        flat_cells[b * units : (b + 1) * units] = initial_cell
    norm, scale = np.ones(n, states.dtype), np.zeros(n, states.dtype)
    held, kept = gates.shape[1], cells.shape[0]
    for t in range(length):
        at, before, after = t % held, t % kept * n, (t + 1) % kept * n
        for g in range(4):
            start = (g * held + at) * n
            drive = plain(flat_inputs, t * size * width, width, into, g * width * units)
            heard = plain(flat_states, t * n, units, within, g * square)
            fill(flat_gates, start, size, units, bias, g * units, (drive, heard))
            if extra.shape[0] > 0:
                add_to(flat_gates[start : start + n], _step(extra, g, length, t, n))
        opened, keep = _step(flat_gates, OPEN, held, at, n), _step(flat_gates, KEEP, held, at, n)
        opened[:] = keep
        logistic(opened)
        tanh(_step(flat_gates, NEW, held, at, n))
        logistic(_step(flat_gates, READ, held, at, n))
        _hold(_step(flat_gates, WRITE, held, at, n), keep, scale)
        _step(flat_gates, BEFORE, held, at, n)[:] = norm
        _answer(
            _step(flat_gates, WRITE, held, at, n), keep, _step(flat_gates, NEW, held, at, n),
            _step(flat_gates, READ, held, at, n), norm, flat_cells[before : before + n],
            flat_cells[after : after + n], flat_states[(t + 1) * n : (t + 2) * n],
        )  # fmt: skip
        _step(flat_gates, NORM, held, at, n)[:] = norm


@njit(**INNER)
def _step(values: Array, gate: int, length: int, t: int, n: int) -> Array:
    """A gate's flat values at a step."""
    start = (gate * length + t) * n
    return values[start : start + n]


@njit(**INNER)
def _hold(write: Array, keep: Array, scale: Array) -> None:
    """From what goes into both gates to both as held, over e^scale of their size."""
    for k in range(write.shape[0]):
        x = keep[k]
        kept = min(x, 0) - math.log1p(math.exp(-abs(x))) + scale[k]
        size = max(kept, write[k])
        write[k] = math.exp(write[k] - size)
        keep[k] = math.exp(kept - size)
        scale[k] = size


@njit(**INNER)
def _answer(
    write: Array, keep: Array, new: Array, read: Array, norm: Array, before: Array, after: Array, state: Array
) -> None:
    for k in range(write.shape[0]):
        cell = fused(keep[k], before[k], write[k] * new[k])
        norm[k] = keep[k] * norm[k] + write[k]
        after[k] = cell
        state[k] = read[k] * cell / norm[k]


@kernel
def backward(
    inputs: Array,
    input_weight: Array,
    recurrent: Array,
    states: Array,
    cells: Array,
    gates: Array,
    steps: Array,
    output_gradients: Array,
    input_weight_gradient: Array,
    recurrent_gradient: Array,
    bias_gradient: Array,
    cell_gradient: Array,
    initial_gradient: Array,
    input_gradient: Array,
) -> None:
    """Fill the gradients of weights, initial cell and state, and of the inputs unless theirs is empty.

    What `forward` took and filled; output_gradients [S, B, H] at `steps` [S], rising. A stretch of steps at a
    time, so that what a step leaves to the weights' gradients is still in the cache when they are summed.
    """
    length, size, width = inputs.shape
    units = initial_gradient.shape[0]
    n, square = size * units, units * units
    stretch = -(-BLOCK // size)
    flat_inputs, flat_states, flat_cells = inputs.reshape(-1), states.reshape(-1), cells.reshape(-1)
    flat_gates, given = gates.reshape(-1), output_gradients.reshape(-1)
    into, within = input_weight_gradient.reshape(-1), recurrent_gradient.reshape(-1)
    weight, in_weight, to_inputs = recurrent.reshape(-1), input_weight.reshape(-1), input_gradient.reshape(-1)
    for found in (into, within, bias_gradient, cell_gradient, initial_gradient, to_inputs):
        found[:] = 0
    # dE/dh_t, dE/dc_t and dE/dn_t on their way back, and dE/d(what goes into a gate) of a stretch
    state, cell, norm = np.zeros(n, states.dtype), np.zeros(n, states.dtype), np.zeros(n, states.dtype)
    deltas = np.empty(4 * stretch * n, states.dtype)
    s = steps.shape[0] - 1
    for last in range(length, 0, -stretch):
        begin = max(0, last - stretch)
        for t in range(last - 1, begin - 1, -1):
            if s >= 0 and steps[s] == t:
                add_to(state, given[s * n : (s + 1) * n])
                s -= 1
            at = t - begin
            _through_answer(
                state, cell, norm, _step(flat_gates, READ, length, t, n),
                flat_cells[(t + 1) * n : (t + 2) * n], _step(flat_gates, NORM, length, t, n),
                _step(deltas, READ, stretch, at, n),
            )  # fmt: skip
            _through_sums(
                cell, norm, _step(flat_gates, WRITE, length, t, n), _step(flat_gates, KEEP, length, t, n),
                _step(flat_gates, NEW, length, t, n), _step(flat_gates, OPEN, length, t, n),
                flat_cells[t * n : (t + 1) * n], _step(flat_gates, BEFORE, length, t, n),
                _step(deltas, WRITE, stretch, at, n), _step(deltas, KEEP, stretch, at, n),
                _step(deltas, NEW, stretch, at, n),
            )  # fmt: skip
            for g in range(4):
                back = plain(deltas, (g * stretch + at) * n, units, weight, g * square)
                add(state, NONE, size, units, back)
        rows, drive = (last - begin) * size, begin * size * width
        for g in range(4):
            start = g * stretch * n
            add_outer(into, g * units * width, units, width, rows, deltas, start, flat_inputs, drive)
            add_outer(within, g * square, units, units, rows, deltas, start, flat_states, begin * n)
            add_rows(bias_gradient, g * units, units, rows, deltas, start)
            if to_inputs.shape[0] > 0:
                add(to_inputs, drive, rows, width, plain(deltas, start, units, in_weight, g * units * width))
    for b in range(size):
        add_to(initial_gradient, state[b * units : (b + 1) * units])
        add_to(cell_gradient, cell[b * units : (b + 1) * units])


@njit(**INNER)
def _through_answer(
    state: Array, cell: Array, norm: Array, read: Array, held: Array, held_norm: Array, read_delta: Array
) -> None:
    """Back from the state, which is spent, to both sums and the read gate."""
    one = read.dtype.type(1)
    zero = read.dtype.type(0)
    for k in range(state.shape[0]):
        share = one / held_norm[k]
        mean = held[k] * share
        read_delta[k] = state[k] * mean * read[k] * (one - read[k])
        back = state[k] * read[k] * share
        cell[k] += back
        norm[k] = fused(-back, mean, norm[k])
        state[k] = zero


@njit(**INNER)
def _through_sums(
    cell: Array,
    norm: Array,
    write: Array,
    keep: Array,
    new: Array,
    opened: Array,
    before: Array,
    norm_before: Array,
    write_delta: Array,
    keep_delta: Array,
    new_delta: Array,
) -> None:
    one = write.dtype.type(1)
    for k in range(cell.shape[0]):
        write_delta[k] = (cell[k] * new[k] + norm[k]) * write[k]
        kept = fused(cell[k], before[k], norm[k] * norm_before[k])
        keep_delta[k] = kept * keep[k] * (one - opened[k])
        new_delta[k] = cell[k] * write[k] * (one - new[k] * new[k])
        cell[k] = cell[k] * keep[k]
        norm[k] = norm[k] * keep[k]


def warm_up(*kinds: type[np.floating[Any]]) -> None:
    """Compile both kernels for `kinds` of float (float32 without any), or load them from Numba's cache."""
    for kind in kinds or (np.float32,):
        step, two, weight = np.zeros((1, 1, 1), kind), np.zeros((2, 1, 1), kind), np.zeros((4, 1), kind)
        bias, start, gates = np.zeros(4, kind), np.zeros(1, kind), np.zeros((7, 1, 1, 1), kind)
        none = np.zeros((0, 0, 0, 0), kind)
        forward(step, weight, weight, bias, start, start, none, two, two.copy(), gates)
        found = (weight.copy(), weight.copy(), bias.copy(), start.copy(), start.copy())
        steps = np.zeros(1, np.int64)
        backward(step, weight, weight, two, two.copy(), gates, steps, step, *found, step.copy())
