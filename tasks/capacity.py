"""The capacity task: repeat a smooth signal, up to T steps later.

Inputs: u, noise without anything faster than 10 cycles in T steps: 25 cosines of 1 to 25 cycles in the
length 2.5 T, of normal amplitudes and any phase, scaled to a mean square of 1/8. Targets: u as it is and as
it was T/4, T/2, 3T/4 and T steps ago. Asked at every T/20-th step from T on: two steps a cycle of the fastest
wave. Length 2.5 T. Loss: squared error, as a mean over the answers. Wrong: the squared error over a
sequence's answers is more than a hundredth of 1/8.

Variants:
  v19  as published; there the signal is scaled to a largest value of 1 (so that its mean square is about 1/8:
       the authors' program begins at a loss of .1255), begins near 0, and is asked at every step

Lag: T, and none for the first of the five. Of the last T steps a net must hold 20 numbers, a cosine and a
sine of each of ten waves, at every step: nothing marks what will be asked for.

Trivial predictor, the mean: squared error 1/8, every sequence wrong.

Source: Voelker, Kajic & Eliasmith 2019, the capacity task, and its authors' program. When a sequence is wrong
is our rule: the paper gives the squared error at each of the five delays.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from longlag.bench.contract import Batch, Lags, SquaredError, Task
from longlag.tasks.parts.draws import normals, uniforms

WAVES = 25
MEAN_SQUARE = 0.125
OFF = 0.01
"""The share of the mean square that a sequence's error may be."""
DELAYS = 5


class Capacity(Task):
    """Hold the last T steps of a smooth signal."""

    name = "capacity"
    source = "Voelker, Kajic & Eliasmith 2019, NeurIPS, section 4.1"
    variants: ClassVar = {"v19": "noise of at most 10 cycles in T steps; asked: 0, T/4, T/2, 3T/4 and T ago"}
    one_length = ("v19",)
    facts: ClassVar = {
        "inputs": "1: noise of at most 10 cycles in T steps, of mean square 1/8",
        "targets": "what it is, and was T/4, T/2, 3T/4 and T steps ago, at every T/20-th step from T on",
        "length": "2.5 T",
        "lag": "T; 0 for the first of the five",
        "loss": "squared error",
        "wrong": "a sequence's squared error over 1% of the signal's mean square",
        "trivial": "the mean: squared error 1/8, all wrong",
    }

    def __init__(self, lag: int, variant: str | None = None) -> None:
        super().__init__(lag, variant)
        self.input_size = 1
        self.output_size = DELAYS
        self.loss = SquaredError()
        self.length = 5 * lag // 2
        self.delays = np.arange(DELAYS) * lag // (DELAYS - 1)
        self.asked = np.arange(lag, self.length, lag // 20)
        self.minimal_lag = 0
        self.chance = 1.0
        self.chance_loss = MEAN_SQUARE

    @classmethod
    def lags(cls, variant: str) -> Lags:
        """From 40 on the fastest wave has four steps a cycle."""
        return Lags(40)

    @classmethod
    def no_twin(cls, variant: str) -> str:
        """None."""
        return "how long ago is itself what is asked for"

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        """Inputs [2.5 T, B, 1], targets [S, B, 5]."""
        amplitudes = normals(uniforms(batch_size, 2 * WAVES, generator)).astype(np.float64)
        amplitudes *= np.sqrt(2 * MEAN_SQUARE / np.square(amplitudes).sum(1, keepdims=True))
        spectrum = np.zeros((batch_size, self.length // 2 + 1), dtype=np.complex128)
        spectrum[:, 1 : WAVES + 1] = amplitudes[:, :WAVES] - 1j * amplitudes[:, WAVES:]
        signal = np.fft.irfft(spectrum, self.length, norm="forward").astype(np.float32) / 2
        mask = np.zeros(self.length, dtype=np.bool_)
        mask[self.asked] = True
        targets = signal[:, self.asked[:, None] - self.delays]
        return Batch(
            torch.from_numpy(np.ascontiguousarray(signal.T)[..., None]),
            torch.from_numpy(np.ascontiguousarray(targets.transpose(1, 0, 2))),
            torch.from_numpy(mask),
        )

    def wrong(self, outputs: Tensor, batch: Batch) -> Tensor:
        """A mean squared error over a hundredth of the signal's mean square; what is no number is wrong."""
        return ~((outputs - batch.targets).square().mean((0, 2)) <= OFF * MEAN_SQUARE)
