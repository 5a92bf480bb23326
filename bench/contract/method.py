"""What a method is: a plugin that builds a model for a task, and what that model must do.

Shapes throughout: T steps, B sequences, D inputs, K outputs, S supervised steps (where a target
is given). Time comes first.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import optuna
import pytorch_lightning as pl
from torch import Tensor

from longlag.bench.contract.task import Batch, Sizes, Task

MOST_RECIPES = 3
"""How many first guesses a method may bring."""


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

    def cost(self, batch: Batch) -> float:
        """FLOPs the last training step on `batch` cost: one gradient of a sequence is 6 N T."""
        return 6.0 * self.weights * batch.length * batch.size


class Method(ABC):
    """A plugin that builds a model for a task from hyperparameters, and suggests those to Optuna."""

    name: ClassVar[str]
    source: ClassVar[str] = ""

    def supports(self, task: Task) -> str | None:
        """None where the method can train on `task`, else one line that says why not."""
        return None

    def warm_up(self) -> None:
        """Compile or load what the first training step would otherwise pay for; called off the clock."""

    def recipes(self, sizes: Sizes) -> Sequence[Mapping[str, Any]]:
        """What the first tuning trials try, at most MOST_RECIPES, in Optuna's names; it fills the rest.

        First guesses are no answers: they are the same for every task, but for formulas of its sizes.
        """
        return ()

    @abstractmethod
    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """Hyperparameters from Optuna's define-by-run `trial`; must be JSON values."""

    @abstractmethod
    def build(self, task: Task, **hyperparameters: Any) -> pl.LightningModule:
        """The model to train. Torch's global generator has been seeded for this trial."""
