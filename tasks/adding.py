"""The adding problem: remember two marked numbers, give their sum at the end.

Inputs: a value and a marker at every step. Target: the (scaled) sum of the two marked values, at the
last step. Loss: squared error. Wrong: off by more than 0.04 from the target.

Variants:
  hs97  values U[-1, 1], markers {1, 0, -1}, those of the first and last step -1; target
        0.5 + (X1 + X2) / 4. First key in the first ten steps, second among the first T/2 - 1 steps
        still unmarked; a key on the very first step counts as 0. Length uniform on [T, 1.1 T].
        (Hochreiter & Schmidhuber 1997, experiment 4)
  ms11  values U[0, 1], markers {1, 0}; target the mean of the two. Keys in [0, T/10) and
        [T/10, T/2). Length uniform on [T, 1.1 T]. (Martens & Sutskever 2011)
  s13   the same with the sum as target: 0.04 on the sum is twice as strict as on the mean.
        (Sutskever, Martens, Dahl & Hinton 2013, and its code)
  a16   values U[0, 1], markers {1, 0}; target the sum; one key in each half, so that the second may
        come at the very end. Length T. (Arjovsky, Shah & Bengio 2016)

Lag: `lag` is the papers' T; what must be bridged is at least T/2 (a16: 0 for the second key, T/2 for
the first).

Trivial predictor, the mean: squared error 1/24 (sums: 1/6), .8464 of the sequences wrong (sums: .9216).
For hs97 these hold while no key is the first step; the class gives the exact figures.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from longlag.bench.contract import Batch, Lags, SquaredError, Task
from longlag.tasks.parts.draws import last_step
from longlag.tasks.parts.marked import bridged, draw_marked, hs97_mute, shortest_lag
from longlag.tasks.parts.rules import off_target

TOLERANCE = 0.04
# target = scale (X1 + X2) + shift
SCALES = {"hs97": (0.25, 0.5), "ms11": (0.5, 0.0), "s13": (1.0, 0.0), "a16": (1.0, 0.0)}
# Whose markers and lengths a variant has.
MARKERS = {"hs97": "hs97", "ms11": "ms11", "s13": "ms11", "a16": "a16"}


class Adding(Task):
    """The adding problem of Hochreiter & Schmidhuber 1997 and three later definitions."""

    name = "adding"
    source = (
        "Hochreiter & Schmidhuber 1997, Neural Computation 9(8), experiment 4; "
        "Martens & Sutskever 2011, ICML; Sutskever, Martens, Dahl & Hinton 2013, ICML; "
        "Arjovsky, Shah & Bengio 2016, ICML"
    )
    variants: ClassVar = {
        "hs97": "values U[-1,1], end markers -1, target 0.5 + (X1+X2)/4; keys in [0, 10), [0, T/2)",
        "ms11": "values U[0,1], target the mean; keys in [0, T/10) and [T/10, T/2)",
        "s13": "ms11 with the sum as target: judged twice as strictly",
        "a16": "values U[0,1], target the sum; one key in each half, length T",
    }
    one_length = ("a16",)
    facts: ClassVar = {
        "inputs": "2: a value and a marker",
        "targets": "the (scaled) sum of the two marked values, at the last step",
        "length": "uniform on [T, 1.1 T], one a batch; a16: T",
        "lag": "T; at least T/2 is bridged (a16: 0 for the second key, T/2 for the first)",
        "loss": "squared error",
        "wrong": "off by more than 0.04",
        "trivial": "the mean: squared error 1/24, .846 wrong (s13, a16: 1/6, .922; hs97: a little less)",
    }

    def __init__(self, lag: int, variant: str | None = None) -> None:
        super().__init__(lag, variant)
        self.input_size = 2
        self.output_size = 1
        self.loss = SquaredError()
        self.markers = MARKERS[self.variant]
        self.minimal_lag = bridged(self.markers, lag)
        self._reckon_chance(hs97_mute(lag) if self.variant == "hs97" else 0.0)

    def _reckon_chance(self, mute: float) -> None:
        """What the mean reaches where a key is mute in the share `mute` of the sequences."""
        # The mean of two uniforms is triangular; with one of them mute, (X / 4) is uniform on +-1/4.
        both, one = (1 - 2 * TOLERANCE) ** 2, 1 - 4 * TOLERANCE
        if SCALES[self.variant] == (1, 0):
            self.chance, self.chance_loss = (1 - TOLERANCE) ** 2, 1 / 6
        else:
            self.chance = (1 - mute) * both + mute * one
            self.chance_loss = (2 - mute) / 48

    def bring_near(self) -> None:
        """The keys lie among the six steps before the last, one in each half of them (hs97: any two)."""
        self.minimal_lag = 1
        # No key is the first step any more.
        self._reckon_chance(0.0)

    @classmethod
    def lags(cls, variant: str) -> Lags:
        """Every lag whose windows are non-empty."""
        return Lags(shortest_lag(MARKERS[variant]))

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        """Inputs [T, B, 2], targets [1, B, 1]."""
        drawn = draw_marked(self.markers, self.lag, batch_size, generator, self.is_twin)
        if self.variant == "hs97":
            drawn.inputs[:, :, 0] = 2 * drawn.inputs[:, :, 0] - 1
        scale, shift = SCALES[self.variant]
        labels = torch.from_numpy(shift + scale * drawn.pair(neutral=0).sum(1)).view(1, batch_size, 1)
        return Batch(torch.from_numpy(drawn.inputs), labels, last_step(len(drawn.inputs)))

    def wrong(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Off by more than 0.04; what is not a number is wrong."""
        return off_target(outputs, batch, TOLERANCE)
