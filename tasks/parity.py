"""Parity: say at the end whether the number of ones was odd.

Inputs: a random bit at every step. Target: 1 where the number of ones is odd, else 0, at the last step. Loss:
sigmoid cross entropy, the output a logit. Wrong: the other answer is more probable.

Two states and one rule, s <- s xor x, answer it at any length. But every bit turns the answer over: who has
missed one of them knows nothing, and no part of the rule helps before all of it does.

Variants (T is the lag):
  o18        T bits, 0 or 1 (OpenAI 2018, warm-up of the Requests for Research 2.0, T = 50; the suite of
             optimisers LightBench has it with 4 to 96 bits)
  o18_mixed  the same, with a length drawn for every batch, uniform on [1, T]: one net for all lengths, and
             the short ones may teach the rule (OpenAI 2018, there a length for every sequence)
  b94        bits of 1 and -1 in noise uniform on [-0.2, 0.2], a length uniform on [T/2, T]: published at 25
             to 50 and at 250 to 500 steps (Bengio, Simard & Frasconi 1994; Bengio & Frasconi 1994)

Lag: the first bit is asked for L - 1 steps after it was shown, L the length: T - 1 in o18, T/2 - 1 in the
shortest sequences of b94, 0 in those of o18_mixed, where the last step alone answers one sequence in T. Who
sees only a window that misses the first bit is right half the time. Random guessing, which trains nothing,
finds the rule: in 2,906 guesses on average where bits are clean, in 41,400 where they are not (Schmidhuber,
Hochreiter & Bengio 2001). So what is hard is not to hold the answer, but that no gradient points to it.

The twin takes away the lag, and with it most of the bits that count: only the last six are drawn, and those
before are 0 (b94: -1, in noise). It is still the parity of all bits, and the same net answers both.

Trivial predictor, 1/2: loss ln 2, half the sequences wrong.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from longlag.bench.contract import Batch, Lags, SigmoidCrossEntropy, Task
from longlag.tasks.parts.draws import between, integers, last_step, uniforms
from longlag.tasks.parts.near import NEAR
from longlag.tasks.parts.rules import wrong_bit

NOISE = 0.2


class Parity(Task):
    """Whether the number of ones is odd: every step matters, and none alone."""

    name = "parity"
    source = (
        "Bengio, Simard & Frasconi 1994, IEEE Transactions on Neural Networks 5(2); "
        "OpenAI 2018, Requests for Research 2.0; Schmidhuber, Hochreiter & Bengio 2001"
    )
    variants: ClassVar = {
        "o18": "T bits, 0 or 1",
        "o18_mixed": "o18 with lengths mixed, uniform on [1, T]",
        "b94": "bits of 1 and -1 in noise uniform on [-0.2, 0.2], lengths uniform on [T/2, T]",
    }
    one_length = ("o18",)
    facts: ClassVar = {
        "inputs": "1: a random bit, 0 or 1; b94: 1 or -1, and uniform noise",
        "targets": "whether the number of ones is odd, at the last step",
        "length": "T; o18_mixed: uniform on [1, T], b94: on [T/2, T], one a batch",
        "lag": "T; the first bit is bridged over T - 1 steps, b94: at least T/2 - 1, o18_mixed: at least 0",
        "loss": "sigmoid cross entropy",
        "wrong": "the wrong answer",
        "trivial": "one half: ln 2, 1/2 wrong",
    }

    def __init__(self, lag: int, variant: str | None = None) -> None:
        super().__init__(lag, variant)
        self.input_size = 1
        self.output_size = 1
        self.loss = SigmoidCrossEntropy()
        self.shortest = {"o18": lag, "o18_mixed": 1, "b94": lag // 2}[self.variant]
        self.minimal_lag = self.shortest - 1
        self.chance = 0.5
        self.chance_loss = math.log(2)

    def bring_near(self) -> None:
        """The last six bits are random, and all before them are 0 (b94: -1)."""
        self.minimal_lag = min(self.minimal_lag, NEAR - 1)

    @classmethod
    def lags(cls, variant: str) -> Lags:
        """Every lag with a bit before the last."""
        return Lags(2)

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        """Inputs [T, B, 1], targets [1, B, 1] in {0, 1}."""
        noise = self.lag if self.variant == "b94" else 0
        if self.variant == "o18":
            length, block = self.lag, uniforms(batch_size, self.lag, generator)
        else:
            length, block = between(self.shortest, self.lag, batch_size, noise, generator)
        bits = integers(block[:, noise : noise + length], 0, 2)
        if self.is_twin:
            bits[:, :-NEAR] = 0
        odd = (bits.sum(1) % 2).astype(np.float32)
        shown = bits.astype(np.float32)
        if noise:
            shown = 2 * shown - 1 + NOISE * (2 * block[:, :length] - 1)
        inputs = np.ascontiguousarray(shown.T)[..., np.newaxis]
        return Batch(
            torch.from_numpy(inputs), torch.from_numpy(odd).view(1, batch_size, 1), last_step(length)
        )

    def wrong(self, outputs: Tensor, batch: Batch) -> Tensor:
        """The other answer; what is not a number is wrong."""
        return wrong_bit(outputs, batch)
