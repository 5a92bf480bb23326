"""Profiles: what a campaign runs, as TOML checked by pydantic."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from longlag.bench.campaign.rules import TAGS, Budget, BudgetRule, LagRule, Number, PositiveFloat, Strict
from longlag.bench.contract.errors import BadInput, nearest
from longlag.bench.trial.spec import Checks, Limits, Positive

FOLDER = Path(__file__).parents[1] / "profiles"


class TaskGrid(Strict):
    """One task of a profile, with settings of its own where the profile's do not fit."""

    task: str
    lags: LagRule | None = None
    methods: list[str] | None = Field(default=None, min_length=1)
    trials: Positive | None = None
    budget: Budget | None = None


class Controls(Strict):
    """The lags at which tasks are certified, and what is spent on it, the profile's where it is absent.

    The budget is of the methods that are controls; on the twin the baseline has what it has on the task.
    """

    lags: Annotated[list[Number], Field(min_length=1)]
    trials: Positive | None = None
    retests: Positive | None = None
    budget: Budget | None = None


class Profile(Strict):
    """What a campaign runs: methods x tasks x lags, tuned alike and retested alike."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
    description: str = ""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """The campaign's seed."""
    methods: Annotated[list[str], Field(min_length=1)]
    """Methods: a,b+c (b and c combined)."""
    tasks: Annotated[list[TaskGrid], Field(min_length=1)]
    """Tasks: t,u:variant."""
    lags: LagRule
    """Lags, for every task: 50,100, or climb, or climb:10..1000."""
    controls: Controls | None = None
    """Where every task is certified by its controls, and by the baseline on its twin."""
    trials: Positive
    """Tuning trials a case."""
    batch: Positive = 4
    """Trials asked at a time; a setting, so that the number of workers changes no result."""
    startup: Annotated[int, Field(ge=0, lt=2**63)] = 4
    """Random trials before TPE takes over."""
    sampler: Literal["tpe", "random"] = "tpe"
    """Who proposes hyperparameters."""
    # MOST_RECIPES, whose file brings torch with it.
    recipes: Annotated[int, Field(ge=0, le=3)] = 3
    """How many of a method's recipes the first trials try."""
    setting: dict[str, Any] = Field(default_factory=dict)
    """One setting that the first trial tries in place of the methods' recipes: a paper's."""
    reruns: Annotated[int, Field(ge=0)] = 0
    """Then, how often each of the best settings is run again at first; the surest wins."""
    leaders: Annotated[int, Field(ge=2)] = 2
    """How many, half of them recipes that solved; the better half is run twice as often, and so on."""
    retests: Positive
    """Retests of each case's winner."""
    retests_unsolved: Positive | None = None
    """Retests where no trial solved the case in tuning, without reruns; the others if these bridge it."""
    extrapolate: list[Annotated[int, Field(strict=True, ge=2)]] = Field(default_factory=list)
    """The multiples of its lag that a retest which solved its task is asked then, as [2, 5, 10]."""
    bisect: bool = False
    """Whether a climb tries one rung between the last that held and the first that did not."""
    budget: Budget
    """FLOPs a trial may spend, as 2e11; in a profile also a rule of the lag."""
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

    @field_validator("tasks", mode="before")
    @classmethod
    def _named(cls, tasks: Any) -> Any:
        """A task's name alone is an entry too."""
        if not isinstance(tasks, list):
            return tasks
        return [{"task": each} if isinstance(each, str) else each for each in tasks]

    @model_validator(mode="after")
    def _of_one_kind(self) -> Profile:
        if self.setting and self.controls is not None:
            raise ValueError("controls are methods too, and know no setting of others: leave out either")
        return self

    def limits(self, budget: float, cap: float | None) -> Limits:
        """What a trial may spend whose case has this budget."""
        return Limits(budget, cap, self.sequences, self.updates)

    def defining(self) -> dict[str, Any]:
        """What makes it this campaign and no other: all but texts and protective limits."""
        return self.model_dump(exclude={"name", "description", "timeout", "memory"})

    def same_but_seed(self, other: Profile) -> bool:
        """Whether two profiles define the same campaign, on whatever seeds."""
        return {**self.defining(), "seed": other.seed} == other.defining()


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
    "controls": list(Controls.model_fields),
    "budget": list(BudgetRule.model_fields),
}
"""The keys of a profile, and of its parts."""


def _is_key(part: str) -> bool:
    """Whether a part of an error's place is a key, and not which kind of value pydantic tried."""
    return part.isidentifier() and part not in TAGS


def _first(error: ValidationError) -> str:
    """A validation error's first complaint as one line: the key, what is wrong, the nearest valid key."""
    # An unknown key before a missing one: as a rule it is that key, misspelt.
    first = min(error.errors(), key=lambda each: each["type"] not in _UNKNOWN)
    location = [str(part) for part in first["loc"] if isinstance(part, int) or _is_key(part)]
    key = ".".join(location)
    if first["type"] in _UNKNOWN:
        known = next(_KEYS[part] for part in (*location[-2::-1], "") if part in _KEYS)
        return f"unknown key {key!r}: {nearest(location[-1], known)}"
    if first["type"] == "missing":
        return f"key {key!r} is missing"
    said = first["msg"].removeprefix("Value error, ")
    # What keys come to together has none of its own.
    return f"key {key!r}: {said[0].lower()}{said[1:]}, not {first['input']!r}" if key else said
