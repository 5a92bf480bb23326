"""What plugins and readers of results rely on, written down: nothing of it goes without a new version.

After a change that is meant, `INTERFACE=write python -m pytest tests/test_interface.py`, tell it in
CHANGELOG.md, and read the difference. Where a line is gone, raise INTERFACE in `bench/contract/names.py`
first (for a column, SCHEMA); with it goes the release's minor version. A line is not gone where all that was
added to it are arguments with a default, behind the others: whoever calls it may call it as before.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import longlag
from longlag.bench.contract.names import INTERFACE
from longlag.bench.plugins.registry import FOLDERS
from longlag.bench.store.columns import SCHEMA, TABLES

WRITTEN = Path(__file__).with_name("interface.txt")
VERSIONS = 2


def lines() -> list[str]:
    """The versions first, then what is public, a line each."""
    said = [f"interface {INTERFACE}", f"columns {SCHEMA}"]
    said += [f"entry points: {group}" for group in FOLDERS]
    for name in sorted(longlag.__all__):
        said += _told(name, getattr(longlag, name))
    said += [
        f"{table}: {column.name} {column.kind}" for table, columns in TABLES.items() for column in columns
    ]
    return said


def _told(name: str, thing: object) -> Iterator[str]:
    if not inspect.isclass(thing):
        yield f"{name}{inspect.signature(thing)}" if inspect.isroutine(thing) else f"{name} = {thing}"
        return
    made = getattr(thing.__init__, "__module__", "")
    yield f"class {name}{_signature(thing) if made.startswith('longlag.') else ''}"
    declared = dict.fromkeys(inspect.get_annotations(thing))
    for member in sorted({**declared, **vars(thing)}):
        if not member.startswith("_"):
            own = inspect.getattr_static(thing, member, None)
            yield f"{name}.{member}{_signature(getattr(own, '__func__', own))}"


def _signature(thing: object) -> str:
    if isinstance(thing, property):
        return " -> " + str(inspect.signature(thing.fget).return_annotation) if thing.fget else ""
    return str(inspect.signature(thing)) if callable(thing) else ""


ADDED = re.compile(r"((^|, )(\*|\w+: '[^']*' = [^,()]+))*")
"""Arguments with a default, and what says that they are named."""


def holds(before: str, now: str) -> bool:
    """Whether who relies on the line `before` may rely on `now`."""
    head, closing, end = before.rpartition(")")
    if before == now or not closing or not (now.startswith(head) and now.endswith(closing + end)):
        return before == now
    return bool(ADDED.fullmatch(now[len(head) : len(now) - len(closing + end)]))


@pytest.mark.parametrize(
    ("now", "kept"),
    [
        ("f(self, a: 'int') -> 'int'", True),
        ("f(self, a: 'int', b: 'int' = 0) -> 'int'", True),
        ("f(self, a: 'int', *, b: 'int | None' = None, c: 'float' = 0.0) -> 'int'", True),
        ("f(self, a: 'int', b: 'int') -> 'int'", False),
        ("f(self, a: 'int', b: 'int' = 0, c: 'int') -> 'int'", False),
        ("f(self, a: 'int', b: 'int' = 0) -> 'float'", False),
        ("f(self, b: 'int' = 0, a: 'int') -> 'int'", False),
        ("f(self, a: 'int | None') -> 'int'", False),
        ("f(self) -> 'int'", False),
        ("g(self, a: 'int') -> 'int'", False),
    ],
)
def test_only_arguments_that_may_be_left_out_may_be_added(now: str, kept: bool) -> None:
    assert holds("f(self, a: 'int') -> 'int'", now) is kept


def test_nothing_of_the_interface_is_gone() -> None:
    now = lines()
    if os.environ.get("INTERFACE") == "write":
        before = WRITTEN.read_text().splitlines() if WRITTEN.exists() else []
        gone = {line for line in before[VERSIONS:] if not any(holds(line, other) for other in now)}
        assert not gone or before[:VERSIONS] != now[:VERSIONS], f"raise a version first: {sorted(gone)}"
        WRITTEN.write_text("\n".join(now) + "\n")
    assert WRITTEN.read_text().splitlines() == now
