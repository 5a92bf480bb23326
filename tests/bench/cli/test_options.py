"""The options of `run` and `plan` are keys of the profile."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from longlag.bench.campaign.profile import Profile, read
from longlag.bench.cli.options import KEYS, changed, with_subsets
from longlag.bench.cli.running import plan, run
from longlag.bench.contract.errors import BadInput

Command = Callable[..., tuple[object, str]]


def test_run_takes_what_plan_takes_and_where_to_run() -> None:
    ours, theirs = (set(inspect.signature(command).parameters) for command in (run, plan))
    assert set(KEYS) < theirs < ours
    assert ours - theirs == {"out", "resume", "code_changed", "dask", "max_jobs", "against", "logger"}


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


def test_a_combination_is_taken_apart() -> None:
    def methods(combination: str, **changes: str) -> list[str]:
        return str(with_subsets({**changes}, combination)["methods"]).split(",")

    assert methods("a+b") == ["vanilla", "a", "b", "a+b"]
    assert len(methods("a+b+c")) == 8
    assert methods("a + b", methods="c") == ["c", "vanilla", "a", "b", "a+b"]
    assert methods("a+b", methods="vanilla, a") == ["vanilla", "a", "b", "a+b"]
    assert methods("a+b", methods="b+a") == ["b+a", "vanilla", "a", "b"]
    with pytest.raises(BadInput, match="--methods a,a: a twice"):
        methods("a+b", methods="a,a")
    assert with_subsets({"methods": "a"}, None) == {"methods": "a"}
    # As many retests of what is not solved as of what is, that neither counts for less.
    taken = changed(read("quick"), with_subsets({}, "lstm+gradient_clipping"))
    assert (read("quick").retests_unsolved, taken.retests_unsolved, taken.retests) == (2, None, 5)
    for wrong in ("a", "a+", "a+a", "a+vanilla", ""):
        with pytest.raises(BadInput, match=r"two remedies or more"):
            with_subsets({}, wrong)


@pytest.mark.parametrize(("option", "names"), [("--methods", "lstm,gru,lstm"), ("--tasks", "adding, adding")])
def test_what_is_named_twice_is_said(option: str, names: str, longlag: Any, tmp_path: Path) -> None:
    code, printed = longlag("run", option, names, "--out", str(tmp_path / "x"))
    assert (code, printed) == (2, f"longlag: {option} {names}: {names.split(',')[0]} twice\n")


@pytest.mark.parametrize("option", ["--methods", "--tasks"])
def test_an_option_that_names_nothing_is_said(option: str, longlag: Any, tmp_path: Path) -> None:
    code, printed = longlag("run", option, ",", "--out", str(tmp_path / "x"))
    assert (code, printed) == (2, f"longlag: {option} ',': names none\n")


def test_an_ablation_whose_parts_exclude_each_other_names_both(longlag: Any, tmp_path: Path) -> None:
    code, printed = longlag("run", "--ablate", "lstm+careful_init+hessian_free", "--out", str(tmp_path / "x"))
    assert (code, printed.count("\n")) == (2, 1)
    assert "'careful_init' and 'hessian_free' cannot be combined: both change the optimiser" in printed
