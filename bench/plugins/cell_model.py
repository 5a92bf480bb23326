"""What a cell of the user's is trained as."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from longlag.bench.contract.module import SequenceModel
from longlag.bench.contract.task import Task


class CellModel(SequenceModel):
    """A recurrent layer [T, B, D] -> [T, B, H] and a linear readout of its states at the supervised steps."""

    def __init__(
        self, task: Task, cell: nn.Module, *, learning_rate: float, threshold: float, batch_size: int
    ) -> None:
        """Raises ValueError where the cell's states are not [T, B, H]."""
        super().__init__(task)
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.threshold = threshold
        self.cell = cell
        with torch.no_grad():
            made = self.cell(torch.zeros(3, 2, task.input_size))
        states = _states(made)
        self._state_bytes = sum(part.nbytes for part in _left(made)) / 2 or math.nan
        if states.ndim != 3 or states.shape[:2] != (3, 2):
            raise ValueError(
                f"{type(cell).__name__} made {list(states.shape)} of [3, 2, {task.input_size}], "
                "not [T, B, H]: time comes first"
            )
        self.readout = nn.Linear(states.shape[2], task.output_size)

    def states(self, inputs: Tensor) -> Tensor:
        """[T, B, H] from inputs [T, B, D]."""
        return _states(self.cell(inputs))

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Outputs [S, B, K] at the supervised steps."""
        outputs: Tensor = self.readout(self.states(inputs)[mask])
        return outputs

    @property
    def weights(self) -> int:
        """N, all that the cell has."""
        return sum(parameter.numel() for parameter in self.cell.parameters())

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


def _states(made: Any) -> Tensor:
    """The states [T, B, H] of what a cell returned."""
    states: Tensor = made[0] if isinstance(made, tuple) else made
    return states


def _left(made: Any) -> list[Tensor]:
    """What it returned beside its states, for a sequence to go on from: one tensor, or several."""
    left = made[1] if isinstance(made, tuple) and len(made) > 1 else ()
    parts = left if isinstance(left, (tuple, list)) else (left,)
    return [part for part in parts if isinstance(part, Tensor)]
