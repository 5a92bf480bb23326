"""The xor problem: remember two marked bits, say at the end whether they differ.

Inputs: a random bit and a marker {1, 0} at every step. Target: the exclusive or of the two marked bits, at
the last step. Loss: sigmoid cross entropy, the output a logit. Wrong: the other bit is more probable.

Keys in [0, T/10) and [T/10, T/2), length uniform on [T, 1.1 T], T the lag; at least T/2 is bridged.
Trivial predictor, 1/2: loss ln 2, half the sequences wrong.

Source: Martens & Sutskever 2011; Hochreiter & Schmidhuber 1997 name it as a hard variant of the adding
problem.
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor

from longlag.bench.contract import Batch, Lags, SigmoidCrossEntropy, Task
from longlag.tasks.parts.draws import last_step
from longlag.tasks.parts.marked import bridged, draw_marked, shortest_lag
from longlag.tasks.parts.rules import wrong_bit


class Xor(Task):
    """Exclusive or of two marked bits: no part of the answer helps before all of it does."""

    name = "xor"
    source = "Martens & Sutskever 2011, ICML"
    variants: ClassVar = {"ms11": "keys in [0, T/10) and [T/10, T/2)"}
    facts: ClassVar = {
        "inputs": "2: a random bit and a marker",
        "targets": "the exclusive or of the two marked bits, at the last step",
        "length": "uniform on [T, 1.1 T], one a batch",
        "lag": "T; at least T/2 is bridged",
        "loss": "sigmoid cross entropy",
        "wrong": "the wrong bit",
        "trivial": "one half: ln 2, 1/2 wrong",
    }

    def __init__(self, lag: int, variant: str | None = None) -> None:
        super().__init__(lag, variant)
        self.input_size = 2
        self.output_size = 1
        self.loss = SigmoidCrossEntropy()
        self.minimal_lag = bridged(self.variant, lag)
        self.chance = 0.5
        self.chance_loss = math.log(2)

    def bring_near(self) -> None:
        """The keys lie among the six steps before the last, one in each half of them."""
        self.minimal_lag = 1

    @classmethod
    def lags(cls, variant: str) -> Lags:
        """Every lag whose windows are non-empty."""
        return Lags(shortest_lag(variant))

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        """Inputs [T, B, 2], targets [1, B, 1] in {0, 1}."""
        drawn = draw_marked(self.variant, self.lag, batch_size, generator, self.is_twin)
        drawn.inputs[:, :, 0] = drawn.inputs[:, :, 0] >= 0.5
        x1, x2 = drawn.pair(neutral=0).T
        labels = torch.from_numpy(abs(x1 - x2)).view(1, batch_size, 1)
        return Batch(torch.from_numpy(drawn.inputs), labels, last_step(len(drawn.inputs)))

    def wrong(self, outputs: Tensor, batch: Batch) -> Tensor:
        """The other bit; what is not a number is wrong."""
        return wrong_bit(outputs, batch)
