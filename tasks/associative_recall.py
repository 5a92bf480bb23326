"""Associative recall: pairs of a key and a value are shown; each key comes again, and its value is asked for.

Inputs: one-hot symbols, 64 of them: blank, 31 keys, 32 values. First n pairs, key and value in turn, all
keys different and all values too; then blanks, among which every key comes once more. Targets: the value of
the key, 32 classes, at the n steps where keys come again. Length T, T the lag. Loss: softmax cross entropy.
Wrong: any wrong value.

Keys come again at every second step from the last pair on: at the k-th of these with a probability that falls
as k^(a - 1), a = 0.01, two keys never at one. So most come soon and some late, as words do in text. The steps
are drawn for every batch; which keys they are and which values go with them, for every sequence.

Variants: n pairs at any length; the paper lets both grow, and finds a net's state to be what limits it
  a23_4   4 pairs (the paper: at 64 steps)
  a23_8   8 pairs (128 steps)
  a23_16  16 pairs (256 steps)

Here are 64 symbols, in the paper 8,192, which it embeds: one-hot they would fill the memory. Its 64 pairs in
512 steps need more keys than that, and are left out.

Lag: a value is kept for 1 to T - 2 steps, of every order of magnitude about as often. Of four keys in 1,000
steps one comes again in the later half in 39% of the batches, in the last tenth in 6%: who answers fewer than
one in a hundred sequences wrongly has bridged nearly all of it.

Trivial predictor, equal probabilities: loss ln 32, nearly every sequence wrong.

Source: Arora et al. 2023 (multi-query associative recall), and its code for the law of the gaps.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from longlag.bench.contract import Batch, Lags, SoftmaxCrossEntropy, Task
from longlag.tasks.parts.draws import Floats, Ints, one_hot, uniforms
from longlag.tasks.parts.rules import wrong_class

PAIRS = {"a23_4": 4, "a23_8": 8, "a23_16": 16}
KEYS = 31
VALUES = 32
FIRST_KEY = 1
FIRST_VALUE = FIRST_KEY + KEYS
POWER = 0.01


class AssociativeRecall(Task):
    """Values under keys: many things are held at once, and each is asked for by its name."""

    name = "associative_recall"
    source = "Arora et al. 2023, arXiv 2312.04927 (multi-query associative recall)"
    variants: ClassVar = {
        "a23_4": "4 pairs (published: at 64 steps)",
        "a23_8": "8 pairs (published: at 128 steps)",
        "a23_16": "16 pairs (published: at 256 steps)",
    }
    facts: ClassVar = {
        "inputs": "64 one-hot symbols: blank, 31 keys, 32 values (published: 8,192 symbols)",
        "targets": "the value of the key, 32 classes, at the n steps where keys come again",
        "length": "T",
        "lag": "T; a value is kept for 1 to T - 2 steps, of every order of magnitude about as often",
        "loss": "softmax cross entropy",
        "wrong": "any wrong value",
        "trivial": "equal probabilities: ln 32, nearly all wrong",
    }

    def __init__(self, lag: int, variant: str | None = None) -> None:
        super().__init__(lag, variant)
        self.pairs = PAIRS[self.variant]
        self.input_size = FIRST_VALUE + VALUES
        self.output_size = VALUES
        self.loss = SoftmaxCrossEntropy()
        self.minimal_lag = 1
        self.chance = 1 - float(VALUES) ** -self.pairs
        self.chance_loss = math.log(VALUES)
        self.places = (lag - 2 * self.pairs) // 2

    @classmethod
    def no_twin(cls, variant: str) -> str:
        """With eight keys and more the last that come again are as far away as in the task."""
        return "" if PAIRS[variant] < 8 else "so many keys keep the last of them waiting all the same"

    def bring_near(self) -> None:
        """The keys come again in the first 2n steps after the pairs."""
        self.places = self.pairs

    @classmethod
    def lags(cls, variant: str) -> Lags:
        """Every lag with as many places as keys."""
        return Lags(4 * PAIRS[variant])

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        """Inputs [T, B, 64], targets [n, B] classes."""
        again = 2 * self.pairs + 2 * self._gaps(generator)
        block = uniforms(batch_size, KEYS + VALUES, generator)
        keys = self._different(block[:, :KEYS])
        values = self._different(block[:, KEYS:])
        symbols = np.zeros((batch_size, self.lag), dtype=np.int64)
        symbols[:, 0 : 2 * self.pairs : 2] = FIRST_KEY + keys
        symbols[:, 1 : 2 * self.pairs : 2] = FIRST_VALUE + values
        symbols[:, again] = FIRST_KEY + keys
        mask = np.zeros(self.lag, dtype=np.bool_)
        mask[again] = True
        answers = values[:, np.argsort(again)].T
        return Batch(
            one_hot(symbols, self.input_size),
            torch.from_numpy(np.ascontiguousarray(answers)),
            torch.from_numpy(mask),
        )

    def wrong(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Another value is more probable at any of the n steps."""
        return wrong_class(outputs, batch)

    def _gaps(self, generator: torch.Generator) -> Ints:
        """Where each key comes again: n different numbers below `places`, in the order of the pairs.

        Who is first of racers that arrive at random, each at its own rate, is who is drawn first with
        these rates as weights; who is second, second of those that are left; and so on.
        """
        rates = np.arange(1, self.places + 1) ** (POWER - 1)
        arrivals = -np.log1p(-uniforms(1, self.places, generator)[0].astype(np.float64)) / rates
        return np.argsort(arrivals)[: self.pairs]

    def _different(self, block: Floats) -> Ints:
        """n different numbers [B, n] below K, from uniforms [B, K]."""
        return np.argsort(block, axis=1)[:, : self.pairs]
