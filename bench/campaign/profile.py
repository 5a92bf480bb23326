"""Profiles: what a campaign runs, as TOML checked by pydantic."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from longlag.bench.contract.errors import BadInput, nearest
from longlag.bench.plugins.guard import patience, plain, where
from longlag.bench.trial.spec import Case, Checks, Limits, Positive

if TYPE_CHECKING:
    # With torch, which takes seconds to import: the command line's help is made from the profile's keys.
    from longlag.bench.plugins.registry import Registry

FOLDER = Path(__file__).parents[1] / "profiles"

Number = Annotated[int, Field(ge=-(2**63), lt=2**63)]
"""What a column of 64 bits holds."""
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]


RERUN = 2
"""The best settings of a case that are run again: on one seed each, the luckiest is not the best."""


class _Strict(BaseModel):
    # A key's docstring is its description, and the help of its option on the command line.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


class TaskGrid(_Strict):
    """One task of a profile, with settings of its own where the profile's do not fit."""

    task: str
    lags: list[Number] | None = Field(default=None, min_length=1)
    methods: list[str] | None = Field(default=None, min_length=1)
    trials: Positive | None = None
    budget: PositiveFloat | None = None


class Profile(_Strict):
    """What a campaign runs: methods x tasks x lags, tuned alike and retested alike."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
    description: str = ""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """The campaign's seed."""
    methods: Annotated[list[str], Field(min_length=1)]
    """Methods: a,b+c (b and c combined)."""
    tasks: Annotated[list[TaskGrid], Field(min_length=1)]
    """Tasks: t,u:variant."""
    lags: Annotated[list[Number], Field(min_length=1)]
    """Lags, for every task: 50,100."""
    trials: Positive
    """Tuning trials a case."""
    batch: Positive = 4
    """Trials asked at a time; a setting, so that the number of workers changes no result."""
    startup: Annotated[int, Field(ge=0, lt=2**63)] = 4
    """Random trials before TPE takes over."""
    sampler: Literal["tpe", "random"] = "tpe"
    """Who proposes hyperparameters."""
    reruns: Annotated[int, Field(ge=0)] = 0
    """Then, how often each of the two best settings is run again; the better mean score wins the case."""
    retests: Positive
    """Retests of each case's winner."""
    budget: PositiveFloat
    """FLOPs a trial may spend, as 2e11."""
    sequences: Positive | None = None
    updates: Positive | None = None
    cap: Annotated[float, Field(ge=1)] | None = 2.0
    """A tuning trial is cut at this multiple of the best cost so far; no cap where it is absent."""
    timeout: PositiveFloat = 900.0
    """Seconds a trial may take."""
    memory: PositiveFloat = 4.0
    """GiB a trial may take."""
    checks: Checks = Checks()
    plugins: list[str] = Field(default_factory=list)
    """A plugin's Python file."""

    def limits(self, budget: float, cap: float | None) -> Limits:
        """What a trial may spend whose case has this budget."""
        return Limits(budget, cap, self.sequences, self.updates)

    def phases(self, cell: Cell) -> Counter[str]:
        """The trials of a case: how many tune it, how many are reruns, how many retests."""
        reruns = min(RERUN, cell.trials) * self.reruns
        return Counter(tuning=cell.trials, reruns=reruns, retests=self.retests)

    def defining(self) -> dict[str, Any]:
        """What makes it this campaign and no other: all but texts and protective limits."""
        return self.model_dump(exclude={"name", "description", "timeout", "memory"})

    def same_but_seed(self, other: Profile) -> bool:
        """Whether two profiles define the same campaign, on whatever seeds."""
        return {**self.defining(), "seed": other.seed} == other.defining()


@dataclass(frozen=True)
class Cell:
    """A case with what the profile gives it."""

    case: Case
    budget: float
    """The FLOPs a trial may spend."""
    trials: int
    """Its tuning trials."""


def cells(profile: Profile, registry: Registry) -> tuple[list[Cell], dict[str, str]]:
    """The grid, longest lags first, and why some cells of it cannot be run; raises BadInput.

    Longest first, because what takes longest had better not start last.
    """
    from longlag.bench.plugins.combination import Combination

    grid: list[Cell] = []
    skipped: dict[str, str] = {}
    checked: set[str] = set()
    for cell in _cells(profile, registry):
        case = cell.case
        try:
            with patience():
                task = registry.task(case.task, case.variant, case.lag)
                method = registry.method(case.method)
                answer = method.supports(task)
            if answer is None and isinstance(method, Combination) and case.method not in checked:
                checked.add(case.method)
                method.check(task)
            why = None if answer is None else plain(str(answer))
        except BadInput:
            raise
        except Exception as error:
            why = where(error)
        if why is None:
            grid.append(cell)
        else:
            skipped[case.label] = why
    grid.sort(key=lambda cell: -cell.case.lag)
    return grid, skipped


def _cells(profile: Profile, registry: Registry) -> Iterator[Cell]:
    # In another order the same remedies differ in companions at most: not two cases of one table.
    seen: dict[tuple[frozenset[str], str, str, int], Case] = {}
    for grid in profile.tasks:
        name, variant = registry.variant(grid.task)
        for lag in grid.lags or profile.lags:
            for method in grid.methods or profile.methods:
                case = Case(registry.method(method).name, name, variant, lag)
                first = seen.setdefault((frozenset(case.method.split("+")), name, variant, lag), case)
                if first is not case:
                    also = f", also as {first.method}" if first != case else ""
                    raise BadInput(f"profile {profile.name}: {case.label} stands in it twice{also}")
                yield Cell(case, grid.budget or profile.budget, grid.trials or profile.trials)


def counted(profile: Profile, grid: list[Cell]) -> str:
    """How many cases and trials a campaign has, as text."""
    phases = sum((profile.phases(cell) for cell in grid), Counter[str]())
    parts = ", ".join(f"{phase} {count}" for phase, count in phases.items())
    return f"{len(grid)} cases, {phases.total()} trials ({parts})"


def available() -> dict[str, Path]:
    """The profiles that come with the project."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}


def read(name_or_file: str) -> Profile:
    """A profile by name or from a file, its plugins found from there; raises BadInput naming file and key."""
    known = available()
    path = known.get(name_or_file, Path(name_or_file))
    if not path.is_file():
        raise BadInput(
            f"there is no profile {name_or_file!r}, as name or file: {nearest(name_or_file, known)}"
        )
    try:
        # TOML is UTF-8 whatever the locale; some editors begin it with a mark.
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise BadInput(f"{path}: not valid TOML: {error}") from None
    profile = parse({"name": path.stem, **data}, str(path))
    return profile.model_copy(update={"plugins": [str((path.parent / p).resolve()) for p in profile.plugins]})


def parse(data: dict[str, Any], where: str) -> Profile:
    """A profile from plain data that came from `where`; raises BadInput."""
    try:
        return Profile.model_validate(data)
    except ValidationError as error:
        raise BadInput(f"{where}: {_first(error)}") from None


_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
"""What pydantic calls a key that a model, and one that a dataclass, does not have."""

_KEYS = {
    "": list(Profile.model_fields),
    "tasks": list(TaskGrid.model_fields),
    "checks": [field.name for field in fields(Checks)],
}
"""The keys of a profile, and of its parts."""


def _first(error: ValidationError) -> str:
    """A validation error's first complaint as one line: the key, what is wrong, the nearest valid key."""
    # An unknown key before a missing one: as a rule it is that key, misspelt.
    first = min(error.errors(), key=lambda each: each["type"] not in _UNKNOWN)
    location = [str(part) for part in first["loc"]]
    key = ".".join(location)
    if first["type"] in _UNKNOWN:
        known = _KEYS["" if len(location) == 1 else location[0]]
        return f"unknown key {key!r}: {nearest(location[-1], known)}"
    if first["type"] == "missing":
        return f"key {key!r} is missing"
    return f"key {key!r}: {first['msg'][0].lower()}{first['msg'][1:]}, not {first['input']!r}"
