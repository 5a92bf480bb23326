"""Remedies combined into a method: which change fills which part, and how a model is built from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import optuna

from longlag.bench.contract.errors import BadInput, Untaken
from longlag.bench.contract.method import Method
from longlag.bench.contract.recipe import EMPTY, Change, Part, Recipe, Remedy, Undeclared
from longlag.bench.contract.task import Sizes, Task
from longlag.bench.plugins import tuning
from longlag.bench.plugins.guard import patience


class Combination(Method):
    """The method made of one or more remedies on the vanilla recipe.

    `baseline` is the vanilla remedy: its companions fill every part nobody else fills.
    """

    def __init__(self, remedies: Sequence[Remedy], baseline: Remedy) -> None:
        """Raises BadInput where two remedies claim one part."""
        self.name = "+".join(remedy.name for remedy in remedies)  # type: ignore[misc]
        self.source = "; ".join(remedy.source for remedy in remedies)  # type: ignore[misc]
        self.remedies = tuple(remedies)
        self.baseline = baseline
        owners: dict[Part, Change] = {}
        for remedy in remedies:
            for part in remedy.parts:
                if part in owners:
                    other = owners[part]
                    raise BadInput(
                        f"{other.label} and {remedy.label} cannot be combined: both change the {part}"
                    )
                owners[part] = remedy
        companions = [c for remedy in (*remedies, baseline) for c in remedy.companions]
        chosen: list[Change] = []
        for companion in companions:
            if any(part in owners for part in companion.parts):
                continue
            owners.update(dict.fromkeys(companion.parts, companion))
            chosen.append(companion)
        # Companions first: a remedy sees the recipe it changes complete.
        self.steps: tuple[Change, ...] = (*chosen, *remedies)
        self._check_names()

    def _check_names(self) -> None:
        seen: dict[str, Change] = {}
        for step in self.steps:
            for name in step.parameters:
                if name in seen:
                    raise BadInput(
                        f"{self.name!r} cannot be combined: {seen[name].label} and "
                        f"{step.label} both have a hyperparameter {name!r}"
                    )
                seen[name] = step

    def supports(self, task: Task) -> str | None:
        """The first reason one of its remedies gives."""
        return next((why for remedy in self.remedies if (why := remedy.supports(task))), None)

    def warm_up(self) -> None:
        """Every step's warm-up."""
        for step in self.steps:
            step.warm_up()

    def recipes(self, sizes: Sizes) -> list[dict[str, Any]]:
        """The remedies' recipes side by side: all their first together, all their second, and so on.

        A remedy's recipe sets its own hyperparameters and those of companions that no other remedy brought,
        or that the baseline has alike; where several set one, the first named does. One that brings fewer
        recipes repeats its last. The baseline's first recipe sets the rest.
        Hyperparameters of a companion that was replaced are dropped; an unknown name is kept, and reported
        where it is tried.
        """
        brought = [(remedy, remedy.recipes(sizes)) for remedy in self.remedies]
        count = max(len(recipes) for _, recipes in brought)
        base = next(iter(self.baseline.recipes(sizes)), {})
        everyone = {c for remedy in (*self.remedies, self.baseline) for c in (remedy, *remedy.companions)}
        dropped = {name for change in everyone for name in change.parameters}
        dropped -= {name for step in self.steps for name in step.parameters}
        combined = []
        for number in range(count):
            recipe = dict(base)
            for remedy, recipes in reversed(brought):
                if recipes:
                    own = recipes[min(number, len(recipes) - 1)]
                    recipe |= {name: value for name, value in own.items() if name not in self._others(remedy)}
            combined.append({name: value for name, value in recipe.items() if name not in dropped})
        return combined

    def _others(self, remedy: Remedy) -> set[str]:
        """The hyperparameters that the other remedies alone brought."""
        others = {c for other in self.remedies for c in (other, *other.companions)}
        others -= {remedy, *remedy.companions}
        common = [(type(companion), vars(companion)) for companion in self.baseline.companions]
        alone = {step for step in others if (type(step), vars(step)) not in common}
        return {name for step in self.steps if step in alone for name in step.parameters}

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """The hyperparameters of every step, in one flat dictionary."""
        return {name: value for step in self.steps for name, value in step.suggest(trial, task).items()}

    def recipe(self, hyperparameters: Mapping[str, Any]) -> Recipe:
        """The recipe for these hyperparameters.

        Raises BadInput for one that no step knows, and Undeclared.
        """
        known = {name for step in self.steps for name in step.parameters}
        unknown = sorted(set(hyperparameters) - known)
        if unknown:
            raise BadInput(f"method {self.name!r} has no hyperparameter {unknown[0]!r}")
        recipe = EMPTY
        for step in self.steps:
            chosen = {name: hyperparameters[name] for name in step.parameters if name in hyperparameters}
            recipe = step.applied(recipe, chosen)
        return recipe

    def check(self, task: Task) -> None:
        """Raises Undeclared or Untaken where the recipes or one random suggestion show it."""
        try:
            with patience():
                recipes = self.recipes(task.sizes)
                study = tuning.study(recipes, optuna.samplers.RandomSampler(seed=0))
                for _ in range(len(recipes) + 1):
                    recipe = self.recipe(self.suggest(study.ask(), task))
                    if recipe.state_noise or recipe.horizon is not None:
                        recipe.optimise(recipe.network(task), task)
        except Undeclared:
            raise
        except Untaken as untaken:
            raise Untaken(f"{self.name!r} cannot be trained: {untaken}") from None
        except Exception:
            # Whatever else is wrong with a plugin costs its own trials.
            return

    def build(self, task: Task, **hyperparameters: Any) -> Any:
        """A RecipeModule for `task`."""
        # With Lightning, which takes seconds to import; nothing but training needs it.
        from longlag.bench.contract.module import RecipeModule

        return RecipeModule(task, self.recipe(hyperparameters))
