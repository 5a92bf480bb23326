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


def integers(uniform: Floats, start: int, stop: int) -> Ints:
    """Uniform integers in [start, stop) from uniforms in [0, 1)."""
    # float32 keeps u * n below n for every n: the product never rounds up to the excluded end.
    return start + (uniform * np.float32(stop - start)).astype(np.int64)


def integer(generator: torch.Generator, start: int, stop: int) -> int:
    """One uniform integer in [start, stop)."""
    return start + int(torch.rand(1, generator=generator).item() * (stop - start))


def stretched(lag: int, generator: torch.Generator) -> int:
    """A length uniform on [T, 1.1 T], T the lag: one for the whole batch, so that nothing is padded."""
    return integer(generator, lag, lag + lag // 10 + 1)


def normals(uniform: Floats) -> Floats:
    """Standard normal draws from uniforms in [0, 1), by the inverse of the normal distribution."""
    # torch.rand gives multiples of 2^-24, 0 included: half a step up makes them symmetric and finite.
    centred = torch.from_numpy(uniform) * 2 - (1 - 2**-24)
    draws: Floats = torch.erfinv(centred).mul_(math.sqrt(2)).numpy()
    return draws


def geometric(generator: torch.Generator, more: float) -> int:
    """How many times in a row something of probability `more` happens."""
    uniform = torch.rand(1, generator=generator, dtype=torch.float64).item()
    return int(math.log1p(-uniform) / math.log(more))


def one_hot(symbols: Ints, size: int) -> Tensor:
    """[T, B, size] one-hot vectors from symbols [B, T] (sequence-major, as they are drawn)."""
    batch_size, length = symbols.shape
    vectors = np.zeros(length * batch_size * size, dtype=np.float32)
    vectors[np.arange(0, vectors.size, size) + symbols.T.ravel()] = 1
    return torch.from_numpy(vectors).view(length, batch_size, size)


def last_step(length: int) -> Tensor:
    """The mask [T] of a task with one target, at the end."""
    mask = np.zeros(length, dtype=np.bool_)
    mask[-1] = True
    return torch.from_numpy(mask)


def every_step(length: int) -> Tensor:
    """The mask [T] of a task with a target at every step."""
    return torch.from_numpy(np.ones(length, dtype=np.bool_))


def last_steps(length: int, count: int) -> Tensor:
    """The mask [T] of a task with targets at the last `count` steps."""
    mask = np.zeros(length, dtype=np.bool_)
    mask[length - count :] = True
    return torch.from_numpy(mask)
