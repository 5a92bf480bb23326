"""A task of sums, and a model that answers as it is told."""

from __future__ import annotations

import torch
from torch import Tensor

from longlag import Batch, SequenceModel, SquaredError, Task


class Sum(Task):
    """The sum of all inputs: learnable by a line, for tests of the engine."""

    name = "sum"
    source = "none"

    def __init__(self, lag: int = 5, variant: str | None = None) -> None:
        super().__init__(lag, variant)
        self.input_size = self.output_size = 1
        self.loss = SquaredError()
        self.chance, self.chance_loss, self.minimal_lag = 0.9, lag / 3, lag - 1

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        inputs = torch.rand(batch_size, self.lag, generator=generator).T.unsqueeze(-1)
        mask = torch.zeros(self.lag, dtype=torch.bool)
        mask[-1] = True
        return Batch(inputs, inputs.sum(0, keepdim=True), mask)

    def wrong(self, outputs: Tensor, batch: Batch) -> Tensor:
        return (outputs - batch.targets)[0, :, 0].abs() > 0.04


class Scripted(SequenceModel):
    """Answers rightly but for the sequences it is told to get wrong; counts what it was asked."""

    def __init__(self, task: Task, wrong_share: float = 0.0, fill: float = 1.0) -> None:
        super().__init__(task)
        self.automatic_optimization = False
        self.weight = torch.nn.Parameter(torch.ones(10))
        self.wrong_share = wrong_share
        self.fill = fill
        self.asked: list[Tensor] = []

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        self.asked.append(inputs)
        outputs = inputs.sum(0, keepdim=True)
        count = round(self.wrong_share * inputs.shape[1])
        outputs[:, :count] += self.fill
        return outputs

    def training_step(self, batch: Batch, index: int) -> Tensor:
        return torch.zeros(())

    def configure_optimizers(self) -> None:
        return None
