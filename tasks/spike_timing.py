"""Spike-interval timing: tell whether two spikes are `lag` steps apart, or one step less.

Inputs: one line, 1 at two spikes and 0 elsewhere. The first spike comes at a step uniform on [0, W), W =
max(2, lag/10), the second lag or lag - 1 steps later. Target: 1 for the longer interval, at the last step,
which is at least lag steps after the first spike. Length lag + W. Loss: sigmoid cross entropy. Wrong: the
other interval is more probable. lag = 50 is the published pair of intervals, 49 against 50 steps.

The first spike's time is random so that the time of the second alone tells little: of its W + 1 possible
steps the first goes with the shorter interval only and the last with the longer only, and in between both
are equally probable. Trivial predictor, who sees the second spike alone: right with probability
1/2 + 1/(2W), so that 1/2 - 1/(2W) of the sequences are wrong: .25 below lag 30, .40 at 50, .45 at 100; loss
(1 - 1/W) ln 2.

Source: after Gers, Schraudolph & Schmidhuber 2002 (and Gers & Schmidhuber 2000), where spikes follow one
another without end; here each sequence holds one interval.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from longlag.bench.contract import Batch, Lags, SigmoidCrossEntropy, Task
from longlag.tasks.parts.draws import integers, last_step, uniforms
from longlag.tasks.parts.rules import wrong_bit


class SpikeTiming(Task):
    """Tell an interval of `lag` steps between two spikes from one of lag - 1."""

    name = "spike_timing"
    source = "after Gers, Schraudolph & Schmidhuber 2002, Journal of Machine Learning Research 3"
    variants: ClassVar = {"pair": "one pair of spikes, lag or lag - 1 steps apart"}
    one_length = ("pair",)
    facts: ClassVar = {
        "inputs": "1: 1 at two spikes, else 0",
        "targets": "whether the interval was lag rather than lag - 1, at the last step",
        "length": "lag + W, the first spike in the first W = max(2, lag/10) steps",
        "lag": "the longer interval (published: 50); from the first spike to the target at least lag",
        "loss": "sigmoid cross entropy",
        "wrong": "the wrong interval",
        "trivial": "who sees the second spike alone: (1 - 1/W) ln 2, 1/2 - 1/(2W) wrong (lag 50: .40)",
    }

    def __init__(self, lag: int, variant: str | None = None) -> None:
        super().__init__(lag, variant)
        self.input_size = 1
        self.output_size = 1
        self.loss = SigmoidCrossEntropy()
        self.starts = max(2, lag // 10)
        self.length = lag + self.starts
        self.minimal_lag = lag
        # The two intervals put the second spike at the same step but for the first and the last of its steps.
        alike = 1 - 1 / self.starts
        self.chance = alike / 2
        self.chance_loss = alike * math.log(2)

    @classmethod
    def lags(cls, variant: str) -> Lags:
        """From 2 on the two spikes are two."""
        return Lags(2)

    @classmethod
    def no_twin(cls, variant: str) -> str:
        """None."""
        return "the interval itself is what is asked for"

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        """Inputs [lag + W, B, 1], targets [1, B, 1] in {0, 1}."""
        block = uniforms(batch_size, 2, generator)
        first = integers(block[:, 0], 0, self.starts)
        longer = integers(block[:, 1], 0, 2)
        sequences = np.arange(batch_size)
        line = np.zeros((self.length, batch_size, 1), dtype=np.float32)
        line[first, sequences, 0] = 1
        line[first + self.lag - 1 + longer, sequences, 0] = 1
        labels = torch.from_numpy(longer.astype(np.float32)).view(1, batch_size, 1)
        return Batch(torch.from_numpy(line), labels, last_step(self.length))

    def wrong(self, outputs: Tensor, batch: Batch) -> Tensor:
        """The other interval; what is not a number is wrong."""
        return wrong_bit(outputs, batch)
