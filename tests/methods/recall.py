"""A task of a lag and nothing else, for tests of cells that remember."""

from __future__ import annotations

import torch

from longlag import Batch, SquaredError, Task


class Recall(Task):
    """Give the first input at the last step: a lag without distractors."""

    name = "recall"
    source = ""

    def __init__(self, lag: int, tolerance: float = 0.1) -> None:
        super().__init__(lag)
        self.input_size, self.output_size, self.loss = 2, 1, SquaredError()
        self.minimal_lag = lag - 1
        self.tolerance = tolerance

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        inputs = torch.zeros(self.lag, batch_size, 2)
        inputs[0] = torch.rand(batch_size, 2, generator=generator)
        return Batch(inputs, inputs[:1, :, :1].clone(), torch.arange(self.lag) == self.lag - 1)

    def wrong(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        return (outputs - batch.targets).abs().amax((0, 2)) > self.tolerance
