"""A case from its first tuning trial to its last retest, as a coroutine of batches.

It yields lists of TrialSpecs and is sent their Outcomes in the same order. All it decides depends on
the campaign seed and on those outcomes alone, so it can run anywhere, and an interrupted campaign is
resumed by running it again with the outcomes that are known.
"""

from __future__ import annotations

import warnings
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, cast

import optuna

from bench import handed
from bench.contract import MOST_RECIPES, Method, Task
from bench.guard import patience, plain, reason, where
from bench.profile import Cell, Profile
from bench.seeds import derive
from bench.spec import FAILED, Case, Outcome, Phase, TrialSpec, score

optuna.logging.set_verbosity(optuna.logging.ERROR)

Program = Generator[list[TrialSpec], list[Outcome], optuna.Study]


@dataclass(frozen=True)
class CaseProgram:
    """What is needed to run a case."""

    cell: Cell
    profile: Profile
    method: Method
    task: Task

    @property
    def case(self) -> Case:
        """The cell's case."""
        return self.cell.case

    def run(self) -> Program:
        """Tune, then retest; returns the study."""
        study = optuna.create_study(
            study_name=self.case.study,
            storage=optuna.storages.InMemoryStorage(),
            direction="minimize",
            pruner=optuna.pruners.NopPruner(),
        )
        best: tuple[float, TrialSpec] | None = None
        cheapest: float | None = None
        ran = False
        recipes, faults = self._recipes()
        for recipe in recipes:
            study.enqueue_trial(recipe)
        for number, size in enumerate(self._batches()):
            study.sampler = self._sampler(number)
            asked = [self._ask(study, cheapest, recipes, faults) for _ in range(size)]
            outcomes = yield [spec for _, spec in asked]
            for (trial, spec), outcome in zip(asked, outcomes, strict=True):
                value = score(outcome, spec.limits.budget)
                trial.set_user_attr("run_id", spec.run_id)
                trial.set_user_attr("status", outcome.status)
                study.tell(trial, value)
                ran = ran or outcome.status not in FAILED
                if best is None or value < best[0]:
                    best = value, spec
                if outcome.solved and (cheapest is None or outcome.flops < cheapest):
                    cheapest = outcome.flops
        if best is not None and ran:
            yield [self._retest(best[1], number) for number in range(self.profile.retests)]
        return study

    def _batches(self) -> list[int]:
        whole, rest = divmod(self.cell.trials, self.profile.batch)
        return [self.profile.batch] * whole + [rest] * (rest > 0)

    def _sampler(self, batch: int) -> optuna.samplers.BaseSampler:
        seed = derive(self.profile.seed, self.case.study, "sampler", batch) % 2**32
        if self.profile.sampler == "random":
            return optuna.samplers.RandomSampler(seed=seed)
        return optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=self.profile.startup, constant_liar=True
        )

    def _recipes(self) -> tuple[list[dict[str, Any]], dict[int, str]]:
        """What the method would try first, and why some trials cannot try it.

        Recipes that fail together cost the trial that would have tried the first.
        """
        recipes: list[dict[str, Any]] = []
        faults: dict[int, str] = {}
        try:
            with patience():
                given = list(self.method.recipes(self.task.sizes))
                if len(given) > MOST_RECIPES:
                    raise ValueError(f"{len(given)} recipes: a method may bring {MOST_RECIPES}")
        except Exception as error:
            return [], {0: where(error)}
        for number, recipe in enumerate(given):
            try:
                recipes.append(handed.hyperparameters(recipe, "a recipe is"))
            except Exception as error:
                recipes.append({})
                faults[number] = reason(error)
        return recipes, faults

    def _ask(
        self,
        study: optuna.Study,
        cheapest: float | None,
        recipes: list[dict[str, Any]],
        faults: dict[int, str],
    ) -> tuple[optuna.Trial, TrialSpec]:
        trial = study.ask()
        fault = faults.get(trial.number, "")
        hyperparameters: dict[str, Any] = {}
        try:
            with warnings.catch_warnings(), patience():
                warnings.simplefilter("ignore")
                asking = cast(optuna.Trial, handed.Suggestions(trial))
                given = self.method.suggest(asking, self.task)
                hyperparameters = handed.hyperparameters(given, "suggest returned")
        except Exception as error:
            fault = where(error)
        recipe = recipes[trial.number] if trial.number < len(recipes) else {}
        unknown = sorted(set(recipe) - set(trial.distributions))
        if unknown and not fault:
            fault = plain(f"the recipe sets {unknown[0]!r}, which no suggestion asked for")
        factor = self.profile.cap
        cap = None if factor is None or cheapest is None else factor * cheapest
        return trial, self._spec("tune", trial.number, hyperparameters, cap, fault)

    def _retest(self, best: TrialSpec, number: int) -> TrialSpec:
        return self._spec("retest", number, best.hyperparameters, None, "")

    def _spec(
        self, phase: Phase, number: int, hyperparameters: dict[str, Any], cap: float | None, fault: str
    ) -> TrialSpec:
        return TrialSpec(
            case=self.case,
            phase=phase,
            number=number,
            seed=derive(self.profile.seed, self.case.study, phase, number),
            hyperparameters=hyperparameters,
            limits=self.profile.limits(self.cell.budget, cap),
            checks=self.profile.check_sizes(),
            plugins=tuple(self.profile.plugins),
            fault=fault,
        )
