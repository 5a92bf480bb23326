"""Sequences of (value, marker) pairs in which two marked values matter: adding, multiplication and xor."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

from longlag.tasks.parts.draws import Flags, Floats, Ints, integers, stretched, uniforms
from longlag.tasks.parts.near import NEAR, from_answer, near_windows

VARIANTS = {
    "hs97": "end markers -1; keys among the first 10 and the first T/2 steps; a key at step 0 does not count",
    "ms11": "markers 0 and 1; keys in [0, T/10) and [T/10, T/2)",
    "a16": "markers 0 and 1; one key in each half, length T",
}


@dataclass(frozen=True)
class Marked:
    """Inputs [T, B, 2] (values in [0, 1), markers), the keys' steps [B, 2], and whether they count [B, 2]."""

    inputs: Floats
    keys: Ints
    counts: Flags | None

    def pair(self, neutral: float) -> Floats:
        """The two marked values [B, 2]; one that does not count is `neutral`."""
        sequences = np.arange(len(self.keys))[:, np.newaxis]
        values: Floats = self.inputs[self.keys, sequences, 0]
        if self.counts is not None:
            values[~self.counts] = neutral
        return values


def hs97_width(lag: int) -> int:
    """How many still unmarked steps the second key is drawn from: T/2 - 1."""
    return lag // 2 - 1


def draw_marked(
    variant: str, lag: int, batch_size: int, generator: torch.Generator, near: bool = False
) -> Marked:
    """Draw values and keys as `variant` says: hs97, ms11 (lengths in [T, 1.1 T]) or a16 (length T).

    Keys: hs97 the first ten steps, then the first T/2 - 1 steps still unmarked, and the markers of
    the first and last step are -1; ms11 [0, T/10) and [T/10, T/2); a16 one in each half. `near`: any two
    (hs97), or one in each half, of the NEAR steps before the last.
    """
    if variant == "a16":
        length, block = lag, uniforms(batch_size, lag + 2, generator)
    else:
        length, block = stretched(lag, batch_size, 2, generator)
    keys = integers(block[:, :2], *_windows(variant, lag, near))
    if variant == "hs97":
        keys[:, 1] += keys[:, 1] >= keys[:, 0]
    if near:
        keys = from_answer(keys, length)
    inputs = np.zeros((length, batch_size, 2), dtype=np.float32)
    inputs[:, :, 0] = block[:, 2 : 2 + length].T
    inputs[keys, np.arange(batch_size)[:, np.newaxis], 1] = 1
    if variant != "hs97":
        return Marked(inputs, keys, None)
    inputs[0, :, 1] = -1
    inputs[-1, :, 1] = -1
    return Marked(inputs, keys, keys > 0)


@cache
def _windows(variant: str, lag: int, near: bool) -> tuple[Ints, Ints]:
    """First and one past the last step of both keys (hs97: of the second, among the unmarked steps).

    `near`: counted from the last step.
    """
    windows = {
        "hs97": ((0, 10), (0, hs97_width(lag))),
        "ms11": ((0, lag // 10), (lag // 10, lag // 2)),
        "a16": ((0, lag // 2), (lag // 2, lag)),
    }
    both: tuple[tuple[int, int], ...] = windows[variant]
    if near:
        both = ((-NEAR, 0), (-NEAR, -1)) if variant == "hs97" else near_windows(2)
    start, stop = zip(*both, strict=True)
    return np.array(start), np.array(stop)


def shortest_lag(variant: str) -> int:
    """The shortest lag whose windows are non-empty and disjoint."""
    return {"hs97": 20, "ms11": 10, "a16": 2}[variant]


def bridged(variant: str, lag: int) -> int:
    """Steps from the last possible second key to the target at the end."""
    return 0 if variant == "a16" else lag - lag // 2


def hs97_mute(lag: int) -> float:
    """How often one of the keys is the first step, whose value then does not count."""
    return 0.1 + 0.9 / hs97_width(lag)
