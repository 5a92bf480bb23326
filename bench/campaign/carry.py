"""A setting carried up a climb: the best of the rung below, made to fit the longer lag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

Recipe = Mapping[str, Any]


def carried(
    best: Recipe,
    ranges: Mapping[str, BaseDistribution],
    below: Sequence[Recipe],
    here: Sequence[Recipe],
) -> dict[str, Any]:
    """The setting `best` of the rung below, its numbers scaled as the method's recipes scale them.

    A number that the recipe nearest to `best` changes from the rung below (`below`) to this one (`here`) is
    changed in the same ratio, and kept within its range in `ranges`; all else stays. So a setting that is a
    recipe becomes that recipe at the longer lag.
    """
    if not below or len(below) != len(here):
        return dict(best)
    nearest = max(range(len(below)), key=lambda index: _alike(best, below[index]))
    old, new = below[nearest], here[nearest]
    return {name: _scaled(value, old.get(name), new.get(name), ranges[name]) for name, value in best.items()}


def _alike(best: Recipe, recipe: Recipe) -> int:
    """How many values two settings share."""
    return sum(name in best and best[name] == value for name, value in recipe.items())


def _scaled(value: Any, old: Any, new: Any, within: BaseDistribution) -> Any:
    if isinstance(within, CategoricalDistribution):
        # A choice has no ratio: it follows the recipe where it was the recipe's.
        return new if value == old and new in within.choices else value
    if not isinstance(within, FloatDistribution | IntDistribution) or not old or new is None:
        return value
    if value == old:
        return new
    scaled = min(max(value * new / old, within.low), within.high)
    return round(scaled) if isinstance(within, IntDistribution) else scaled
