"""Copy memory: keep ten symbols through a long stretch of blanks, recall them after a delimiter.

Inputs: one-hot symbols: 8 to remember, blank, delimiter. Targets: blank, and in the last ten steps the ten
symbols in order; at every step. Length T + 20, T the lag. Loss: softmax cross entropy. Wrong: any wrong
symbol.

Variants:
  a16        ten symbols, T - 1 blanks, the delimiter, ten blanks: every symbol is kept for T + 10 steps
             (Arjovsky, Shah & Bengio 2016; after Hochreiter & Schmidhuber 1997)
  selective  the ten symbols stand at random steps among the first T + 9, blanks between them, then the
             delimiter and ten blanks: a symbol is kept for 11 to T + 19 steps, and data must be told
             from blanks (after the denoising task of Jing et al. 2019)

Trivial predictor, blank and then equal probabilities: loss 10 ln 8 / (T + 20), nearly every sequence wrong.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch

from longlag.tasks.parts.draws import Ints, integers, uniforms
from longlag.tasks.parts.recall import Recall

SYMBOLS = 10
ALPHABET = 8


class CopyMemory(Recall):
    """The copy-memory problem, and its selective form."""

    name = "copy_memory"
    source = "Arjovsky, Shah & Bengio 2016, ICML; selective: after Jing et al. 2019, Neural Computation 31(4)"
    variants: ClassVar = {
        "a16": "the ten symbols come first, then the blanks",
        "selective": "the ten symbols are scattered among the blanks",
    }
    one_length = ("a16", "selective")
    facts: ClassVar = {
        "inputs": "10 one-hot symbols: 8 to remember, blank, delimiter",
        "targets": "9 classes at every step: blank, and in the last ten steps the ten symbols",
        "length": "T + 20",
        "lag": "T; every symbol is kept for T + 10 steps (selective: 11 to T + 19)",
        "loss": "softmax cross entropy",
        "wrong": "any wrong symbol at any step",
        "trivial": "equal probabilities at recall: 10 ln 8 / (T + 20), nearly all wrong",
    }

    def __init__(self, lag: int, variant: str | None = None) -> None:
        super().__init__(lag, variant, SYMBOLS, ALPHABET)
        if self.variant == "selective":
            self.minimal_lag = SYMBOLS + 1

    def bring_near(self) -> None:
        """The symbols come just before the delimiter (selective: among the 20 steps before it)."""
        super().bring_near()

    def placed(self, batch_size: int, generator: torch.Generator) -> tuple[Ints, Ints]:
        """The symbols [B, 10] in order, and their steps: ten in a row, or ten chosen at random."""
        if self.variant == "a16":
            return super().placed(batch_size, generator)
        stop = self.lag + SYMBOLS - 1
        start = stop - 2 * SYMBOLS if self.is_twin else 0
        block = uniforms(batch_size, SYMBOLS + stop, generator)
        shown = integers(block[:, :SYMBOLS], 0, ALPHABET)
        steps = np.argpartition(block[:, SYMBOLS + start :], SYMBOLS - 1, axis=1)[:, :SYMBOLS]
        return shown, np.sort(steps, axis=1) + start
