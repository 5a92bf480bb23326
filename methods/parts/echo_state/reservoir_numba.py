"""The harvest's inner loops for the CPU, compiled by Numba.

Arrays are C-contiguous, float32 or float64, and have the sequences last, so that every loop runs over
contiguous memory. The inputs have a row of ones, whose weight is the bias.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from longlag.methods.parts.compiled import INNER, Array, fused, kernel, tanh
from longlag.methods.parts.products import NONE, fill, no_product, plain


@kernel
def dense(
    recurrent: Array,
    drive_weight: Array,
    leak: Array,
    inputs: Array,
    noise: Array,
    mask: Array,
    state: Array,
    kept: Array,
) -> None:
    """Harvest with recurrent [N, N], drive_weight [N, D], leak [N] from inputs [T, D, B] into kept [N, S, B].

    state [N, B] is where to begin, and where it ended; noise [T, N, B] or empty; mask [T].
    """
    length, width, size = inputs.shape
    units = state.shape[0]
    weight, into, flat_inputs = recurrent.reshape(-1), drive_weight.reshape(-1), inputs.reshape(-1)
    drive, nothing, flat_state = np.empty_like(state), np.zeros(size, state.dtype), state.reshape(-1)
    flat, row = drive.reshape(-1), 0
    for t in range(length):
        driven = plain(into, NONE, width, flat_inputs, t * width * size)
        heard = plain(weight, NONE, units, flat_state, NONE)
        fill(flat, NONE, units, size, nothing, NONE, (driven, heard))
        row = _settle(drive, leak, t, noise, mask, state, kept, row)


@kernel
def sparse(
    values: Array,
    columns: Array,
    starts: Array,
    drive_weight: Array,
    leak: Array,
    inputs: Array,
    noise: Array,
    mask: Array,
    state: Array,
    kept: Array,
) -> None:
    """The same with the recurrent weights as compressed sparse rows: values, columns [M], starts [N + 1]."""
    length, width, size = inputs.shape
    units = state.shape[0]
    into, flat_inputs = drive_weight.reshape(-1), inputs.reshape(-1)
    drive, nothing, row = np.empty_like(state), np.zeros(size, state.dtype), 0
    flat = drive.reshape(-1)
    for t in range(length):
        driven = plain(into, NONE, width, flat_inputs, t * width * size)
        fill(flat, NONE, units, size, nothing, NONE, (driven, no_product(flat)))
        for i in range(units):
            for k in range(starts[i], starts[i + 1]):
                _hear(values[k], state[columns[k]], drive[i])
        row = _settle(drive, leak, t, noise, mask, state, kept, row)


@njit(**INNER)
def _hear(weight, source, out):  # type: ignore[no-untyped-def]
    for b in range(out.shape[0]):
        out[b] += weight * source[b]


@njit(**INNER)
def _settle(drive, leak, t, noise, mask, state, kept, row):  # type: ignore[no-untyped-def]
    """The units' new states from what drives them, kept if the mask says so; the next row of `kept`."""
    tanh(drive.reshape(-1))
    for i in range(state.shape[0]):
        _mix(leak[i], drive[i], state[i])
    if noise.size > 0:
        state += noise[t]
    if not mask[t]:
        return row
    for i in range(state.shape[0]):
        kept[i, row] = state[i]
    return row + 1


@njit(**INNER)
def _mix(leak, fresh, state):  # type: ignore[no-untyped-def]
    kept = state.dtype.type(1) - leak
    for b in range(state.shape[0]):
        state[b] = fused(kept, state[b], leak * fresh[b])
