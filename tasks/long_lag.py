"""Noise-free sequences with a long time lag: two sequences that differ in their first and last symbol.

Inputs: p + 1 one-hot symbols: x, y and a_1 ... a_(p-1), p the lag. A sequence is (k, a_1, ..., a_(p-1), k)
with k either x or y; all but its last symbol are inputs. Target: the next symbol, so that the last step,
p - 1 steps after the first, must tell k. Length p. Loss: softmax cross entropy over all symbols. Wrong: any
probability off by 0.25 or more, at a supervised step.

Variants:
  2a  the next symbol is predicted at every step
  2b  the symbols between are random, drawn from a_1 ... a_(p-1), so that no regularity helps; only the last
      symbol is predicted

Trivial predictor, equal probabilities for k: loss ln 2 / p (2b: ln 2), every sequence wrong.

Source: Hochreiter & Schmidhuber 1997, experiments 2a and (after) 2b. The input grows with the lag: at lag
1000 a batch of 20 takes 80 MB.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from longlag.bench.contract import Batch, Lags, SoftmaxCrossEntropy, Task
from longlag.tasks.parts.draws import every_step, integers, last_step, one_hot, uniforms
from longlag.tasks.parts.rules import off_probability

OFF = 0.25
KEYS = 2


class LongLag(Task):
    """Experiments 2a and 2b of Hochreiter & Schmidhuber 1997."""

    name = "long_lag"
    source = "Hochreiter & Schmidhuber 1997, Neural Computation 9(8), experiment 2a, and after 2b"
    variants: ClassVar = {
        "2a": "the same symbols between, the next symbol at every step",
        "2b": "random symbols between, only the last symbol is predicted",
    }
    one_length = ("2a", "2b")
    facts: ClassVar = {
        "inputs": "p + 1 one-hot symbols",
        "targets": "the next symbol at every step (2b: the last, which equals the first)",
        "length": "p",
        "lag": "p; p - 1 steps from the first input to the last target",
        "loss": "softmax cross entropy",
        "wrong": "a probability off by 0.25 or more at a supervised step",
        "trivial": "equal probabilities for the last symbol: ln 2 / p (2b: ln 2), all wrong",
    }

    def __init__(self, lag: int, variant: str | None = None) -> None:
        super().__init__(lag, variant)
        self.input_size = lag + 1
        self.output_size = lag + 1
        self.loss = SoftmaxCrossEntropy()
        self.minimal_lag = lag - 1
        self.chance = 1.0
        self.chance_loss = math.log(2) / (lag if self.variant == "2a" else 1)
        self.key = 0

    def bring_near(self) -> None:
        """The key is the last input but one."""
        self.key = self.lag - 2
        self.minimal_lag = 1

    @classmethod
    def no_twin(cls, variant: str) -> str:
        """2a asks for every symbol but the first, and the key can be none of these."""
        return "the symbol before the key would have to foretell it" if variant == "2a" else ""

    @classmethod
    def lags(cls, variant: str) -> Lags:
        """At least one symbol between; at most 1000, as the input grows with the lag."""
        return Lags(2, 1000)

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        """Inputs [p, B, p + 1], targets [p, B] or [1, B] classes."""
        if self.variant == "2a":
            keys = integers(uniforms(batch_size, 1, generator), 0, KEYS)
            between = np.broadcast_to(np.arange(KEYS, self.lag + 1), (batch_size, self.lag - 1))
            symbols = np.concatenate((keys, between, keys), axis=1)
            targets, mask = symbols[:, 1:].T, every_step(self.lag)
        else:
            block = uniforms(batch_size, self.lag, generator)
            symbols = integers(block, KEYS, self.lag + 1)
            symbols[:, self.key] = integers(block[:, self.key], 0, KEYS)
            targets, mask = symbols[:, [self.key]].T, last_step(self.lag)
        inputs = one_hot(symbols[:, : self.lag], self.input_size)
        return Batch(inputs, torch.from_numpy(np.ascontiguousarray(targets)), mask)

    def wrong(self, outputs: Tensor, batch: Batch) -> Tensor:
        """A probability off by 0.25 or more."""
        return off_probability(outputs, batch, OFF)
