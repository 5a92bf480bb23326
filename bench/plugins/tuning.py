"""Optuna's study of a method: in memory, a method's recipes first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import optuna


def study(
    recipes: Iterable[dict[str, Any]], sampler: optuna.samplers.BaseSampler | None = None, name: str = ""
) -> optuna.Study:
    """A new study, whose first trials are to try `recipes`; a name is made up where none is given."""
    made = optuna.create_study(
        study_name=name or None,
        storage=optuna.storages.InMemoryStorage(),
        sampler=sampler,
        pruner=optuna.pruners.NopPruner(),
        direction="minimize",
    )
    for recipe in recipes:
        made.enqueue_trial(recipe)
    return made
