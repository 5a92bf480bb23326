"""Learners that see a window as LightningModules: a ridge regression, and a net with one hidden layer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from longlag.bench.contract import Batch, SequenceModel, SquaredError, Task
from longlag.methods.parts.controls.window import Window
from longlag.methods.parts.draws import Draws
from longlag.methods.parts.echo_state.ridge import NormalEquations

GROWTH = 1.1
"""The rows seen grow by this factor between two solves."""
SHARPNESSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""A regressed class y in [0, 1] becomes a logit s (2 y - 1): what s may be."""
STEPS = 50
"""Supervised steps of a batch that are learned from, at most."""
PIECE = 4_000_000
"""Numbers held at once: longer sequences are answered piece by piece."""


class WindowModel(SequenceModel):
    """Answers from the last `task.minimal_lag` steps alone, the present one among them (one, where it is 0).

    An input that matters lies at least `minimal_lag` steps before its target, and so just outside.
    """

    def __init__(self, task: Task, batch_size: int) -> None:
        super().__init__(task)
        self.batch_size = batch_size
        self.window = Window(max(1, task.minimal_lag), task.input_size)
        self.draws = Draws()
        self._cost = 0.0

    @property
    def weights(self) -> int:
        """N, what a step takes that is not asked for anything."""
        return self.window.weights

    @property
    def state_bytes(self) -> float:
        """The steps that the window shows beside the present one."""
        return float(self.window.kept * torch.get_default_dtype().itemsize)

    def cost(self, batch: Batch) -> float:
        """FLOPs of the last training step: 2 N T a sequence to see it, and what was learned of its rows."""
        return 2.0 * self.weights * batch.length * batch.size + self._cost

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Outputs [S, B, K] at the supervised steps."""
        asked = mask.nonzero().flatten()
        at_once = max(1, PIECE // (inputs.shape[1] * self.window.count))
        return torch.cat(
            [self.answer(self.window(inputs, self._only(mask, p))) for p in asked.split(at_once)]
        )

    def answer(self, shown: Tensor) -> Tensor:
        """Outputs [S, B, K] from what the window shows [S, B, F]."""
        raise NotImplementedError

    def thinned(self, batch: Batch) -> Batch:
        """The batch with at most STEPS of its supervised steps, drawn anew."""
        asked = batch.mask.nonzero().flatten()
        if len(asked) <= STEPS:
            return batch
        drawn = torch.randperm(len(asked), generator=self.draws.generator)[:STEPS].sort().values
        return Batch(batch.inputs, batch.targets[drawn], self._only(batch.mask, asked[drawn]))

    @staticmethod
    def _only(mask: Tensor, steps: Tensor) -> Tensor:
        chosen = torch.zeros_like(mask)
        chosen[steps] = True
        return chosen


class WindowRidge(WindowModel):
    """Ridge regression of the targets, classes one-hot, on what the window shows.

    A class's logit is as sharp as suited the last batch best before it was learned from.
    """

    check_share: float | None = 1.0

    def __init__(self, task: Task, *, penalty: float, batch_size: int) -> None:
        super().__init__(task, batch_size)
        self.automatic_optimization = False
        self.penalty = penalty
        self.logits = not isinstance(task.loss, SquaredError)
        self.equations = NormalEquations(self.window.count, task.output_size)
        readout = torch.zeros(self.window.count, task.output_size, dtype=torch.float64)
        self.readout = nn.Parameter(readout, requires_grad=False)
        self.intercept = nn.Parameter(readout[0].clone(), requires_grad=False)
        self.register_buffer("solved_rows", torch.tensor(0.0, dtype=torch.float64))
        self.register_buffer("sharpness", torch.tensor(1.0, dtype=torch.float64))

    solved_rows: Tensor
    sharpness: Tensor

    @property
    def revision(self) -> int:
        """The rows that the readout was solved with."""
        return int(self.solved_rows)

    def configure_optimizers(self) -> Any:
        """None is needed."""
        return []

    def answer(self, shown: Tensor) -> Tensor:
        """By the readout last solved."""
        linear = shown @ self.readout + self.intercept
        return (self.sharpness * (2 * linear - 1) if self.logits else linear).float()

    @torch.no_grad()
    def training_step(self, batch: Batch, index: int) -> Tensor:
        """Some more rows of the regression; the loss before them."""
        batch = self.thinned(batch)
        shown = self.window(batch.inputs, batch.mask)
        before = self.answer(shown)
        if self.logits and self.solved_rows > 0:
            self._sharpen(before, batch.targets)
        goals = batch.targets
        if not goals.is_floating_point():
            goals = nn.functional.one_hot(goals, self.task.output_size)
        rows = shown.flatten(0, 1)
        self.equations.add(rows, goals.double().flatten(0, 1))
        self._cost = 2.0 * len(rows) * self.readout.numel() + self.equations.add_cost(len(rows))
        if self.equations.rows >= GROWTH * self.solved_rows:
            found = self.equations.solve(self.penalty)
            self.readout.copy_(found.weights)
            self.intercept.copy_(found.intercept)
            self.solved_rows.copy_(self.equations.rows)
            self._cost += found.flops
        return self.task.loss(before, batch.targets)

    def _sharpen(self, outputs: Tensor, targets: Tensor) -> None:
        """Choose the sharpness with the smallest loss."""
        losses = [float(self.task.loss(outputs * (s / self.sharpness), targets)) for s in SHARPNESSES]
        self.sharpness.fill_(SHARPNESSES[losses.index(min(losses))])


class WindowNet(WindowModel):
    """A net with one hidden layer of tanh units on what the window shows, trained by Adam."""

    def __init__(self, task: Task, *, units: int, learning_rate: float, batch_size: int) -> None:
        super().__init__(task, batch_size)
        self.learning_rate = learning_rate
        self.net = nn.Sequential(
            nn.Linear(self.window.count, units), nn.Tanh(), nn.Linear(units, task.output_size)
        )
        self._row = 6.0 * units * (self.window.count + task.output_size)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam."""
        return torch.optim.Adam(self.net.parameters(), lr=self.learning_rate)

    def answer(self, shown: Tensor) -> Tensor:
        """By the net as it is."""
        outputs: Tensor = self.net(shown.float())
        return outputs

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """The loss on the batch."""
        batch = self.thinned(batch)
        self._cost = self._row * batch.targets.shape[0] * batch.size
        return self.task.loss(self(batch.inputs, batch.mask), batch.targets)
