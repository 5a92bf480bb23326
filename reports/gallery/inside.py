"""What a layer of memory cells does inside, which its forward pass keeps to itself: cells and gates."""

from __future__ import annotations

from typing import Any

import numpy as np

from longlag.methods.parts.lstm.cell import LSTMCell
from longlag.methods.parts.lstm.lstm_numba import forward

Array = np.ndarray[Any, Any]


def inside(cell: LSTMCell, inputs: Array) -> tuple[Array, Array, Array]:
    """States and cells [T+1, B, H] and gates [4, T, B, H], from inputs [T, B, D] of the cell's dtype."""
    length, size, _ = inputs.shape
    parts = (cell.input_weight, cell.recurrent_weight, cell.bias, cell.initial, cell.initial_cell)
    states, cells, squashed = (
        np.zeros((count, size, cell.units), inputs.dtype) for count in (length + 1, length + 1, length)
    )
    gates = np.zeros((4, length, size, cell.units), inputs.dtype)
    silence = np.zeros((0, 0, 0, 0), inputs.dtype)
    forward(inputs, *(part.detach().numpy() for part in parts), silence, states, cells, squashed, gates)
    return states, cells, gates
