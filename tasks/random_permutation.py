"""Random permutation: the first of a long row of random symbols comes again at the end; say which it was.

The symbols: s_0 is one of 2, s_1 ... s_T are drawn from 98 others, and the last symbol, s_(T+1), equals s_0.
Inputs: s_0 ... s_T one-hot. Target: the next symbol, 100 classes; the last is T steps after the first input,
T the lag. Length T + 1. Loss: softmax cross entropy. Wrong: the last symbol is predicted wrongly.

Variants:
  p13   the loss is on the last symbol alone (Pascanu, Mikolov & Bengio 2013)
  ms11  the next symbol is predicted at every step; all but the last are unpredictable
        (Martens & Sutskever 2011)

Trivial predictor, equal probabilities of what may come: loss ln 2 (ms11: (T ln 98 + ln 2) / (T + 1)), half
the sequences wrong.

Source: after Hochreiter & Schmidhuber 1997, experiment 2b. In spite of the name the symbols between may
repeat: they are drawn independently, here as in the code of both papers.
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor

from longlag.bench.contract import Batch, SoftmaxCrossEntropy, Task
from longlag.tasks.parts.draws import every_step, integers, last_step, one_hot, uniforms
from longlag.tasks.parts.rules import wrong_class

SYMBOLS = 100
KEYS = 2


class RandomPermutation(Task):
    """One of two symbols, T random ones of 98, and the first symbol again."""

    name = "random_permutation"
    source = "Martens & Sutskever 2011, ICML; Pascanu, Mikolov & Bengio 2013, ICML"
    variants: ClassVar = {
        "p13": "the loss is on the last symbol alone",
        "ms11": "the next symbol is predicted at every step",
    }
    one_length = ("p13", "ms11")
    facts: ClassVar = {
        "inputs": "100 one-hot symbols: 2 keys, 98 distractors",
        "targets": "the last symbol, which equals the first (ms11: the next symbol at every step)",
        "length": "T + 1",
        "lag": "T",
        "loss": "softmax cross entropy",
        "wrong": "wrong last symbol",
        "trivial": "equal probabilities: ln 2 (ms11: (T ln 98 + ln 2) / (T + 1)), 1/2 wrong",
    }

    def __init__(self, lag: int, variant: str | None = None) -> None:
        super().__init__(lag, variant)
        self.input_size = SYMBOLS
        self.output_size = SYMBOLS
        self.loss = SoftmaxCrossEntropy()
        self.length = lag + 1
        self.minimal_lag = lag
        self.chance = 1 - 1 / KEYS
        self.chance_loss = math.log(KEYS)
        if self.variant == "ms11":
            self.chance_loss = (lag * math.log(SYMBOLS - KEYS) + math.log(KEYS)) / self.length
        self.key = 0

    def bring_near(self) -> None:
        """The key is the last input but one (ms11: and so the target of the step before)."""
        self.key = self.length - 2
        self.minimal_lag = 1
        if self.variant == "ms11":
            distractors = (self.lag - 1) * math.log(SYMBOLS - KEYS)
            self.chance_loss = (distractors + 2 * math.log(KEYS)) / self.length

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        """Inputs [T + 1, B, 100], targets [1, B] or [T + 1, B] classes."""
        block = uniforms(batch_size, self.length, generator)
        symbols = integers(block, KEYS, SYMBOLS)
        symbols[:, self.key] = integers(block[:, self.key], 0, KEYS)
        inputs = one_hot(symbols, SYMBOLS)
        rows = torch.from_numpy(symbols).T
        if self.variant == "p13":
            return Batch(inputs, rows[self.key : self.key + 1].contiguous(), last_step(self.length))
        return Batch(inputs, torch.cat((rows[1:], rows[self.key : self.key + 1])), every_step(self.length))

    def wrong(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Another last symbol is more probable."""
        return wrong_class(outputs[-1:], Batch(batch.inputs, batch.targets[-1:], batch.mask))
