"""A case from its first tuning trial to its last retest, as a coroutine of batches.

It yields lists of TrialSpecs and is sent their Outcomes in the same order. All it decides depends on
the campaign seed and on those outcomes alone, so it can run anywhere, and an interrupted campaign is
resumed by running it again with the outcomes that are known.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import optuna

from longlag.bench.campaign.carry import carried
from longlag.bench.campaign.grid import Cell
from longlag.bench.campaign.halving import rounds
from longlag.bench.campaign.leaders import Found, Setting
from longlag.bench.campaign.profile import Profile
from longlag.bench.contract.method import MOST_RECIPES, Method
from longlag.bench.contract.seeds import derive
from longlag.bench.contract.task import Task
from longlag.bench.plugins import handed, tuning
from longlag.bench.plugins.guard import patience, plain, reason, where
from longlag.bench.trial.spec import Case, Outcome, Phase, TrialSpec, bridged


@dataclass(frozen=True)
class Carried:
    """What a rung of a climb hands to the next."""

    lag: int
    setting: dict[str, Any]
    """The best, in Optuna's names."""
    ranges: dict[str, optuna.distributions.BaseDistribution]
    recipes: list[dict[str, Any]]


@dataclass(frozen=True)
class Ended:
    """A case that was tuned and retested."""

    study: optuna.Study
    bridged: bool
    best: Carried | None
    """None where no trial came to an end of its own."""


Batches = Generator[list[TrialSpec], list[Outcome], Ended]


@dataclass(frozen=True)
class _Guess:
    """A setting that is tried before the sampler's."""

    setting: dict[str, Any]
    lag: int = 0
    """Of the rung that it comes from; 0: it is a recipe."""
    fault: str = ""
    """Why it cannot be tried."""


@dataclass(frozen=True)
class CaseProgram:
    """What is needed to run a case."""

    cell: Cell
    profile: Profile
    method: Method
    task: Task
    rung: int = 0
    """In which attempt of a climb; 0: the lag is given."""
    below: Carried | None = None
    """What the rung below hands up."""

    @property
    def case(self) -> Case:
        """The cell's case."""
        return self.cell.case

    def run(self) -> Batches:
        """Tune, then retest."""
        found = Found()
        guesses, recipes = self._guesses()
        study = tuning.study([guess.setting for guess in guesses], name=self.case.study)
        for number, size in enumerate(self._batches()):
            study.sampler = self._sampler(number)
            asked = [self._ask(study, found.cheapest, guesses) for _ in range(size)]
            yield from self._run_batch(study, found, asked, len(guesses))
        if not found.ran:
            return Ended(study, False, None)
        # What will hardly hold is not paid for in full.
        few = self.profile.retests_unsolved if found.cheapest is None else None
        winner = yield from self._winner(study, found, self.profile.reruns if few is None else 0)
        retests = [self._retest(winner.spec, number) for number in range(self.cell.phases.retests)]
        outcomes = yield retests[:few]
        # What so few would make bridged is asked the rest, so that nothing is by fewer.
        if len(outcomes) < len(retests) and bridged(sum(o.solved for o in outcomes), len(outcomes)):
            outcomes += yield retests[few:]
        best = Carried(self.case.lag, winner.trial.params, winner.trial.distributions, recipes)
        return Ended(study, bridged(sum(o.solved for o in outcomes), len(outcomes)), best)

    def _winner(
        self, study: optuna.Study, found: Found, reruns: int
    ) -> Generator[list[TrialSpec], list[Outcome], Setting]:
        """The setting that is retested: of all the leaders, which are run again, and of no others."""
        leaders = found.leaders(self.profile.leaders)
        for settings, each in rounds(len(leaders), reruns if self.cell.phases.reruns else 0):
            again = sorted(leaders, key=Setting.rank)[:settings] * each
            for leader in again:
                study.enqueue_trial(leader.trial.params)
            asked = [self._ask(study, found.known(leader), []) for leader in again]
            yield from self._run_batch(study, found, asked)
        return min(leaders, key=Setting.rank)

    def _run_batch(
        self, study: optuna.Study, found: Found, asked: list[tuple[optuna.Trial, TrialSpec]], handed: int = 0
    ) -> Generator[list[TrialSpec], list[Outcome], None]:
        """Run one batch of tuning trials, the first `handed` of all handed in; tell `study` and `found`."""
        outcomes = yield [spec for _, spec in asked]
        for (trial, spec), outcome in zip(asked, outcomes, strict=True):
            trial.set_user_attr("run_id", spec.run_id)
            trial.set_user_attr("status", outcome.status)
            study.tell(trial, found.add(spec, trial, outcome, trial.number < handed))

    def _batches(self) -> list[int]:
        whole, rest = divmod(self.cell.phases.tuning, self.profile.batch)
        return [self.profile.batch] * whole + [rest] * (rest > 0)

    def _sampler(self, batch: int) -> optuna.samplers.BaseSampler:
        seed = derive(self.profile.seed, self.case.study, "sampler", batch) % 2**32
        if self.profile.sampler == "random":
            return optuna.samplers.RandomSampler(seed=seed)
        return optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=self.profile.startup, constant_liar=True
        )

    def _guesses(self) -> tuple[list[_Guess], list[dict[str, Any]]]:
        """What the first trials try: what the rung below hands up, and the method's recipes; and these alone.

        Where the method fails to give any, that is the first trial's fault.
        """
        recipes: list[dict[str, Any]] = []
        guesses: list[_Guess] = []
        try:
            with patience():
                own = self.method.recipes(self.task.sizes)
                given = [self.profile.setting] if self.profile.setting else list(own)
                if len(given) > MOST_RECIPES:
                    raise ValueError(f"{len(given)} recipes: a method may bring {MOST_RECIPES}")
        except Exception as error:
            guesses.append(_Guess({}, fault=where(error)))
            given = []
        for recipe in given:
            try:
                recipes.append(handed.hyperparameters(recipe, f"a recipe of {self.case.method}"))
                guesses.append(_Guess(recipes[-1]))
            except Exception as error:
                guesses.append(_Guess({}, fault=reason(error)))
        del guesses[self.profile.recipes :]
        if self.below is not None:
            below = self.below
            ranges = below.ranges | self._ranges(below.setting)
            setting = carried(below.setting, ranges, below.recipes, recipes)
            # Where it is a recipe, that is not tried twice.
            guesses = [
                guess for guess in guesses if guess.fault or not guess.setting.items() <= setting.items()
            ]
            guesses.insert(0, _Guess(setting, below.lag))
        # More than there are trials would be left waiting.
        return guesses[: self.cell.phases.tuning], recipes

    def _ranges(self, setting: dict[str, Any]) -> dict[str, optuna.distributions.BaseDistribution]:
        """The ranges at this lag of what is asked for beside `setting`, as far as the method says."""
        study = tuning.study([setting], name="ranges")
        study.sampler = optuna.samplers.RandomSampler(seed=0)
        trial = study.ask()
        with suppress(Exception):
            handed.suggested(self.method, trial, self.task)
        return dict(trial.distributions)

    def _ask(
        self, study: optuna.Study, cheapest: float | None, guesses: list[_Guess]
    ) -> tuple[optuna.Trial, TrialSpec]:
        trial = study.ask()
        guess = guesses[trial.number] if trial.number < len(guesses) else _Guess({})
        fault = guess.fault
        hyperparameters: dict[str, Any] = {}
        try:
            wide = self.profile.setting if guess.setting == self.profile.setting else None
            with patience():
                given = handed.suggested(self.method, trial, self.task, wide)
                try:
                    hyperparameters = handed.hyperparameters(given, f"the suggestion of {self.case.method}")
                except (TypeError, ValueError) as error:
                    fault = reason(error)
        except Exception as error:
            fault = where(error)
        unknown = sorted(set(guess.setting) - set(trial.distributions))
        if unknown and not fault and not guess.lag:
            fault = plain(f"the recipe sets {unknown[0]!r}, which no suggestion asked for")
        factor = self.profile.cap
        cap = None if factor is None or cheapest is None else factor * cheapest
        return trial, self._spec("tune", trial.number, hyperparameters, cap, fault, guess.lag)

    def _retest(self, best: TrialSpec, number: int) -> TrialSpec:
        return self._spec("retest", number, best.hyperparameters, None)

    def _spec(
        self,
        phase: Phase,
        number: int,
        hyperparameters: dict[str, Any],
        cap: float | None,
        fault: str = "",
        carried_from: int = 0,
    ) -> TrialSpec:
        return TrialSpec(
            case=self.case,
            phase=phase,
            number=number,
            seed=derive(self.profile.seed, self.case.study, phase, number),
            hyperparameters=hyperparameters,
            limits=self.profile.limits(self.cell.budget, cap),
            checks=self.profile.checks,
            plugins=tuple(self.profile.plugins),
            fault=fault,
            rung=self.rung,
            carried_from=carried_from,
            extrapolate=tuple(self.profile.extrapolate) if phase == "retest" else (),
        )
