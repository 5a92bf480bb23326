"""The options of `run` and `plan` are keys of the profile."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest

from longlag.bench.campaign.profile import Profile, read
from longlag.bench.cli.options import KEYS, changed
from longlag.bench.cli.running import plan, run

Command = Callable[..., tuple[object, str]]


def test_run_takes_what_plan_takes_and_where_to_run() -> None:
    ours, theirs = (set(inspect.signature(command).parameters) for command in (run, plan))
    assert set(KEYS) < theirs < ours
    assert ours - theirs == {"out", "resume", "code_changed", "dask", "against"}


@pytest.mark.parametrize("command", ["run", "plan"])
def test_an_option_s_help_is_its_key_s_description(
    command: str, monkeypatch: pytest.MonkeyPatch, longlag: Command
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    code, printed = longlag(command, "--help")
    assert code == 0
    for key in KEYS:
        (line,) = (line for line in printed.splitlines() if f"--{key.removesuffix('s')}" in line)
        assert str(Profile.model_fields[key].description) in line


def test_nothing_said_changes_nothing() -> None:
    base = read("quick")
    assert changed(base, {}) == base


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"seed": 3, "timeout": 5.0}, "quick"),
        ({"trials": read("quick").trials}, "quick"),
        ({"trials": 7}, "quick-changed"),
        ({"lags": "20"}, "quick-changed"),
    ],
)
def test_a_changed_profile_is_called_so(changes: dict[str, object], name: str) -> None:
    made = changed(read("quick"), changes)
    assert made.name == name
    assert changed(made, {}).name == name


@pytest.mark.parametrize(("key", "value"), [("trials", 7), ("retests", 9), ("seed", 3), ("timeout", 5.0)])
def test_what_is_said_of_a_key_is_the_profile_s(key: str, value: float) -> None:
    assert getattr(changed(read("quick"), {key: value}), key) == value
