"""The LSTM recurrence on the CPU, compiled by Numba.

Plain functions on C-contiguous arrays, float32 or float64, outside any autograd; `lstm_core` says what they
compute. Each gate has memory of its own, [T, B, H], so that what is element-wise runs through a step in one
go, whatever the number of units.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from longlag.methods.parts.compiled import INNER, Array, add_to, fused, kernel, logistic, tanh, tanh_of
from longlag.methods.parts.products import BLOCK, NONE, add, add_outer, add_rows, fill, plain, transposed

WRITE, KEEP, NEW, READ = range(4)


@kernel
def forward(
    inputs: Array,
    input_weight: Array,
    recurrent: Array,
    bias: Array,
    initial: Array,
    initial_cell: Array,
    noise: Array,
    states: Array,
    cells: Array,
    squashed: Array,
    gates: Array,
) -> None:
    """Fill states [T+1, B, H], cells [T+1, B, H], squashed [T, B, H], tanh(cells), and gates [4, T, B, H].

    inputs [T, B, D]; input_weight [4H, D], recurrent [4H, H], bias [4H]; initial, initial_cell [H]; noise
    [4, T, B, H] or empty. cells of length 2 and squashed and gates of length 1 hold the last step alone.
    """
    length, size, width = inputs.shape
    units = initial.shape[0]
    n = size * units
    flat_inputs, flat_cells, flat_states = inputs.reshape(-1), cells.reshape(-1), states.reshape(-1)
    flat_squashed, flat_gates, extra = squashed.reshape(-1), gates.reshape(-1), noise.reshape(-1)
    into, within = transposed(input_weight, units), transposed(recurrent, units)
    for b in range(size):
        for i in range(units):
            states[0, b, i] = initial[i]
            cells[0, b, i] = initial_cell[i]
    held, kept = gates.shape[1], cells.shape[0]
    for t in range(length):
        at = t % held
        for g in range(4):
            start = (g * held + at) * n
            drive = plain(flat_inputs, t * size * width, width, into, g * width * units)
            heard = plain(flat_states, t * n, units, within, g * units * units)
            fill(flat_gates, start, size, units, bias, g * units, (drive, heard))
            gate = flat_gates[start : start + n]
            if extra.shape[0] > 0:
                add_to(gate, _step(extra, g, length, t, n))
            if g == NEW:
                tanh(gate)
            else:
                logistic(gate)
        before, after = t % kept * n, (t + 1) % kept * n
        cell, curve = flat_cells[after : after + n], flat_squashed[at * n : at * n + n]
        _mix(_at(flat_gates, held, at, n), flat_cells[before : before + n], cell)
        _squash(cell, curve)
        read = (READ * held + at) * n
        _read(flat_gates[read : read + n], curve, flat_states[(t + 1) * n : (t + 2) * n])


@njit(**INNER)
def _at(gates: Array, held: int, at: int, n: int) -> tuple[Array, Array, Array]:
    """The write, keep and new gates of a step, flat."""
    write, keep, new = (WRITE * held + at) * n, (KEEP * held + at) * n, (NEW * held + at) * n
    return gates[write : write + n], gates[keep : keep + n], gates[new : new + n]


@njit(**INNER)
def _mix(gates: tuple[Array, Array, Array], before: Array, after: Array) -> None:
    write, keep, new = gates
    for i in range(after.shape[0]):
        after[i] = fused(keep[i], before[i], write[i] * new[i])


@njit(**INNER)
def _squash(cell: Array, out: Array) -> None:
    for i in range(out.shape[0]):
        out[i] = tanh_of(cell[i])


@njit(**INNER)
def _read(read: Array, squashed: Array, out: Array) -> None:
    for i in range(out.shape[0]):
        out[i] = read[i] * squashed[i]


@kernel
def backward(
    inputs: Array,
    input_weight: Array,
    recurrent: Array,
    states: Array,
    cells: Array,
    squashed: Array,
    gates: Array,
    steps: Array,
    output_gradients: Array,
    input_weight_gradient: Array,
    recurrent_gradient: Array,
    bias_gradient: Array,
    initial_gradient: Array,
    cell_gradient: Array,
    input_gradient: Array,
) -> None:
    """Fill the gradients of weights, of both initial states [H], and of the inputs unless theirs is empty.

    What `forward` took and filled; output_gradients [S, B, H] at `steps` [S], rising. A stretch of steps at a
    time, so that what a step leaves to the weights' gradients is still in the cache when they are summed.
    """
    length, size, width = inputs.shape
    units = initial_gradient.shape[0]
    n, square = size * units, units * units
    stretch = -(-BLOCK // size)
    flat_inputs, flat_states, flat_cells = inputs.reshape(-1), states.reshape(-1), cells.reshape(-1)
    flat_squashed, flat_gates, given = squashed.reshape(-1), gates.reshape(-1), output_gradients.reshape(-1)
    into, within = input_weight_gradient.reshape(-1), recurrent_gradient.reshape(-1)
    weight, in_weight, to_inputs = recurrent.reshape(-1), input_weight.reshape(-1), input_gradient.reshape(-1)
    into[:] = 0
    within[:] = 0
    bias_gradient[:] = 0
    to_inputs[:] = 0
    # dE/dh_t and dE/dc_t on their way back, and dE/d(what goes into a gate) of a stretch
    state, cell = np.zeros(n, cells.dtype), np.zeros(n, cells.dtype)
    deltas, nothing = np.empty(4 * stretch * n, cells.dtype), np.zeros(units, cells.dtype)
    s = steps.shape[0] - 1
    for last in range(length, 0, -stretch):
        begin = max(0, last - stretch)
        for t in range(last - 1, begin - 1, -1):
            if s >= 0 and steps[s] == t:
                add_to(state, given[s * n : (s + 1) * n])
                s -= 1
            at = t - begin
            read, read_delta = _step(flat_gates, READ, length, t, n), _step(deltas, READ, stretch, at, n)
            _through_read(state, flat_squashed[t * n : (t + 1) * n], read, cell, read_delta)
            write, write_delta = _step(flat_gates, WRITE, length, t, n), _step(deltas, WRITE, stretch, at, n)
            new, new_delta = _step(flat_gates, NEW, length, t, n), _step(deltas, NEW, stretch, at, n)
            _through_write(cell, write, new, write_delta, new_delta)
            keep, keep_delta = _step(flat_gates, KEEP, length, t, n), _step(deltas, KEEP, stretch, at, n)
            _through_keep(cell, keep, flat_cells[t * n : (t + 1) * n], keep_delta)
            fill(
                state, NONE, size, units, nothing, NONE,
                (
                    plain(deltas, at * n, units, weight, NONE),
                    plain(deltas, (stretch + at) * n, units, weight, square),
                    plain(deltas, (2 * stretch + at) * n, units, weight, 2 * square),
                    plain(deltas, (3 * stretch + at) * n, units, weight, 3 * square),
                ),
            )  # fmt: skip
        rows = (last - begin) * size
        drive = begin * size * width
        for g in range(4):
            start = g * stretch * n
            add_outer(into, g * units * width, units, width, rows, deltas, start, flat_inputs, drive)
            add_outer(within, g * square, units, units, rows, deltas, start, flat_states, begin * n)
            add_rows(bias_gradient, g * units, units, rows, deltas, start)
            if to_inputs.shape[0] > 0:
                source = plain(deltas, start, units, in_weight, g * units * width)
                add(to_inputs, drive, rows, width, source)
    initial_gradient[:] = 0
    cell_gradient[:] = 0
    for b in range(size):
        for i in range(units):
            initial_gradient[i] += state[b * units + i]
            cell_gradient[i] += cell[b * units + i]


@njit(**INNER)
def _step(values: Array, gate: int, length: int, t: int, n: int) -> Array:
    """A gate's flat values at a step."""
    start = (gate * length + t) * n
    return values[start : start + n]


@njit(**INNER)
def _through_read(state: Array, squashed: Array, read: Array, cell: Array, delta: Array) -> None:
    one = read.dtype.type(1)
    for i in range(delta.shape[0]):
        curve, passed = squashed[i], state[i] * read[i]
        cell[i] += passed * (one - curve * curve)
        delta[i] = passed * curve * (one - read[i])


@njit(**INNER)
def _through_write(cell: Array, write: Array, new: Array, write_delta: Array, new_delta: Array) -> None:
    one = write.dtype.type(1)
    for i in range(write_delta.shape[0]):
        passed, value = cell[i] * write[i], new[i]
        write_delta[i] = passed * value * (one - write[i])
        new_delta[i] = passed * (one - value * value)


@njit(**INNER)
def _through_keep(cell: Array, keep: Array, before: Array, delta: Array) -> None:
    one = keep.dtype.type(1)
    for i in range(delta.shape[0]):
        passed = cell[i] * keep[i]
        delta[i] = passed * before[i] * (one - keep[i])
        cell[i] = passed


def warm_up(*kinds: type[np.floating[Any]]) -> None:
    """Compile both kernels for `kinds` of float (float32 without any), or load them from Numba's cache."""
    for kind in kinds or (np.float32,):
        step, two, weight = np.zeros((1, 1, 1), kind), np.zeros((2, 1, 1), kind), np.zeros((4, 1), kind)
        bias, start, gates = np.zeros(4, kind), np.zeros(1, kind), np.zeros((4, 1, 1, 1), kind)
        none = np.zeros((0, 0, 0, 0), kind)
        forward(step, weight, weight, bias, start, start, none, two, two.copy(), step.copy(), gates)
        passes = (step, weight, weight, two, two, step, gates, np.zeros(1, np.int64), step)
        backward(*passes, weight.copy(), weight.copy(), bias, start, start.copy(), step.copy())
