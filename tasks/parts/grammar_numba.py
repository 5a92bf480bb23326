"""The walk through the embedded grammar, compiled.

Vectorised over the batch, a step here costs more than a network's.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from longlag.tasks.parts.draws import Floats, Ints
from longlag.tasks.parts.grammar import START, Doubles


@njit(cache=True)
def walk(
    uniform: Floats, first: Doubles, symbol: Ints, following: Ints, legal: Floats, length: int, opening: Ints
) -> tuple[Floats, Floats]:
    """As `Grammar.walk`, from its tables and the arcs of the first symbols `opening` [B, given]."""
    batch_size, steps = uniform.shape
    given = opening.shape[1]
    inputs = np.zeros((steps, batch_size, legal.shape[1]), np.float32)
    targets = np.empty((steps, batch_size, legal.shape[1]), np.float32)
    for b in range(batch_size):
        state = START
        for step in range(steps):
            if 2 <= step < 2 + given:
                place = opening[b, step - 2]
            else:
                place = 1 if uniform[b, step] >= first[length - step, state] else 0
            inputs[step, b, symbol[state, place]] = 1
            state = following[state, place]
            targets[step, b] = legal[state]
    return inputs, targets
