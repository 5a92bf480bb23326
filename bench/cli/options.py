"""The options that several commands share, and the profile that they change."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from longlag.bench.campaign.profile import Profile, TaskGrid, parse
from longlag.bench.contract.errors import BadInput

ProfileOption = Annotated[str, typer.Option("--profile", help="A profile's name, or its TOML file.")]
MethodsOption = Annotated[str | None, typer.Option("--methods", help="Methods: a,b+c (b and c combined).")]
TasksOption = Annotated[str | None, typer.Option("--tasks", help="Tasks: t,u:variant.")]
LagsOption = Annotated[str | None, typer.Option("--lags", help="Lags, for every task: 50,100.")]
TrialsOption = Annotated[int | None, typer.Option("--trials", help="Tuning trials a case.")]
RetestsOption = Annotated[int | None, typer.Option("--retests", help="Retests of each case's winner.")]
BudgetOption = Annotated[float | None, typer.Option("--budget", help="FLOPs a trial may spend, as 2e11.")]
SeedOption = Annotated[int | None, typer.Option("--seed", help="The campaign's seed.")]
JobsOption = Annotated[int, typer.Option("--jobs", min=0, help="Worker processes; 0: one a core.")]
TimeoutOption = Annotated[float | None, typer.Option("--timeout", help="Seconds a trial may take.")]
MemoryOption = Annotated[float | None, typer.Option("--memory", help="GiB a trial may take.")]
DataOption = Annotated[
    Path | None, typer.Option("--data", help="The folder of the data sets that you have, as MNIST's files.")
]
PluginOption = Annotated[list[str] | None, typer.Option("--plugin", help="A plugin's Python file.")]


def changed(
    base: Profile,
    methods: str | None,
    tasks: str | None,
    lags: str | None,
    trials: int | None,
    retests: int | None,
    budget: float | None,
    seed: int | None,
    timeout: float | None,
    memory: float | None,
    plugins: list[str] | None,
) -> Profile:
    """The profile with the command line's changes; raises BadInput."""
    numbers = {"trials": trials, "retests": retests, "seed": seed, "timeout": timeout, "memory": memory}
    overrides: dict[str, Any] = {key: value for key, value in numbers.items() if value is not None}
    if methods is not None:
        overrides["methods"] = chosen = _split(methods)
    if plugins:
        missing = [plugin for plugin in plugins if not Path(plugin).is_file()]
        if missing:
            raise BadInput(f"--plugin {missing[0]}: no such file")
        overrides["plugins"] = [str(Path(plugin).resolve()) for plugin in plugins]
    grids = [grid.model_dump() for grid in base.tasks]
    if methods is not None:
        # What is said of certain methods is left where one of them is wanted.
        own = [[m for m in grid["methods"] or chosen if m in chosen] for grid in grids]
        grids = [{**grid, "methods": some} for grid, some in zip(grids, own, strict=True) if some]
    if trials is not None:
        grids = [{**grid, "trials": None} for grid in grids]
    if tasks is not None:
        wanted = _split(tasks)
        known = {grid["task"] for grid in grids}
        new = [TaskGrid(task=task).model_dump() for task in wanted if task not in known]
        grids = [grid for grid in grids if grid["task"] in wanted] + new
    if lags is not None:
        overrides["lags"] = _lags(lags)
        grids = _of_any_lag(grids)
    if budget is not None:
        overrides["budget"] = budget
        grids = [{**grid, "budget": None} for grid in grids]
    return parse({**base.model_dump(), **overrides, "tasks": grids}, "command line")


def _of_any_lag(grids: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One entry a task and its methods: of several, each for some lags, what they have in common."""
    together: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for grid in grids:
        together.setdefault((grid["task"], *(grid["methods"] or ())), []).append(grid)
    return [
        {key: value for key, value in same[0].items() if key != "lags" and all(g[key] == value for g in same)}
        for same in together.values()
    ]


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _lags(text: str) -> list[int]:
    try:
        return [int(part) for part in _split(text)]
    except ValueError:
        raise BadInput(f"--lags {text}: whole numbers divided by commas, as 50,100") from None
