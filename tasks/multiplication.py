"""The multiplication problem: remember two marked numbers, give their product at the end.

Inputs: a value from U[0, 1] and a marker at every step. Target: the product of the two marked values, at
the last step. Loss: squared error. Wrong: off by more than 0.04.

Variants: markers, key windows and lengths are those of the adding problem.
  hs97  a key on the very first step counts as 1. (Hochreiter & Schmidhuber 1997, experiment 5)
  ms11  keys in [0, T/10) and [T/10, T/2). (Martens & Sutskever 2011)
  a16   one key in each half, after the adding problem of Arjovsky, Shah & Bengio 2016

Lag: `lag` is the papers' T; what must be bridged is at least T/2 (a16: 0 for the second key).

Trivial predictor, the mean 1/4: squared error 7/144, .8886 of the sequences wrong. For hs97 these hold
while no key is the first step; the class gives the exact figures.
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor

from longlag.bench.contract import Batch, Lags, SquaredError, Task
from longlag.tasks.parts.draws import last_step
from longlag.tasks.parts.marked import VARIANTS, bridged, draw_marked, hs97_mute, shortest_lag
from longlag.tasks.parts.rules import off_target

TOLERANCE = 0.04


class Multiplication(Task):
    """The multiplication problem of Hochreiter & Schmidhuber 1997 and later definitions of its keys."""

    name = "multiplication"
    source = (
        "Hochreiter & Schmidhuber 1997, Neural Computation 9(8), experiment 5; "
        "Martens & Sutskever 2011, ICML; after Arjovsky, Shah & Bengio 2016, ICML"
    )
    variants: ClassVar = VARIANTS
    one_length = ("a16",)
    facts: ClassVar = {
        "inputs": "2: a value from U[0,1] and a marker",
        "targets": "the product of the two marked values, at the last step",
        "length": "uniform on [T, 1.1 T], one a batch; a16: T",
        "lag": "T; at least T/2 is bridged (a16: 0 for the second key, T/2 for the first)",
        "loss": "squared error",
        "wrong": "off by more than 0.04",
        "trivial": "the mean: squared error 7/144, .889 wrong (hs97: a little more error)",
    }

    def __init__(self, lag: int, variant: str | None = None) -> None:
        super().__init__(lag, variant)
        self.input_size = 2
        self.output_size = 1
        self.loss = SquaredError()
        self.minimal_lag = bridged(self.variant, lag)
        self._reckon_chance(hs97_mute(lag) if self.variant == "hs97" else 0.0)

    def _reckon_chance(self, mute: float) -> None:
        """What the mean reaches where a key is mute in the share `mute` of the sequences."""
        # One live factor: U[0,1]. Two: the product, with distribution function x - x ln x.
        mean = (1 - mute) / 4 + mute / 2
        self.chance_loss = (1 - mute) / 9 + mute / 3 - mean**2

        def below(x: float) -> float:
            return (1 - mute) * (x - x * math.log(x)) + mute * x

        self.chance = 1 - below(mean + TOLERANCE) + below(mean - TOLERANCE)

    def bring_near(self) -> None:
        """The keys lie among the six steps before the last, one in each half of them (hs97: any two)."""
        self.minimal_lag = 1
        # No key is the first step any more.
        self._reckon_chance(0.0)

    @classmethod
    def lags(cls, variant: str) -> Lags:
        """Every lag whose windows are non-empty."""
        return Lags(shortest_lag(variant))

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        """Inputs [T, B, 2], targets [1, B, 1]."""
        drawn = draw_marked(self.variant, self.lag, batch_size, generator, self.is_twin)
        labels = torch.from_numpy(drawn.pair(neutral=1).prod(1)).view(1, batch_size, 1)
        return Batch(torch.from_numpy(drawn.inputs), labels, last_step(len(drawn.inputs)))

    def wrong(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Off by more than 0.04; what is not a number is wrong."""
        return off_target(outputs, batch, TOLERANCE)
