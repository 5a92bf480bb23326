"""Random guessing: weights drawn again and again until a net answers rightly. A control, no remedy.

Nothing is trained: what such a net solves needs no gradient across the lag, and so proves nothing about one
that was brought across. Hochreiter & Schmidhuber 1996 solved the latch and the two-sequence problem so, and
Schmidhuber, Hochreiter & Bengio 2001 (Evaluating benchmark problems by random guessing, in Kolen & Kremer, A
Field Guide to Dynamical Recurrent Networks) several more "long-lag" tasks, sooner than by any training.

A guess is a small fully recurrent net, every weight drawn from U[-r, r] (r = 100 as published). It is
judged by the task's own rule on fresh training sequences, and charged one forward pass for each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import optuna

from longlag.bench.contract import Method, Sizes, Task

if TYPE_CHECKING:
    from longlag.bench.contract import SequenceModel


class RandomGuessing(Method):
    """Weights drawn again and again, never trained: the first net that happens to be right."""

    name = "random_guessing"
    source = "Hochreiter & Schmidhuber 1996, NIPS 9; Schmidhuber, Hochreiter & Bengio 2001"
    control: ClassVar = True

    def recipes(self, sizes: Sizes) -> Sequence[Mapping[str, Any]]:
        """Weights as large as published, that saturate every unit; and smaller ones, that do not."""
        return (
            {"units": 3, "scale": 100.0},
            {"units": 5, "scale": 10.0},
            {"units": 5, "scale": 2.0},
        )

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """How many units a net has, and how large its weights may be."""
        return {
            "units": trial.suggest_int("units", 1, 16, log=True),
            "scale": trial.suggest_float("scale", 0.5, 200.0, log=True),
        }

    def build(  # type: ignore[override]
        self, task: Task, *, units: int, scale: float
    ) -> SequenceModel:
        """The model; guesses descend from torch's global generator."""
        # With Lightning, which takes seconds to import; nothing but training needs it.
        from longlag.methods.parts.controls.guessing_model import GuessingModel

        return GuessingModel(task, units=units, scale=scale)
