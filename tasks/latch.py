"""The latch: one bit, then noise; say at the end what the bit was.

Inputs: one number a step: +1 or -1 at the first, then noise from N(0, 0.04) (deviation 0.2) for `lag` steps.
Target: the bit, at the last step, `lag` steps after it. Length lag + 1. Loss: sigmoid cross entropy. Wrong:
the other bit is more probable. Trivial predictor, 1/2: loss ln 2, half the sequences wrong.

Source: after Bengio, Simard & Frasconi 1994, whose latch learns its first inputs, too; here they are given.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from longlag.bench.contract import Batch, SigmoidCrossEntropy, Task
from longlag.tasks.parts.draws import integers, last_step, normals, uniforms
from longlag.tasks.parts.rules import wrong_bit

DEVIATION = 0.2


class Latch(Task):
    """Hold one bit against noise: the least that any long lag asks for."""

    name = "latch"
    source = "after Bengio, Simard & Frasconi 1994, IEEE Transactions on Neural Networks 5(2)"
    variants: ClassVar = {"b94": "one bit at the first step, then noise of deviation 0.2"}
    one_length = ("b94",)
    facts: ClassVar = {
        "inputs": "1: +1 or -1 at the first step, then Gaussian noise of deviation 0.2",
        "targets": "the bit, at the last step",
        "length": "lag + 1",
        "lag": "exactly what is bridged",
        "loss": "sigmoid cross entropy",
        "wrong": "the wrong bit",
        "trivial": "1/2: ln 2, 1/2 wrong",
    }

    def __init__(self, lag: int, variant: str | None = None) -> None:
        super().__init__(lag, variant)
        self.input_size = 1
        self.output_size = 1
        self.loss = SigmoidCrossEntropy()
        self.minimal_lag = lag
        self.chance = 0.5
        self.chance_loss = math.log(2)
        self.key = 0

    def bring_near(self) -> None:
        """The bit is the last input but one, and noise comes before and after it."""
        self.key = self.lag - 1
        self.minimal_lag = 1

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        """Inputs [lag + 1, B, 1], targets [1, B, 1] in {0, 1}."""
        block = uniforms(batch_size, self.lag + 1, generator)
        bits = integers(block[:, self.key], 0, 2).astype(np.float32)
        line = np.empty((self.lag + 1, batch_size, 1), dtype=np.float32)
        line[:, :, 0] = DEVIATION * normals(block).T
        line[self.key, :, 0] = 2 * bits - 1
        labels = torch.from_numpy(bits).view(1, batch_size, 1)
        return Batch(torch.from_numpy(line), labels, last_step(self.lag + 1))

    def wrong(self, outputs: Tensor, batch: Batch) -> Tensor:
        """The other bit; what is not a number is wrong."""
        return wrong_bit(outputs, batch)
