"""A window: a learner without a memory that sees the last steps only. A control, no remedy.

It sees the last k steps at every step that is asked for, with k the task's minimal lag: distances 0 to k - 1,
while every input that matters lies k steps or more before its target. Whatever it answers better than the
trivial predictor, it answers without bridging the lag; so on a task whose difficulty is its lag it stays at
chance. Where the minimal lag is 0, as in adding a16 whose second key may come last, it sees the present step.

Two learners, so that it does not stay at chance for want of one: ridge regression, and a net with one hidden
layer. Up to 300 numbers they are given the steps as they are; of wider windows the nearest steps one by one,
those behind summed over ever wider spans, and many inputs mixed into 16 at random.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import optuna

from longlag.bench.contract import Method, Sizes, Task

if TYPE_CHECKING:
    from longlag.bench.contract import SequenceModel


class SlidingWindow(Method):
    """A learner without a memory that sees the last steps only, as many as the task's minimal lag."""

    name = "window"
    control: ClassVar = True

    def recipes(self, sizes: Sizes) -> Sequence[Mapping[str, Any]]:
        """The net, and the regression."""
        return (
            {"learner": "net", "units": 50, "learning_rate": 3e-3, "batch_size": 50},
            {"learner": "ridge", "penalty": 1e-6, "batch_size": 50},
        )

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """The learner, what it has to be told, and the size of its batches."""
        learner = trial.suggest_categorical("learner", ("ridge", "net"))
        chosen: dict[str, Any] = {"learner": learner}
        if learner == "ridge":
            chosen["penalty"] = trial.suggest_float("penalty", 1e-10, 1e-1, log=True)
        else:
            chosen["units"] = trial.suggest_int("units", 10, 200, log=True)
            chosen["learning_rate"] = trial.suggest_float("learning_rate", 1e-4, 3e-2, log=True)
        return {**chosen, "batch_size": trial.suggest_categorical("batch_size", (20, 50, 100, 200))}

    def build(  # type: ignore[override]
        self,
        task: Task,
        *,
        learner: Literal["ridge", "net"],
        batch_size: int,
        penalty: float = 0.0,
        units: int = 0,
        learning_rate: float = 0.0,
    ) -> SequenceModel:
        """The model; its weights from torch's global generator."""
        # With Lightning, which takes seconds to import; nothing but training needs it.
        from longlag.methods.parts.controls.window_model import WindowNet, WindowRidge

        if learner == "ridge":
            return WindowRidge(task, penalty=penalty, batch_size=batch_size)
        return WindowNet(task, units=units, learning_rate=learning_rate, batch_size=batch_size)
