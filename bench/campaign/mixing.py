"""Whether a campaign's trials were run by the code and the versions that would run the rest of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Literal

from longlag.bench import store
from longlag.bench.contract.errors import BadInput
from longlag.bench.store import Manifest
from longlag.bench.trial.spec import Case

CodeChanged = Literal["refuse", "go-on"]
"""What to do where they were not."""


def of_other_code(
    folder: Path, grid: Collection[tuple[str, str, str]], code_of: Callable[[Case], str]
) -> int:
    """How many trials of the grid's methods and task variants in `folder` were run by other code."""
    found: dict[str, bool] = {}
    for row in store.surviving(folder):
        case = Case(row["method"], row["task"], row["variant"], row["lag"])
        ours = (case.method, case.task, case.variant) in grid
        found[row["run_id"]] = ours and row["code_hash"] != code_of(case)
    return sum(found.values())


def let_pass(folder: Path, before: Manifest, now: Manifest, others: int, wanted: CodeChanged) -> list[str]:
    """One line for each way in which the trials in `folder` were run otherwise than now.

    Raises BadInput where there is one, and it is wanted that this be refused.
    """
    if next(store.surviving(folder), None) is None:
        return []
    changes = [_changed(others)] if others else []
    changes += differing(before.ran_with(), {**now.versions, **now.machine})
    if changes and wanted == "refuse":
        raise BadInput(
            f"{folder}: {'; '.join(changes)}; --code-changed go-on runs the rest all the same, and the "
            "results then say that they are a mix"
        )
    return [f"{folder}: {change}" for change in changes]


def let_stand(folder: Path, others: int, resume: bool) -> list[str]:
    """One line where trials of the complete campaign in `folder` were run by other code than there is now.

    Raises BadInput there without `resume`: who runs what was edited would be shown what it did before.
    """
    if not others:
        return []
    told = f"{folder}: this campaign is complete, and {_changed(others)}"
    if not resume:
        raise BadInput(f"{told}; --out names a folder for it as it is now, longlag report shows what it was")
    return [told]


def _changed(others: int) -> str:
    return f"the code has changed since {others} of its trials were run"


def differing(then: Mapping[str, list[Any]], now: Mapping[str, Any]) -> list[str]:
    """One line for each thing that runs were made with `then`, and is another `now`."""
    others = {what: [str(each) for each in runs if each != now.get(what)] for what, runs in then.items()}
    return [f"{what} was {' and '.join(had)}, and is {now.get(what)}" for what, had in others.items() if had]
