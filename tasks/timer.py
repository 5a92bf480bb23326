"""The timer: a pulse says start, a number says for how long.

Inputs: u1 is 1 at the start and 0 elsewhere; u2, one of 0.1, 0.2, ..., 1.0, is the duration in units of the
lag. Target: y = 0.5 for floor(lag u2) steps, the step of the start being the first of them, and 0 elsewhere,
at every step. Loss: cross entropy of a sigmoid against y / 0.5, so that an output is a logit, and the
threshold y = 0.25 is the logit 0.

Variants:
  start  u2 is given at the start only (0 elsewhere): start and duration must both be remembered. u2 marks the
         start here as well as u1 does: the pulse says nothing that the number does not
  held   u2 is held at every step, as a dial: only u1 tells the start, only the time since must be remembered

Length: T = W + 1.05 lag, fixed. One start a sequence, at a random step, uniform on the first
W = max(10, lag/5), so that a clock that counts from the first step is rarely right; the longest duration
ends at least lag/20 steps before the end. (The source starts again and again and redraws u2 each time, so
that there a change of u2 tells all starts but the first; here the first is the only one.) Lag: lag/10 to
lag; lag = 1000 is the published size.

Wrong: an edge moved by more than 1% of the full duration (lag / 100 steps, none below lag 100): some step
further than that from both edges is on the wrong side of 0.25. No paper gives a criterion: this one is ours.

Trivial predictor, the best clock that knows u2 and the number of the step, but not when the start was. With
m = lag // 100, one answer is right for 2 m + 1 neighbouring starts and none for more, so 1 - (2 m + 1) / W
of the sequences are wrong: .9 at lag 20, .85 at 100, .895 at 1000. Its loss: the entropy of "on" at a step,
given u2.

Source: after Jaeger 2002, GMD report 159, the timer example.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from longlag.bench.contract import Batch, Lags, SigmoidCrossEntropy, Task
from longlag.tasks.parts.draws import every_step, integers, uniforms
from longlag.tasks.parts.entropy import binary_entropy

FEWEST_STARTS = 10


class Timer(Task):
    """Switch on at a pulse, and off after a given number of steps."""

    name = "timer"
    source = "after Jaeger 2002, GMD report 159"
    variants: ClassVar = {
        "start": "the duration u2 is given at the start only, and so marks it as u1 does",
        "held": "the duration u2 is held at every step: u1 alone tells the start",
    }
    one_length = ("start", "held")
    facts: ClassVar = {
        "inputs": "2: u1 the start pulse, u2 the duration in {0.1, ..., 1.0} of the lag",
        "targets": "y = 0.5 for lag u2 steps from the start on, else 0, at every step",
        "length": "W + 1.05 lag; one start, uniform on the first W = max(10, lag/5) steps",
        "lag": "lag/10 to lag steps from the start to the off edge; lag 1000 is the published size",
        "loss": "sigmoid cross entropy against y / 0.5",
        "wrong": "an on or off edge moved by more than lag/100 steps, at threshold 0.25",
        "trivial": "the best clock that knows u2 but not the start: 1 - (2 (lag // 100) + 1) / W wrong",
    }

    def __init__(self, lag: int, variant: str | None = None) -> None:
        super().__init__(lag, variant)
        self.input_size = 2
        self.output_size = 1
        self.loss = SigmoidCrossEntropy()
        self.starts = max(FEWEST_STARTS, lag // 5)
        self.length = self.starts + lag + lag // 20
        self.tolerance = lag // 100
        self.durations = lag * np.arange(1, 11) // 10
        self.minimal_lag = lag // 10
        self.chance = 1 - (2 * self.tolerance + 1) / self.starts
        # of the equally probable starts, the share that leaves the timer on at a step, [T, 10]
        step = np.arange(self.length)[:, None]
        first, last = np.maximum(step - self.durations + 1, 0), np.minimum(step, self.starts - 1)
        self.chance_loss = binary_entropy(np.maximum(last - first + 1, 0) / self.starts)

    @classmethod
    def lags(cls, variant: str) -> Lags:
        """From 20 on there is a step to judge the longest duration by."""
        return Lags(20)

    @classmethod
    def no_twin(cls, variant: str) -> str:
        """None."""
        return "the time since the pulse is itself what is asked for"

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        """Inputs [T, B, 2], targets [T, B, 1] in {0, 1}."""
        block = uniforms(batch_size, 2, generator)
        start = integers(block[:, 0], 0, self.starts)
        tenths = integers(block[:, 1], 1, 11)
        sequences = np.arange(batch_size)
        dial = (tenths / 10).astype(np.float32)
        inputs = np.zeros((self.length, batch_size, 2), dtype=np.float32)
        inputs[start, sequences, 0] = 1
        if self.variant == "held":
            inputs[:, :, 1] = dial
        else:
            inputs[start, sequences, 1] = dial
        steps = np.arange(self.length)[:, None]
        on = ((steps >= start) & (steps < start + self.durations[tenths - 1])).astype(np.float32)
        return Batch(torch.from_numpy(inputs), torch.from_numpy(on).unsqueeze(-1), every_step(self.length))

    def wrong(self, outputs: Tensor, batch: Batch) -> Tensor:
        """An edge moved by more than the tolerance, or another one somewhere."""
        goal = batch.targets > 0.5
        edges = goal.clone()
        edges[1:] ^= goal[:-1]
        passed = edges.int().cumsum(0)
        steps = torch.arange(len(goal), device=goal.device)
        # An edge at step e may come anywhere in [e - tol, e + tol]: steps from e - tol on, before e + tol.
        after = passed[(steps + self.tolerance).clamp(max=len(goal) - 1)]
        before = passed[(steps - self.tolerance).clamp(min=0)]
        before[: self.tolerance] = 0
        right = ((outputs > 0) == goal) & ~outputs.isnan()
        return ~(right | (after > before)).all(0).all(-1)
