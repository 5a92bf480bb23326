"""A very long time lag with distractors: recall a symbol across many random ones, of unknown number.

A sequence is b, k, q + n distractors, e, k: k is x or y, q the lag; the distractors are drawn from p symbols,
and n more of them follow with probability 9/10 each. Inputs: p + 4 one-hot symbols, all of the sequence but
its last. Target: k, 2 classes, at the step of e, the last. Length q + n + 3; n is drawn once a batch, so that
nothing is padded. At least q + 1 steps are bridged. Loss: softmax cross entropy. Wrong: a probability off by
0.2 or more.

Variants:
  2c     p = q, a distractor is rarely seen twice
  2c_50  p = 50, distractors are frequent

Trivial predictor, equal probabilities: loss ln 2, every sequence wrong.

Source: Hochreiter & Schmidhuber 1997, experiment 2c. For 2c the input grows with the lag: at lag 1000 a batch
of 20 takes 80 MB.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from longlag.bench.contract import Batch, Lags, SoftmaxCrossEntropy, Task
from longlag.tasks.parts.draws import geometric, integers, last_step, one_hot, uniforms
from longlag.tasks.parts.rules import off_probability

MORE = 0.9
OFF = 0.2
KEYS = 2  # symbols: x, y, b, e, then the distractors
BEGIN, END, FIRST = 2, 3, 4


class Distractors(Task):
    """Experiment 2c of Hochreiter & Schmidhuber 1997."""

    name = "distractors"
    source = "Hochreiter & Schmidhuber 1997, Neural Computation 9(8), experiment 2c"
    variants: ClassVar = {
        "2c": "as many kinds of distractors as the lag",
        "2c_50": "50 kinds of distractors",
    }
    facts: ClassVar = {
        "inputs": "p + 4 one-hot symbols, p = q (2c_50: p = 50)",
        "targets": "the key, 2 classes, at the last step",
        "length": "q + 3, and one more with probability 9/10 each, one length a batch",
        "lag": "q; at least q + 1 is bridged",
        "loss": "softmax cross entropy",
        "wrong": "a probability off by 0.2 or more",
        "trivial": "equal probabilities: ln 2, all wrong",
    }

    def __init__(self, lag: int, variant: str | None = None) -> None:
        super().__init__(lag, variant)
        self.kinds = lag if self.variant == "2c" else 50
        self.input_size = self.kinds + 4
        self.output_size = KEYS
        self.loss = SoftmaxCrossEntropy()
        self.minimal_lag = lag + 1
        self.chance = 1.0
        self.chance_loss = math.log(2)

    def bring_near(self) -> None:
        """The key comes after the distractors: b, the distractors, k, e."""
        self.minimal_lag = 1

    @classmethod
    def lags(cls, variant: str) -> Lags:
        """2c: at most 1000, as the input grows with the lag."""
        return Lags(1, 1000 if variant == "2c" else None)

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        """Inputs [q + n + 3, B, p + 4], targets [1, B] classes."""
        length = self.lag + geometric(generator, MORE) + 3
        block = uniforms(batch_size, length, generator)
        symbols = integers(block, FIRST, FIRST + self.kinds)
        place = length - 2 if self.is_twin else 1
        keys = integers(block[:, place], 0, KEYS)
        symbols[:, 0] = BEGIN
        symbols[:, place] = keys
        symbols[:, -1] = END
        return Batch(one_hot(symbols, self.input_size), torch.from_numpy(keys[np.newaxis]), last_step(length))

    def wrong(self, outputs: Tensor, batch: Batch) -> Tensor:
        """A probability off by 0.2 or more."""
        return off_probability(outputs, batch, OFF)
