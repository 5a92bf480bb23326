"""Temporal order: say in which order two (or three) key symbols came.

Inputs: one-hot symbols. Target: the order of the keys as one class, 4 for two keys and 8 for three (the
first key is the most significant bit, X = 0, Y = 1), at the last step. Loss: softmax cross entropy.

Variants (T is the lag; HS97 publish T = 100 only, and their windows are scaled with T here):
  hs97    8 symbols: a-d distract, X and Y are keys, E starts and B ends every sequence. Keys in
          [T/10, 2T/10] and [5T/10, 6T/10], both ends included and counted from 1 as the paper counts (at
          T = 100 the 0-based steps 9-19 and 49-59), never the first step. Length uniform on [T, 1.1 T].
          Wrong: any class probability off by 0.3 or more (the paper: any output unit).
          (Hochreiter & Schmidhuber 1997, experiment 6a)
  hs97_3  the same with three keys, in [.10T, .20T], [.33T, .43T], [.66T, .76T]. (experiment 6b)
  ms11    6 symbols, no start or end symbol; keys in [T/10, 2T/10) and [5T/10, 6T/10). Length T. Wrong:
          another class. (Martens & Sutskever 2011; Pascanu, Mikolov & Bengio 2013)
  ms11_3  the same with three keys, in [T/10, 2T/10), [3T/10, 4T/10), [6T/10, 7T/10).
  p13_mixed  ms11 with a length L drawn for every batch, uniform on [50, T], T above 50 (published: 200), and
          keys in [L/10, 2L/10) and [5L/10, 6L/10): one net for all lengths. Training and questions are drawn
          from the same mixture. (Pascanu, Mikolov & Bengio 2013)

Lag: from the last key to the end at least 4T/10 (hs97, ms11), .24 T (hs97_3), 3T/10 (ms11_3): 40 and 24 at
the published T = 100 of hs97. In p13_mixed 4L/10, which is 20 for the shortest sequences and 4T/10 for the
longest: who sees the last 4T/10 steps, is right more often than by chance, on the shorter ones.

Trivial predictor, equal probabilities: loss ln 4 or ln 8; by the rule of hs97 every sequence is wrong,
by those of the others 3/4 (ms11_3: 7/8) of them.
"""

from __future__ import annotations

import math
from functools import cache
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from longlag.bench.contract import Batch, Lags, SoftmaxCrossEntropy, Task
from longlag.tasks.parts.draws import Ints, between, integers, last_step, one_hot, stretched, uniforms
from longlag.tasks.parts.near import from_answer, near_windows
from longlag.tasks.parts.rules import off_probability, wrong_class

# Percent of T: [from, to], counted from 1 and the end included for hs97, from 0 and excluded for ms11.
WINDOWS = {
    "hs97": ((10, 20), (50, 60)),
    "hs97_3": ((10, 20), (33, 43), (66, 76)),
    "ms11": ((10, 20), (50, 60)),
    "ms11_3": ((10, 20), (30, 40), (60, 70)),
    "p13_mixed": ((10, 20), (50, 60)),
}
SHORTEST_MIXED = 50
DISTRACTORS = 4
X = 4  # symbols: a b c d X Y E B; Y is X + 1
START, END = 6, 7
OFF = 0.3


class TemporalOrder(Task):
    """The temporal-order problem with two or three keys."""

    name = "temporal_order"
    source = (
        "Hochreiter & Schmidhuber 1997, Neural Computation 9(8), experiments 6a and 6b; "
        "Martens & Sutskever 2011, ICML; Pascanu, Mikolov & Bengio 2013, ICML"
    )
    variants: ClassVar = {
        "hs97": "2 keys, 8 symbols with start and end, wrong at 0.3 off (experiment 6a)",
        "hs97_3": "3 keys, 8 symbols with start and end, wrong at 0.3 off (experiment 6b)",
        "ms11": "2 keys, 6 symbols, no start or end symbol, length T, wrong class",
        "ms11_3": "3 keys, 6 symbols, no start or end symbol, length T, wrong class",
        "p13_mixed": "ms11 with lengths mixed, uniform on [50, T], the windows scaled with the length",
    }
    one_length = ("ms11", "ms11_3")
    facts: ClassVar = {
        "inputs": "8 one-hot symbols (ms11, p13: 6)",
        "targets": "the order of the keys: 4 classes (3 keys: 8), at the last step",
        "length": "uniform on [T, 1.1 T], one a batch; ms11: T; p13_mixed: uniform on [50, T], one a batch",
        "lag": "T; bridged from the last key: at least .4 T (hs97_3 .24 T, ms11_3 .3 T, p13_mixed 20)",
        "loss": "softmax cross entropy",
        "wrong": "any probability off by 0.3 or more; ms11, p13: wrong class",
        "trivial": "equal probabilities: ln 4 (3 keys: ln 8), all wrong; ms11, p13: 3/4 (3 keys: 7/8) wrong",
    }

    def __init__(self, lag: int, variant: str | None = None) -> None:
        super().__init__(lag, variant)
        self.ends = self.variant.startswith("hs97")
        self.mixed = self.variant == "p13_mixed"
        self.windows = self.key_windows(lag, self.variant)
        self.input_size = 8 if self.ends else 6
        self.output_size = 2 ** len(self.windows)
        self.powers = 1 << np.arange(len(self.windows))[::-1]
        self.loss = SoftmaxCrossEntropy()
        self.chance = 1.0 if self.ends else 1 - 1 / self.output_size
        self.chance_loss = math.log(self.output_size)
        shortest = SHORTEST_MIXED if self.mixed else lag
        self.minimal_lag = shortest - self.key_windows(shortest, self.variant)[-1][1]

    def bring_near(self) -> None:
        """The keys lie among the six steps before the last, each in its half (3 keys: third) of them."""
        self.windows = near_windows(len(self.windows))
        self.minimal_lag = 1

    @classmethod
    def lags(cls, variant: str) -> Lags:
        """Every lag whose windows are non-empty; p13_mixed: whose lengths are several."""
        return Lags(SHORTEST_MIXED + 1 if variant == "p13_mixed" else 10)

    @staticmethod
    def key_windows(lag: int, variant: str) -> tuple[tuple[int, int], ...]:
        """The steps [start, stop) of each key; `lag` is the length for p13_mixed."""
        windows = ((a * lag // 100, b * lag // 100) for a, b in WINDOWS[variant])
        if not variant.startswith("hs97"):
            return tuple(windows)
        # The first to the last of positions that count from 1; the first position is the start symbol's.
        return tuple((max(1, first - 1), last) for first, last in windows)

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        """Inputs [T, B, 6 or 8], targets [1, B] classes."""
        keys = len(self.windows)
        if self.ends:
            length, block = stretched(self.lag, batch_size, 2 * keys, generator)
        elif self.mixed:
            length, block = between(SHORTEST_MIXED, self.lag, batch_size, 2 * keys, generator)
        else:
            length, block = self.lag, uniforms(batch_size, self.lag + 2 * keys, generator)
        symbols = integers(block[:, 2 * keys : 2 * keys + length], 0, DISTRACTORS)
        bits = integers(block[:, :keys], 0, 2)
        windows = self.key_windows(length, self.variant) if self.mixed and not self.is_twin else self.windows
        steps = integers(block[:, keys : 2 * keys], *_bounds(windows))
        if self.is_twin:
            steps = from_answer(steps, length)
        symbols[np.arange(batch_size)[:, np.newaxis], steps] = X + bits
        if self.ends:
            symbols[:, 0] = START
            symbols[:, -1] = END
        classes = bits @ self.powers
        return Batch(
            one_hot(symbols, self.input_size), torch.from_numpy(classes).unsqueeze(0), last_step(length)
        )

    def wrong(self, outputs: Tensor, batch: Batch) -> Tensor:
        """hs97: a probability off by 0.3 or more; the others: another class."""
        if not self.ends:
            return wrong_class(outputs, batch)
        return off_probability(outputs, batch, OFF)


@cache
def _bounds(windows: tuple[tuple[int, int], ...]) -> tuple[Ints, Ints]:
    """The first steps of some windows, and those one past their last."""
    first, stop = zip(*windows, strict=True)
    return np.array(first), np.array(stop)
