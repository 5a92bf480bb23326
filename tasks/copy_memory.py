"""Copy memory: keep ten symbols through a long stretch of blanks, recall them after a delimiter.

Inputs: one-hot symbols: 8 to remember, blank, delimiter. Targets: blank, and in the last ten steps the ten
symbols in order; at every step. Length T + 20, T the lag. Loss: softmax cross entropy. Wrong: any wrong
symbol.

In gd23 sixteen symbols of 14 kinds are kept, the length is T + 32, and the targets are the sixteen, 14
classes at the last sixteen steps.

Variants:
  a16        ten symbols, T - 1 blanks, the delimiter, ten blanks: every symbol is kept for T + 10 steps
             (Arjovsky, Shah & Bengio 2016; after Hochreiter & Schmidhuber 1997)
  selective  the ten symbols stand at random steps among the first T + 9, blanks between them, then the
             delimiter and ten blanks: a symbol is kept for 11 to T + 19 steps, and data must be told
             from blanks (after the denoising task of Jing et al. 2019)
  gd23       selective copying: the sixteen symbols stand at random steps among the first T + 16, blanks
             between them, then sixteen markers, at each of which the next one is asked for: a symbol is kept
             for 16 to T + 16 steps (Gu & Dao 2023, T = 4096; the places as in the code of Gu, Goel & Re 2022)

Trivial predictor, blank and then equal probabilities: loss 10 ln 8 / (T + 20), gd23 ln 14; nearly every
sequence wrong.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import torch

from longlag.bench.contract import Batch
from longlag.tasks.parts.draws import Ints, integers, one_hot, uniforms
from longlag.tasks.parts.recall import Recall

SIZES = {"a16": (10, 8), "selective": (10, 8), "gd23": (16, 14)}
"""How many symbols are kept, and of how many kinds."""


class CopyMemory(Recall):
    """The copy-memory problem, and its selective forms."""

    name = "copy_memory"
    source = (
        "Arjovsky, Shah & Bengio 2016, ICML; selective: after Jing et al. 2019, Neural Computation 31(4); "
        "gd23: Gu & Dao 2023, arXiv 2312.00752"
    )
    variants: ClassVar = {
        "a16": "the ten symbols come first, then the blanks",
        "selective": "the ten symbols are scattered among the blanks",
        "gd23": "sixteen symbols of 14 are scattered among the blanks, and asked for at sixteen markers",
    }
    one_length = ("a16", "selective", "gd23")
    facts: ClassVar = {
        "inputs": "10 one-hot symbols: 8 to remember, blank, delimiter (gd23: 16, 14 of them to remember)",
        "targets": "9 classes at every step: blank, and in the last ten steps the ten symbols "
        "(gd23: 14 classes at the last sixteen steps)",
        "length": "T + 20 (gd23: T + 32)",
        "lag": "T; every symbol is kept for T + 10 steps (selective: 11 to T + 19, gd23: 16 to T + 16)",
        "loss": "softmax cross entropy",
        "wrong": "any wrong symbol at any step",
        "trivial": "equal probabilities at recall: 10 ln 8 / (T + 20) (gd23: ln 14), nearly all wrong",
    }

    def __init__(self, lag: int, variant: str | None = None) -> None:
        super().__init__(lag, variant, *SIZES.get(variant or "a16", (1, 2)))
        if self.variant == "selective":
            self.minimal_lag = self.symbols + 1
        elif self.variant == "gd23":
            self.output_size = self.alphabet
            self.minimal_lag = self.symbols
            self.chance_loss = math.log(self.alphabet)

    def bring_near(self) -> None:
        """The symbols come just before the delimiter (selective, gd23: among the 20, 32 steps before it)."""
        if self.variant != "gd23":
            super().bring_near()

    def placed(self, batch_size: int, generator: torch.Generator) -> tuple[Ints, Ints]:
        """The symbols [B, n] in order, and their steps: n in a row, or n chosen at random."""
        if self.variant == "a16":
            return super().placed(batch_size, generator)
        stop = self.lag + self.symbols - (self.variant == "selective")
        start = stop - 2 * self.symbols if self.is_twin else 0
        block = uniforms(batch_size, self.symbols + stop, generator)
        shown = integers(block[:, : self.symbols], 0, self.alphabet)
        places = block[:, self.symbols + start :]
        steps = np.argpartition(places, self.symbols - 1, axis=1)[:, : self.symbols]
        return shown, np.sort(steps, axis=1) + start

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        """Inputs [T + 20, B, 10], targets [T + 20, B] classes; gd23 [T + 32, B, 16] and [16, B]."""
        if self.variant != "gd23":
            return super().sample(batch_size, generator)
        shown, steps = self.placed(batch_size, generator)
        sequence = np.full((batch_size, self.length), self.blank)
        sequence[np.arange(batch_size)[:, None], steps] = shown
        sequence[:, -self.symbols :] = self.trigger
        asked = np.arange(self.length) >= self.length - self.symbols
        answer = np.ascontiguousarray(shown.T)
        return Batch(one_hot(sequence, self.input_size), torch.from_numpy(answer), torch.from_numpy(asked))
