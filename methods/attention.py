"""Feed-forward attention: no recurrence, so no lag; and no order. What it solves needs none.

Every step is looked at by itself, and one weighted mean over all steps is answered from; the weights are
learned. Raffel & Ellis 2015 showed that adding and multiplication can be solved so at any length: of the
marked steps it matters which they are, and not when they were. A task that this net solves is hard for
recurrent nets by the number of steps alone; one that it does not solve asks for an order.

It answers once, so it takes the tasks that are judged at their last step and no others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import optuna

from longlag.bench.contract import Method, Sizes, Task

if TYPE_CHECKING:
    from longlag.bench.contract import SequenceModel
    from longlag.methods.parts.attention.attention_model import Score


class FeedForwardAttention(Method):
    """A net that sees every step by itself and answers from one learned mean over them: blind to order."""

    name = "attention"
    source = "Raffel & Ellis 2015, arXiv 1512.08756"

    def supports(self, task: Task) -> str | None:
        """Tasks with one target a sequence, at its last step."""
        # With torch, which takes a second to import.
        import torch

        mask = task.draw(1, torch.Generator().manual_seed(0), "train").mask
        if int(mask.sum()) == 1 and bool(mask[-1]):
            return None
        return "attention answers once, at the last step, and the task has targets at others"

    def recipes(self, sizes: Sizes) -> Sequence[Mapping[str, Any]]:
        """Few units and a score without bounds, which learns with the fewest FLOPs; and as published."""
        return (
            {"score": "linear", "units": 32, "batch_size": 20, "learning_rate": 0.01, "halving": 3000.0},
            {"score": "tanh", "units": 100, "batch_size": 100, "learning_rate": 3e-3, "halving": 1e5},
        )

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """How steps are scored, units, Adam's rate and the updates after which it has halved, batch size."""
        return {
            "score": trial.suggest_categorical("score", ("linear", "tanh")),
            "units": trial.suggest_int("units", 8, 128, log=True),
            "learning_rate": trial.suggest_float("learning_rate", 1e-4, 3e-2, log=True),
            "halving": trial.suggest_float("halving", 5e2, 1e5, log=True),
            "batch_size": trial.suggest_categorical("batch_size", (10, 20, 50, 100)),
        }

    def build(  # type: ignore[override]
        self,
        task: Task,
        *,
        score: Score,
        units: int,
        learning_rate: float,
        halving: float,
        batch_size: int,
    ) -> SequenceModel:
        """The model; its weights from torch's global generator."""
        # With Lightning, which takes seconds to import; nothing but training needs it.
        from longlag.methods.parts.attention.attention_model import Attention

        return Attention(
            task,
            units=units,
            score=score,
            learning_rate=learning_rate,
            halving=halving,
            batch_size=batch_size,
        )
