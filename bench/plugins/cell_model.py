"""What a cell of the user's is trained as."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from longlag.bench.contract.module import SequenceModel
from longlag.bench.contract.task import Task
from longlag.bench.plugins.cell import states_of, tried, weights


class CellModel(SequenceModel):
    """A recurrent layer [T, B, D] -> [T, B, H] and a linear readout of its states at the supervised steps."""

    def __init__(
        self, task: Task, cell: nn.Module, *, learning_rate: float, threshold: float, batch_size: int
    ) -> None:
        """Raises Unfit where the cell cannot be trained."""
        super().__init__(task)
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.threshold = threshold
        self.cell = cell
        states, left = tried(cell, task.input_size)
        self._state_bytes = sum(part.nbytes for part in left) / 2 or math.nan
        self.readout = nn.Linear(states.shape[2], task.output_size)

    def states(self, inputs: Tensor) -> Tensor:
        """[T, B, H] from inputs [T, B, D]."""
        return states_of(self.cell(inputs))

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Outputs [S, B, K] at the supervised steps."""
        outputs: Tensor = self.readout(self.states(inputs)[mask])
        return outputs

    @property
    def weights(self) -> int:
        """N of the cell."""
        return weights(self.cell)

    @property
    def state_bytes(self) -> float:
        """Of what the cell returns beside its states, as torch's own do; NaN where that is nothing."""
        return self._state_bytes

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam."""
        return torch.optim.Adam(self.parameters(), self.learning_rate)

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        """Pascanu, Mikolov & Bengio 2013, Algorithm 1."""
        nn.utils.clip_grad_norm_(self.parameters(), self.threshold)
