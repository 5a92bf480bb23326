"""Induction: a special symbol comes twice; say at its second coming what followed the first.

Inputs: one-hot symbols, 16 of them: 15 ordinary ones, drawn independently at every step, and the special
one, at one step and again at the last. Target: the symbol after the first special one, 15 classes, at the
last step. Length T, T the lag. Loss: softmax cross entropy. Wrong: another symbol.

Variants:
  gd23   the special symbol comes at any of the first T - 3 steps (Gu & Dao 2023: T = 256 and 16 symbols, and
         what was learned asked at 64 to 1,048,576 steps; where it comes is from the code of Dao et al. 2023)
  early  it comes among the first T/10 steps, so that no sequence is answered without the lag (this project)

Lag: the symbol is kept for 2 to T - 2 steps (early: at least T - 1 - T/10). Who bridges half of gd23's T is
right more than half the time, and solves nothing: fewer than one in a hundred may be wrong.

It asks a net with a state to open for the one step after a symbol, and then to hold. The name is that of the
parts of a transformer which do this for any symbol (Olsson et al. 2022).

Trivial predictor, equal probabilities: loss ln 15, 14/15 wrong.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from longlag.bench.contract import Batch, Lags, SoftmaxCrossEntropy, Task
from longlag.tasks.parts.draws import integers, last_step, one_hot, uniforms
from longlag.tasks.parts.near import NEAR
from longlag.tasks.parts.rules import wrong_class

ORDINARY = 15
SPECIAL = ORDINARY
LEAST = 2
"""Steps that a symbol is kept at least: the special one's second coming is not the next step."""


class Induction(Task):
    """What followed the special symbol, asked for when it comes again."""

    name = "induction"
    source = (
        "Gu & Dao 2023, arXiv 2312.00752; after Dao et al. 2023, ICLR, and Olsson et al. 2022, "
        "Transformer Circuits Thread"
    )
    variants: ClassVar = {
        "gd23": "the special symbol comes at any step",
        "early": "the special symbol comes among the first T/10 steps",
    }
    one_length = ("gd23", "early")
    facts: ClassVar = {
        "inputs": "16 one-hot symbols: 15 ordinary, one special",
        "targets": "the symbol after the first special one, 15 classes, at the last step",
        "length": "T",
        "lag": "T; the symbol is kept for 2 to T - 2 steps (early: at least T - 1 - T/10)",
        "loss": "softmax cross entropy",
        "wrong": "another symbol",
        "trivial": "equal probabilities: ln 15, 14/15 wrong",
    }

    def __init__(self, lag: int, variant: str | None = None) -> None:
        super().__init__(lag, variant)
        self.input_size = ORDINARY + 1
        self.output_size = ORDINARY
        self.loss = SoftmaxCrossEntropy()
        self.chance = 1 - 1 / ORDINARY
        self.chance_loss = math.log(ORDINARY)
        self.window = (0, lag // 10 if self.variant == "early" else lag - LEAST - 1)
        self.minimal_lag = lag - 1 - self.window[1]

    def bring_near(self) -> None:
        """The special symbol comes among the steps from 6 to 3 before the last."""
        self.window = (self.lag - 1 - NEAR, self.lag - LEAST - 1)
        self.minimal_lag = LEAST

    @classmethod
    def lags(cls, variant: str) -> Lags:
        """Every lag with a step for the special symbol."""
        return Lags(10 if variant == "early" else LEAST + 2)

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        """Inputs [T, B, 16], targets [1, B] classes."""
        block = uniforms(batch_size, self.lag + 1, generator)
        symbols = integers(block[:, 1:], 0, ORDINARY)
        places = integers(block[:, 0], *self.window)
        sequences = np.arange(batch_size)
        asked = symbols[sequences, places + 1]
        symbols[sequences, places] = SPECIAL
        symbols[:, -1] = SPECIAL
        return Batch(
            one_hot(symbols, self.input_size), torch.from_numpy(asked).unsqueeze(0), last_step(self.lag)
        )

    def wrong(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Another symbol is more probable."""
        return wrong_class(outputs, batch)
