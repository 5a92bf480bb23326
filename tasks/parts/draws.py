"""Seeded draws whose i-th sequence does not depend on the batch size.

A batch is one block of uniforms, sequence after sequence, and everything in it is a function of that
block: so 20 sequences and then 30 are the same as 50 at once (for tasks that draw a length for every
batch: a smaller batch is the beginning of a larger one).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def uniforms(batch_size: int, count: int, generator: torch.Generator) -> Floats:
    """[B, count] draws from U[0, 1): `count` a sequence."""
    block: Floats = torch.rand(batch_size, count, generator=generator).numpy()
    return block


def between(
    shortest: int, longest: int, batch_size: int, count: int, generator: torch.Generator
) -> tuple[int, Floats]:
    """A length uniform on [shortest, longest], and [B, longest + count] draws from U[0, 1).

    One length for the whole batch, so that nothing is padded; draws for the longest, so that one call
    gives all of them.
    """
    width = longest + count
    block: Floats = torch.rand(1 + batch_size * width, generator=generator).numpy()
    return shortest + int(block.item(0) * (longest - shortest + 1)), block[1:].reshape(batch_size, width)


def stretched(lag: int, batch_size: int, count: int, generator: torch.Generator) -> tuple[int, Floats]:
    """A length uniform on [T, 1.1 T], T the lag, and [B, 1.1 T + count] draws from U[0, 1)."""
    return between(lag, lag + lag // 10, batch_size, count, generator)


def integers(uniform: Floats, start: int | Ints, stop: int | Ints) -> Ints:
    """Uniform integers in [start, stop) from uniforms in [0, 1); the bounds may differ by column."""
    # float32 keeps u * n below n for every n: the product never rounds up to the excluded end.
    drawn = (uniform * (stop - start)).astype(np.int64)
    return drawn if isinstance(start, int) and start == 0 else start + drawn


def normals(uniform: Floats) -> Floats:
    """Standard normal draws from uniforms in [0, 1), by the inverse of the normal distribution."""
    # torch.rand gives multiples of 2^-24, 0 included: half a step up makes them symmetric and finite.
    centred = torch.from_numpy(uniform).mul(2).sub_(1 - 2**-24)
    draws: Floats = centred.erfinv_().mul_(math.sqrt(2)).numpy()
    return draws


def geometric(generator: torch.Generator, more: float) -> int:
    """How many times in a row something of probability `more` happens."""
    uniform = torch.rand(1, generator=generator, dtype=torch.float64).item()
    return int(math.log1p(-uniform) / math.log(more))


def one_hot(symbols: Ints, size: int) -> Tensor:
    """[T, B, size] one-hot vectors from symbols [B, T] (sequence-major, as they are drawn)."""
    batch_size, length = symbols.shape
    vectors = np.zeros((length, batch_size, size), dtype=np.float32)
    # by their places in memory: two index arrays more would take longer
    places = np.arange(0, vectors.size, size).reshape(length, batch_size)
    places += symbols.T
    vectors.reshape(-1)[places.reshape(-1)] = 1
    return torch.from_numpy(vectors)


def last_step(length: int) -> Tensor:
    """The mask [T] of a task with one target, at the end."""
    mask = np.zeros(length, dtype=np.bool_)
    mask[-1] = True
    return torch.from_numpy(mask)


def every_step(length: int) -> Tensor:
    """The mask [T] of a task with a target at every step."""
    return torch.from_numpy(np.ones(length, dtype=np.bool_))
