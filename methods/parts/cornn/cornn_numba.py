"""The recurrence of coupled oscillators on the CPU, compiled by Numba.

Plain functions on C-contiguous arrays, float32 or float64, outside any autograd; `cell` says what they
compute.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from longlag.methods.parts.compiled import INNER, Array, add_to, fused, kernel, tanh
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


@kernel
def forward(
    inputs: Array,
    input_weight: Array,
    recurrent: Array,
    bias: Array,
    swing: Array,
    initial_velocity: Array,
    initial: Array,
    noise: Array,
    states: Array,
    velocities: Array,
    drives: Array,
) -> None:
    """Fill states y [T+1, B, H], velocities z [T+1, B, H] and drives n [1, T, B, H].

    inputs [T, B, D]; input_weight [H, D], recurrent [2H, H], bias [H]; swing [3, H]; initial_velocity and
    initial [H]; noise [1, T, B, H] or empty. velocities of length 2 and drives of length 1 hold the last step
    alone.
    """
    length, size, width = inputs.shape
    units = initial.shape[0]
    n = size * units
    flat_inputs, flat_states, flat_velocities = inputs.reshape(-1), states.reshape(-1), velocities.reshape(-1)
    flat_drives, extra = drives.reshape(-1), noise.reshape(-1)
    into, within = transposed(input_weight, units), transposed(recurrent, units)
    for b in range(size):
        flat_states[b * units : (b + 1) * units] = initial
        flat_velocities[b * units : (b + 1) * units] = initial_velocity
    held, kept = drives.shape[1], velocities.shape[0]
    for t in range(length):
        at, before, after = t % held * n, t % kept * n, (t + 1) % kept * n
        entering = plain(flat_inputs, t * size * width, width, into, 0)
        heard = plain(flat_states, t * n, units, within, 0)
        fill(flat_drives, at, size, units, bias, 0, (entering, heard))
        add(flat_drives, at, size, units, plain(flat_velocities, before, units, within, units * units))
        drive = flat_drives[at : at + n]
        if extra.shape[0] > 0:
            add_to(drive, extra[t * n : (t + 1) * n])
        tanh(drive)
        _swing(
            swing, drive, flat_velocities[before : before + n], flat_states[t * n : (t + 1) * n],
            flat_velocities[after : after + n], flat_states[(t + 1) * n : (t + 2) * n],
        )  # fmt: skip


@njit(**INNER)
def _swing(
    swing: Array, drive: Array, velocity: Array, state: Array, new_velocity: Array, new_state: Array
) -> None:
    """A step of every oscillator."""
    units = swing.shape[1]
    for b in range(0, drive.shape[0], units):
        for i in range(units):
            k = b + i
            dt = swing[0, i]
            moved = velocity[k] + dt * (drive[k] - swing[1, i] * state[k] - swing[2, i] * velocity[k])
            new_velocity[k] = moved
            new_state[k] = state[k] + dt * moved


@kernel
def backward(
    inputs: Array,
    input_weight: Array,
    recurrent: Array,
    swing: Array,
    states: Array,
    velocities: Array,
    drives: Array,
    steps: Array,
    output_gradients: Array,
    input_weight_gradient: Array,
    recurrent_gradient: Array,
    bias_gradient: Array,
    swing_gradient: Array,
    velocity_gradient: Array,
    initial_gradient: Array,
    input_gradient: Array,
) -> None:
    """Fill the gradients of weights, swing and both initial states, and of the inputs unless theirs is empty.

    What `forward` took and filled; output_gradients [S, B, H] at `steps` [S], rising. A stretch of steps at a
    time, so that what a step leaves to the weights' gradients is still in the cache when they are summed.
    """
    length, size, width = inputs.shape
    units = initial_gradient.shape[0]
    n, square = size * units, units * units
    stretch = -(-BLOCK // size)
    flat_inputs, flat_states, flat_velocities = inputs.reshape(-1), states.reshape(-1), velocities.reshape(-1)
    flat_drives, given = drives.reshape(-1), output_gradients.reshape(-1)
    into, within = input_weight_gradient.reshape(-1), recurrent_gradient.reshape(-1)
    weight, in_weight, to_inputs = recurrent.reshape(-1), input_weight.reshape(-1), input_gradient.reshape(-1)
    for found in (into, within, bias_gradient, velocity_gradient, initial_gradient, to_inputs):
        found[:] = 0
    swing_gradient[:, :] = 0
    # dE/dy_t and dE/dz_t on their way back, and dE/d(what goes into the tanh) of a stretch
    state, velocity = np.zeros(n, states.dtype), np.zeros(n, states.dtype)
    deltas = np.empty(stretch * n, states.dtype)
    s = steps.shape[0] - 1
    for last in range(length, 0, -stretch):
        begin = max(0, last - stretch)
        for t in range(last - 1, begin - 1, -1):
            if s >= 0 and steps[s] == t:
                add_to(state, given[s * n : (s + 1) * n])
                s -= 1
            at = (t - begin) * n
            _back(
                swing, flat_drives[t * n : (t + 1) * n], flat_velocities[t * n : (t + 1) * n],
                flat_states[t * n : (t + 1) * n], flat_velocities[(t + 1) * n : (t + 2) * n],
                state, velocity, deltas[at : at + n], swing_gradient,
            )  # fmt: skip
            add(state, NONE, size, units, plain(deltas, at, units, weight, 0))
            add(velocity, NONE, size, units, plain(deltas, at, units, weight, square))
        rows, drive = (last - begin) * size, begin * size * width
        add_outer(into, 0, units, width, rows, deltas, 0, flat_inputs, drive)
        add_outer(within, 0, units, units, rows, deltas, 0, flat_states, begin * n)
        add_outer(within, square, units, units, rows, deltas, 0, flat_velocities, begin * n)
        add_rows(bias_gradient, 0, units, rows, deltas, 0)
        if to_inputs.shape[0] > 0:
            add(to_inputs, drive, rows, width, plain(deltas, 0, units, in_weight, 0))
    for b in range(size):
        add_to(initial_gradient, state[b * units : (b + 1) * units])
        add_to(velocity_gradient, velocity[b * units : (b + 1) * units])


@njit(**INNER)
def _back(
    swing: Array,
    drive: Array,
    velocity: Array,
    state: Array,
    new_velocity: Array,
    to_state: Array,
    to_velocity: Array,
    delta: Array,
    to_swing: Array,
) -> None:
    """Back through `_swing`, and through the tanh that made `drive`."""
    units = swing.shape[1]
    one = drive.dtype.type(1)
    for b in range(0, drive.shape[0], units):
        for i in range(units):
            k = b + i
            dt, gamma, epsilon = swing[0, i], swing[1, i], swing[2, i]
            moved = to_velocity[k] + dt * to_state[k]
            pull = drive[k] - gamma * state[k] - epsilon * velocity[k]
            to_swing[0, i] += fused(moved, pull, to_state[k] * new_velocity[k])
            to_swing[1, i] -= dt * moved * state[k]
            to_swing[2, i] -= dt * moved * velocity[k]
            delta[k] = dt * moved * (one - drive[k] * drive[k])
            to_state[k] -= dt * gamma * moved
            to_velocity[k] = (one - dt * epsilon) * moved


def warm_up(*kinds: type[np.floating[Any]]) -> None:
    """Compile both kernels for `kinds` of float (float32 without any), or load them from Numba's cache."""
    for kind in kinds or (np.float32,):
        step, two, into = np.zeros((1, 1, 1), kind), np.zeros((2, 1, 1), kind), np.zeros((1, 1), kind)
        within, swing, start = np.zeros((2, 1), kind), np.zeros((3, 1), kind), np.zeros(1, kind)
        drives = np.zeros((1, 1, 1, 1), kind)
        none = np.zeros((0, 0, 0, 0), kind)
        forward(step, into, within, start, swing, start, start, none, two, two.copy(), drives)
        found = (into.copy(), within.copy(), start.copy(), swing.copy(), start.copy(), start.copy())
        steps = np.zeros(1, np.int64)
        backward(step, into, within, swing, two, two.copy(), drives, steps, step, *found, step.copy())
