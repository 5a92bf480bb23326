"""What the engine trains: a LightningModule that says what a step costs, and a recipe as one.

Shapes throughout: T steps, B sequences, D inputs, K outputs, S supervised steps (where a target
is given). Time comes first.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from longlag.bench.contract.recipe import BareOptimizer, BatchOptimizer, Recipe
from longlag.bench.contract.task import Batch, Task


class SequenceModel(pl.LightningModule, ABC):
    """A LightningModule the engine can train: subclass it, set up layers, write `forward`.

    The engine feeds batches of `batch_size`, calls Lightning's `training_step`, and charges `cost`.
    """

    batch_size: int = 20
    check_share: float | None = None
    """Share of its FLOPs that success checks may take on top; None: the campaign's."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task = task

    @abstractmethod
    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Outputs [S, B, K] at the steps where `mask` [T] is true, from inputs [T, B, D]."""

    def training_step(self, batch: Batch, index: int) -> Any:
        """The task's loss on `batch`."""
        return self.task.loss(self(batch.inputs, batch.mask), batch.targets)

    @property
    def weights(self) -> int:
        """N, the weights used at every step: what FLOPs are counted by. All parameters, unless overridden."""
        return sum(parameter.numel() for parameter in self.parameters())

    @property
    def state_bytes(self) -> float:
        """What a step leaves of a sequence to the next, once trained, in bytes; NaN where it is not said."""
        return math.nan

    @property
    def revision(self) -> int | None:
        """Of its answers: one that was checked is not checked again. None: every update makes a new one."""
        return None

    @property
    def settled(self) -> bool:
        """Whether further sequences would hardly change what it answers: its trial ends, whatever is left."""
        return False

    def cost(self, batch: Batch) -> float:
        """FLOPs the last training step on `batch` cost: one gradient of a sequence is 6 N T."""
        return 6.0 * self.weights * batch.length * batch.size


class RecipeModule(SequenceModel):
    """The network a recipe describes, trained as it describes, by Lightning's manual optimisation.

    Manual, so that one training step reads as the recipe does: gradient, penalty, gradient rule,
    optimiser; and so that second-order optimisers can be given the batch.
    """

    def __init__(self, task: Task, recipe: Recipe) -> None:
        super().__init__(task)
        self.automatic_optimization = False
        self.recipe = recipe
        self.batch_size = recipe.batch_size
        self.network = recipe.network(task)
        recipe.initialiser(self.network, task)
        if recipe.penalty is not None:
            recipe.penalty.prepare(self.network)
        self._weights = self.network.recurrent.weights
        self._cost: float | None = None

    @property
    def weights(self) -> int:
        """N, recurrent and input weights."""
        return self._weights

    @property
    def state_bytes(self) -> float:
        """Those of the recurrent layer."""
        recurrent = self.network.recurrent
        return float(recurrent.remembered * self.network.readout.weight.element_size())

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Outputs [S, B, K] at the supervised steps."""
        outputs: Tensor = self.network(inputs, mask)
        return outputs

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The recipe's optimiser."""
        return self.recipe.optimise(self.network, self.task)

    def gradient(self, batch: Batch) -> Tensor:
        """Leave the loss's gradient, with penalty and gradient rule, in `.grad`; the loss."""
        loss = self.network.gradient(batch, self.task.loss)
        if self.recipe.penalty is not None:
            with torch.enable_grad():
                self.recipe.penalty.add_gradient(self.network, batch)
        rule = self.recipe.gradient
        if rule is not None:
            whole = getattr(rule, "whole", False)
            rule([self.network.flat()] if whole else list(self.network.parameters()))
        return loss

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """One update of the weights; the loss before it."""
        return self.update(self.optimizers(), batch)

    def update(self, optimizer: Any, batch: Batch) -> Tensor:
        """One update of the weights by `optimizer`, which it has configured; the loss before it.

        Lightning counts the steps of an optimiser that it has wrapped, and takes a while to.
        """
        inner = getattr(optimizer, "optimizer", optimizer)
        # One that Lightning has wrapped is of both classes, and counts only the steps that go through it.
        if inner is optimizer and isinstance(optimizer, BareOptimizer):
            taken = optimizer.bare_step(lambda: self.gradient(batch))
            assert taken is not None
            return taken
        if isinstance(inner, BatchOptimizer):
            inner.load(batch)
        loss: Tensor = optimizer.step(closure=lambda: self.gradient(batch))
        if isinstance(inner, BatchOptimizer):
            self._cost = inner.cost
        return loss

    def cost(self, batch: Batch) -> float:
        """FLOPs of the last training step, on `batch`."""
        return self.network.cost(batch) if self._cost is None else self._cost
