"""What a recurrence's passes share of state noise, and of a horizon for the way back.

Shapes: T steps, B sequences, H units, G gates, S supervised steps. Noise is [G, T, B, H].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from longlag.bench.contract import Block, blocks
from longlag.methods.parts.backend import Array

Carried = tuple[Tensor, ...]


def noisy(drives: Tensor, noise: Tensor | None) -> Tensor:
    """Drives [T, B, G * H], a gate beside the other, with their noise."""
    return drives if noise is None else drives + noise.permute(1, 2, 0, 3).flatten(2)


def noise_array(noise: Tensor | None, kind: np.dtype[np.floating]) -> Array:
    """The noise as compiled passes take it: of no steps where there is none."""
    if noise is None:
        return np.empty((0, 0, 0, 0), kind)
    array: Array = noise.contiguous().numpy(force=True)
    return array


def unrolled(
    step: Callable[[Tensor, Carried], Carried], drives: Tensor, carried: Carried, horizon: int | None
) -> Tensor:
    """States [T, B, H] by torch: of what `step` carries on from a drive and from what was carried, the first.

    Where a block of `horizon` steps begins, counted from the end, what is carried is a constant.
    """
    states: list[Tensor] = []
    for t, drive in enumerate(drives):
        if t and horizon is not None and (len(drives) - t) % horizon == 0:
            carried = tuple(part.detach() for part in carried)
        carried = step(drive, carried)
        states.append(carried[0])
    return torch.stack(states)


def back_in_blocks(
    back: Callable[[Block, Sequence[Array]], None],
    supervised: Array,
    length: int,
    horizon: int,
    found: Sequence[Array],
    starts: int,
) -> None:
    """Fill `found` with the sum of what `back` finds of every block of `horizon` steps.

    The last `starts` of them are gradients of initial states, which only the first block's errors reach.
    """
    others: list[Array] = []
    for block in blocks(supervised, length, horizon):
        into = others if others else found
        back(block, into)
        if block.begin:
            for start in into[len(into) - starts :]:
                start[...] = 0
        if others:
            for total, more in zip(found, others, strict=True):
                total += more
        else:
            others = [np.empty_like(part) for part in found]
    if not others:
        for part in found:
            part[...] = 0
