"""The options that several commands share: a key of the profile each, and the workers and data beside it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from longlag.bench.campaign.profile import Profile, TaskGrid, parse
from longlag.bench.contract.errors import BadInput, nearest
from longlag.bench.contract.names import BASELINE, name_of

KEYS = ("methods", "tasks", "lags", "trials", "retests", "budget", "seed", "timeout", "memory", "plugins")
"""The keys of a profile that the command line can set."""

Changes = dict[str, Any]
"""The profile's keys that the command line sets, as typed."""

PluginOption = Annotated[
    list[str] | None, typer.Option("--plugin", help=Profile.model_fields["plugins"].description)
]
ProfileOption = Annotated[
    str | None,
    typer.Option("--profile", help="A profile's name, or its TOML file; else quick, with --cell cell."),
]
JobsOption = Annotated[int, typer.Option("--jobs", min=0, help="Worker processes; 0: one a core.")]
DataOption = Annotated[
    Path | None, typer.Option("--data", help="The folder of the data sets that you have, as MNIST's files.")
]
CellOption = Annotated[
    list[str] | None,
    typer.Option("--cell", help="FILE.py:CLASS, a torch module [T, B, D] -> [T, B, H], as a method."),
]
AblateOption = Annotated[
    str | None,
    typer.Option("--ablate", help="A combination, as lstm+gradient_clipping: all that its parts make."),
]
CodeOption = Annotated[
    Literal["refuse", "go-on"],
    typer.Option(
        "--code-changed", help="What to do where other code or versions have run a part; go-on makes a mix."
    ),
]


def with_changes(command: Callable[..., None]) -> Callable[..., None]:
    """`command` with an option for each of KEYS; it gets what was given of them as `changes`."""

    @wraps(command)
    def called(**given: Any) -> None:
        said = {key: given.pop(key) for key in KEYS}
        command(changes={key: value for key, value in said.items() if value not in (None, [])}, **given)

    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        parameters += map(_option, KEYS) if parameter.name == "changes" else [parameter]
    # What Typer reads the options from.
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return called


def _option(key: str) -> inspect.Parameter:
    """The option that sets a profile's key: a number as it is, a list as a text with commas."""
    field = Profile.model_fields[key]
    kind: Any = PluginOption
    if key != "plugins":
        # A budget's rule is for profiles.
        typed = {"budget": float, "lags": str, "methods": str, "tasks": str}.get(key, field.annotation)
        kind = Annotated[typed | None, typer.Option(f"--{key}", help=field.description)]  # type: ignore[operator]
    return inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)


def with_methods(changes: Changes, cells: list[str], combination: str | None) -> Changes:
    """The changes, with the methods that --cell and --ablate stand for; raises BadInput."""
    return with_subsets(with_cells(changes, cells), combination)


def with_cells(changes: Changes, cells: list[str]) -> Changes:
    """The changes, and FILE.py:CLASS of each cell as a plugin and a method; raises BadInput.

    Where no methods are named, the cells alone.
    """
    named = []
    for cell in cells:
        file, _, name = cell.rpartition(":")
        if not file.endswith(".py") or not name.isidentifier():
            raise BadInput(f"--cell {cell}: a file and a class, as mycell.py:MyCell")
        _look_for(file, name)
        named.append((file, name))
    if not named:
        return changes
    if twice := [f"{file}:{name}" for file, name in named if named.count((file, name)) > 1]:
        raise BadInput(f"--cell {twice[0]}: twice")
    methods = [name_of(name) for _, name in named]
    return {
        **changes,
        "plugins": list(dict.fromkeys([*changes.get("plugins", ()), *(file for file, _ in named)])),
        "methods": ",".join([changes["methods"], *methods] if "methods" in changes else methods),
    }


def _look_for(file: str, name: str) -> None:
    """Raises BadInput where a file has no such cell."""
    from longlag.bench.plugins.registry import EMPTY, discover

    asked = f"--cell {file}:{name}"
    if not Path(file).is_file():
        raise BadInput(f"{asked}: no such file")
    found = discover((file,))
    if name_of(name) in found.cells:
        _try_out(found.cells[name_of(name)].cell, asked)
        return
    broken = [each.reason for each in found.broken if each.where == file and each.reason != EMPTY]
    if broken:
        raise BadInput(f"{asked}: {broken[0]}")
    others = [cell.cell.__name__ for cell in found.cells.values()]
    made = f"no torch module made of two sizes, as {name}(inputs, units)"
    raise BadInput(f"{asked}: {made}: {nearest(name, others)}")


def _try_out(cell: type[Any], asked: str) -> None:
    """Raises BadInput where it makes no states at any of its recipes' sizes: not once every trial has."""
    import torch

    from longlag.bench.plugins.cell import UNITS, Unfit, tried
    from longlag.bench.plugins.guard import reason

    told = ""
    for units in UNITS:
        try:
            with torch.random.fork_rng(devices=[]):
                tried(cell(2, units), 2)
        except Exception as error:
            told = told or (str(error) if isinstance(error, Unfit) else reason(error))
        else:
            return
    raise BadInput(f"{asked}: {told}")


def with_subsets(changes: Changes, combination: str | None) -> Changes:
    """The changes, and every subset of a combination's parts as a method; raises BadInput."""
    if combination is None:
        return changes
    parts = [part.strip() for part in combination.split("+")]
    if len(parts) < 2 or not all(parts) or len(set(parts)) < len(parts) or BASELINE in parts:
        raise BadInput(f"--ablate {combination}: two remedies or more, joined by +, each once")
    some = ["+".join(each) for size in range(1, len(parts) + 1) for each in combinations(parts, size)]
    given = _distinct("--methods")(changes["methods"]) if "methods" in changes else []
    # One that was named too, in whichever order of its parts, stands there once.
    known = {frozenset(each.split("+")) for each in given}
    new = [each for each in (BASELINE, *some) if frozenset(each.split("+")) not in known]
    # What each part adds is of all cases together, in which those that are not solved must count as much.
    return {**changes, "methods": ",".join([*given, *new]), "retests_unsolved": None}


def changed(base: Profile, changes: Changes) -> Profile:
    """The profile with the command line's changes, renamed if it makes another campaign; raises BadInput."""
    overrides = {key: _READ[key](said) if key in _READ else said for key, said in changes.items()}
    grids = [grid.model_dump() for grid in base.tasks]
    if "methods" in overrides:
        # An entry for certain methods stays where one of them is chosen.
        chosen = overrides["methods"]
        own = [[m for m in grid["methods"] or chosen if m in chosen] for grid in grids]
        grids = [
            {**grid, "methods": None if some == chosen else some}
            for grid, some in zip(grids, own, strict=True)
            if some
        ]
    if "trials" in overrides:
        grids = [{**grid, "trials": None} for grid in grids]
    if "tasks" in overrides:
        wanted = overrides["tasks"]
        known = {grid["task"] for grid in grids}
        new = [TaskGrid(task=task).model_dump() for task in wanted if task not in known]
        grids = [grid for grid in grids if grid["task"] in wanted] + new
    if "lags" in overrides:
        grids = _of_any_lag(grids)
        # The profile's controls are for its own lags.
        overrides["controls"] = None
    if "budget" in overrides:
        grids = [{**grid, "budget": None} for grid in grids]
    made = parse({**base.model_dump(), **overrides, "tasks": grids}, "command line")
    return made if made.same_but_seed(base) else made.model_copy(update={"name": f"{base.name}-changed"})


def _of_any_lag(grids: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One entry for a task and its methods: the keys that its entries for some lags have in common."""
    together: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for grid in grids:
        together.setdefault((grid["task"], *(grid["methods"] or ())), []).append(grid)
    return [
        {key: value for key, value in same[0].items() if key != "lags" and all(g[key] == value for g in same)}
        for same in together.values()
    ]


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _distinct(option: str) -> Callable[[str], list[str]]:
    def read(text: str) -> list[str]:
        parts = _split(text)
        if not parts:
            raise BadInput(f"{option} {text!r}: names none")
        if twice := [part for part in parts if parts.count(part) > 1]:
            raise BadInput(f"{option} {text}: {twice[0]} twice")
        return parts

    return read


def _lags(text: str) -> list[int] | str:
    if text.startswith("climb"):
        return text
    try:
        return [int(part) for part in _split(text)]
    except ValueError:
        raise BadInput(f"--lags {text}: whole numbers divided by commas, as 50,100, or climb") from None


def _files(plugins: list[str]) -> list[str]:
    missing = [plugin for plugin in plugins if not Path(plugin).is_file()]
    if missing:
        raise BadInput(f"--plugin {missing[0]}: no such file")
    return [str(Path(plugin).resolve()) for plugin in plugins]


_READ: dict[str, Callable[[Any], Any]] = {
    "methods": _distinct("--methods"),
    "tasks": _distinct("--tasks"),
    "lags": _lags,
    "plugins": _files,
}
"""How the keys that are lists are read from what was typed."""
