"""The grid of a campaign: its cases, as ladders of lags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from longlag.bench.campaign.halving import rounds
from longlag.bench.campaign.profile import Profile
from longlag.bench.campaign.rules import BudgetRule, budget_at, rungs
from longlag.bench.contract.errors import BadInput
from longlag.bench.contract.names import BASELINE, TWIN
from longlag.bench.plugins.combination import Combination
from longlag.bench.plugins.guard import patience, plain, where
from longlag.bench.plugins.registry import Registry
from longlag.bench.trial.spec import Case


class Phases(NamedTuple):
    """The most trials of a case: how many tune it, rerun the best, and retest the winner."""

    tuning: int
    reruns: int
    retests: int

    @classmethod
    def of(cls, profile: Profile, tuning: int) -> Phases:
        """Those of a profile that tunes a case by so many trials."""
        again = rounds(min(profile.leaders, tuning), profile.reruns)
        return cls(tuning, sum(settings * each for settings, each in again), profile.retests)

    def counted(self) -> Counter[str]:
        """The same as trials; of a case that nothing solves in tuning it may be less."""
        return Counter(tuning=self.tuning, reruns=self.reruns, retests=self.retests)

    @property
    def total(self) -> int:
        """All of them."""
        return self.counted().total()


@dataclass(frozen=True)
class Cell:
    """A case with what the profile gives it."""

    case: Case
    budget: float
    """The FLOPs a trial may spend."""
    phases: Phases


@dataclass(frozen=True)
class Ladder:
    """A method on a task variant: the lags of its climb, lowest first, or one lag that is given."""

    method: str
    task: str
    variant: str
    lags: tuple[int, ...]
    climbs: bool
    budget: float | BudgetRule
    phases: Phases
    certifies: str = ""
    """The variant whose control it is."""

    def cell(self, lag: int) -> Cell:
        """The case at `lag`; raises BadInput where its budget is no number."""
        case = Case(self.method, self.task, self.variant, lag)
        return Cell(case, budget_at(self.budget, lag), self.phases)


def ladders(profile: Profile, registry: Registry) -> tuple[list[Ladder], dict[str, str]]:
    """The grid, longest first, and why some of it cannot be run; raises BadInput.

    Longest first, because what takes longest had better not start last.
    """
    grid: list[Ladder] = []
    skipped: dict[str, str] = {}
    checked: set[str] = set()
    given = list(_ladders(profile, registry, skipped))
    for ladder in (*given, *_controls(profile, registry, given, skipped)):
        whole: list[int] = []
        for lag in ladder.lags:
            case = ladder.cell(lag).case
            why = _unsupported(case, registry, checked)
            if why is not None:
                # What lies beyond a rung that cannot be run is not reached.
                skipped[case.label] = why
                break
            whole.append(lag)
        if whole:
            grid.append(replace(ladder, lags=tuple(whole)))
    grid.sort(key=lambda ladder: -ladder.lags[-1])
    return grid, skipped


def counted(grid: Sequence[Ladder]) -> str:
    """How many cases and trials a campaign has, or climbs, as text."""
    climbs = [ladder for ladder in grid if ladder.climbs]
    given = [ladder for ladder in grid if not ladder.climbs and not ladder.certifies]
    controls = [ladder for ladder in grid if ladder.certifies]
    phases = sum((ladder.phases.counted() for ladder in given), Counter[str]())
    parts = ", ".join(f"{phase} {count}" for phase, count in phases.items())
    said = []
    if climbs:
        highest = max(climb.lags[-1] for climb in climbs)
        said.append(f"{_plural(len(climbs), 'climb')} to lags of {highest} at most")
    if given:
        said.append(f"{_plural(len(given), 'case')}, {_plural(phases.total(), 'trial')} ({parts})")
    if controls:
        said.append(_plural(len(controls), "control"))
    return ", ".join(said)


def _plural(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def cells(grid: Iterable[Ladder]) -> list[Cell]:
    """Every case of a grid, as if all climbs went to their ends; the rungs between are not among them."""
    return [ladder.cell(lag) for ladder in grid for lag in ladder.lags]


def _unsupported(case: Case, registry: Registry, checked: set[str]) -> str | None:
    """Why a case cannot be run, None where it can; raises BadInput. Notes in `checked` which methods were."""
    try:
        with patience():
            task = registry.task(case.task, case.variant, case.lag)
            method = registry.method(case.method)
            answer = method.supports(task)
        if answer is None and isinstance(method, Combination) and case.method not in checked:
            checked.add(case.method)
            method.check(task)
        return None if answer is None else plain(str(answer))
    except BadInput:
        raise
    except Exception as error:
        return where(error)


def _ladders(profile: Profile, registry: Registry, skipped: dict[str, str]) -> Iterator[Ladder]:
    # The order of remedies decides between their companions; side by side they would only confuse.
    seen: dict[tuple[frozenset[str], str, str, int], Case] = {}
    climbing: dict[tuple[str, str, str], bool] = {}
    for grid in profile.tasks:
        name, variant = registry.variant(grid.task)
        rule = grid.lags or profile.lags
        climbs = isinstance(rule, str)
        methods = [registry.method(expression).name for expression in grid.methods or profile.methods]
        lags = _rungs(profile, rule, registry, name, variant, skipped) if isinstance(rule, str) else rule
        for method in methods:
            for lag in lags:
                case = Case(method, name, variant, lag)
                first = seen.setdefault((frozenset(method.split("+")), name, variant, lag), case)
                if first is not case:
                    also = f", also as {first.method}" if first != case else ""
                    raise BadInput(f"profile {profile.name}: {case.label} stands in it twice{also}")
            if climbing.setdefault((method, name, variant), climbs) != climbs:
                said = f"{method} on {name}:{variant}"
                raise BadInput(f"profile {profile.name}: {said} both climbs and has lags of its own")
            for some in [tuple(lags)] if climbs else [(lag,) for lag in lags]:
                budget = grid.budget or profile.budget
                phases = Phases.of(profile, grid.trials or profile.trials)
                yield Ladder(method, name, variant, some, climbs, budget, phases)


def _controls(
    profile: Profile, registry: Registry, grid: list[Ladder], skipped: dict[str, str]
) -> Iterator[Ladder]:
    """The controls of every task variant of `grid`; notes in `skipped` which has no twin."""
    asked = profile.controls
    if asked is None:
        return
    taken = {cell.case for cell in cells(grid)}
    for ladder in {(each.task, each.variant): each for each in reversed(grid)}.values():
        if ladder.variant.endswith(TWIN):
            continue
        plugin = registry.task_class(ladder.task)
        twin = f"{ladder.variant}{TWIN}"
        none = plugin.no_twin(ladder.variant)
        for lag in asked.lags:
            if lag not in (allowed := registry.lags(ladder.task, ladder.variant)):
                skipped[f"controls of {ladder.task}:{ladder.variant} at lag {lag}"] = f"it makes {allowed}"
                continue
            budget = asked.budget or ladder.budget
            phases = Phases(asked.trials or profile.trials, 0, asked.retests or profile.retests)
            some = [(method, ladder.variant, budget) for method in registry.controls]
            if not none and lag not in (allowed := registry.lags(ladder.task, twin)):
                skipped[Case(BASELINE, ladder.task, twin, lag).label] = f"it makes {allowed}"
            elif none:
                skipped[Case(BASELINE, ladder.task, twin, lag).label] = none
            else:
                some.append((BASELINE, twin, ladder.budget))
            for method, variant, flops in some:
                if Case(method, ladder.task, variant, lag) not in taken:
                    yield Ladder(method, ladder.task, variant, (lag,), False, flops, phases, ladder.variant)


def _rungs(
    profile: Profile, rule: str, registry: Registry, name: str, variant: str, skipped: dict[str, str]
) -> list[int]:
    """The lags of a climb that the task can make; notes in `skipped` those of a range that it cannot."""
    allowed = registry.lags(name, variant)
    asked = rungs(rule, allowed)
    found = [lag for lag in asked if lag in allowed]
    skipped |= {f"{name}:{variant} at lag {lag}": f"it makes {allowed}" for lag in asked if lag not in found}
    if len(found) < 2:
        raise BadInput(f"profile {profile.name}: no climb on {name}:{variant}, which makes {allowed}")
    return found
