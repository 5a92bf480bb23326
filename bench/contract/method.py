"""What a method is: a plugin that builds a model for a task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import optuna

from longlag.bench.contract.task import Sizes, Task

if TYPE_CHECKING:
    # Seconds, and `longlag list` trains nothing.
    import pytorch_lightning as pl

MOST_RECIPES = 3
"""How many first guesses a method may bring."""


class Method(ABC):
    """A plugin that builds a model for a task from hyperparameters, and suggests those to Optuna."""

    name: ClassVar[str]
    source: ClassVar[str] = ""
    control: ClassVar[bool] = False
    """Whether it certifies the tasks and is no remedy: what a control solves, tells nothing about the lag."""

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
