"""Sequences of (value, marker) pairs in which two marked values matter: adding, multiplication and xor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from tasks.parts.draws import Flags, Floats, Ints, integers, stretched, uniforms

VARIANTS = {
    "hs97": "end markers -1; keys among the first 10 and the first T/2 steps; a key at step 0 does not count",
    "ms11": "markers 0 and 1; keys in [0, T/10) and [T/10, T/2)",
    "a16": "markers 0 and 1; one key in each half, length T",
}


@dataclass(frozen=True)
class Marked:
    """Inputs [T, B, 2] (values in [0, 1), markers), the keys' steps [B], and whether they count [B]."""

    inputs: Floats
    keys: tuple[Ints, Ints]
    counts: tuple[Flags, Flags]

    def pair(self) -> tuple[Floats, Floats]:
        """The two marked values [B]."""
        sequences = np.arange(self.inputs.shape[1])
        first, second = (self.inputs[steps, sequences, 0] for steps in self.keys)
        return first, second


def hs97_width(lag: int) -> int:
    """How many still unmarked steps the second key is drawn from: T/2 - 1."""
    return lag // 2 - 1


def draw_marked(variant: str, lag: int, batch_size: int, generator: torch.Generator) -> Marked:
    """Draw values and keys as `variant` says: hs97, ms11 (lengths in [T, 1.1 T]) or a16 (length T).

    Keys: hs97 the first ten steps, then the first T/2 - 1 steps still unmarked, and the markers of
    the first and last step are -1; ms11 [0, T/10) and [T/10, T/2); a16 one in each half.
    """
    length = lag if variant == "a16" else stretched(lag, generator)
    block = uniforms(batch_size, length + 2, generator)
    if variant == "hs97":
        first = integers(block[:, -2], 0, 10)
        second = integers(block[:, -1], 0, hs97_width(lag))
        second += second >= first
    else:
        middle = lag // 2 if variant == "a16" else lag // 10
        first = integers(block[:, -2], 0, middle)
        second = integers(block[:, -1], middle, lag if variant == "a16" else lag // 2)
    inputs = np.zeros((length, batch_size, 2), dtype=np.float32)
    inputs[:, :, 0] = block[:, :length].T
    sequences = np.arange(batch_size)
    inputs[first, sequences, 1] = 1
    inputs[second, sequences, 1] = 1
    if variant != "hs97":
        always = np.ones(batch_size, dtype=np.bool_)
        return Marked(inputs, (first, second), (always, always))
    inputs[0, :, 1] = -1
    inputs[-1, :, 1] = -1
    return Marked(inputs, (first, second), (first > 0, second > 0))


def shortest_lag(variant: str) -> int:
    """The shortest lag whose windows are non-empty and disjoint."""
    return {"hs97": 20, "ms11": 10, "a16": 2}[variant]


def bridged(variant: str, lag: int) -> int:
    """Steps from the last possible second key to the target at the end."""
    return 0 if variant == "a16" else lag - lag // 2


def hs97_mute(lag: int) -> float:
    """How often one of the keys is the first step, whose value then does not count."""
    return 0.1 + 0.9 / hs97_width(lag)
