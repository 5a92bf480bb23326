"""`longlag new`: what it writes works as it is, here and as a package of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from longlag import check
from longlag.bench.plugins.registry import discover

PROFILE = """
methods = ["lstm"]
tasks = [{ task = "latch" }]
lags = "climb:10..20"
trials = 1
retests = 1
budget = 1e7
checks = { validation = 4, confirmation = 4, test = 4 }
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("kind", ["method", "task"])
def test_a_plugin_keeps_the_contract_and_runs_in_a_climb(kind: str, folder: Path, longlag: Any) -> None:
    code, printed = longlag("new", kind, "just_made")
    assert code == 0, printed
    assert (folder / "test_just_made.py").is_file()
    told = printed.splitlines()[-1]
    assert told.startswith("longlag check just_made.py; ")
    # LongLag is installed without it.
    assert told.endswith("python -m pytest test_just_made.py (pip install pytest)")
    assert check(folder / "just_made.py") == []
    (folder / "small.toml").write_text(PROFILE)
    chosen = ("--methods", "just_made") if kind == "method" else ("--tasks", "just_made")
    code, printed = longlag(
        *(
            "run",
            "--profile",
            "small.toml",
            "--plugin",
            "just_made.py",
            *chosen,
            "--out",
            "out",
            "--jobs",
            "1",
        )
    )
    assert code == 0, printed
    assert "just_made" in printed
    assert " failed" not in printed


@pytest.mark.usefixtures("folder")
def test_its_own_test_passes(longlag: Any) -> None:
    longlag("new", "task", "just_made")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_just_made.py"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout


def test_in_a_checkout_it_goes_where_its_kind_is(folder: Path, longlag: Any) -> None:
    for name in ("bench", "methods", "tasks"):
        (folder / name).mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "longlag"\n')
    code, printed = longlag("new", "method", "just_made")
    assert code == 0, printed
    made = (folder / "methods" / "just_made.py").read_text()
    # Not from the public face, which knows more than a method may.
    assert "from longlag.bench.contract import" in made
    assert "then longlag check just_made; python -m pytest tests/methods/test_just_made.py (pip" in printed
    assert 'check("just_made")' in (folder / "tests" / "methods" / "test_just_made.py").read_text()


@pytest.mark.slow
def test_a_package_is_built_installed_and_found(folder: Path, longlag: Any) -> None:
    code, printed = longlag("new", "method", "just_made", "--package")
    assert code == 0, printed
    install = ["pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target", "there"]
    done = subprocess.run(
        [sys.executable, "-m", *install, "./longlag-just-made"], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    there = {**os.environ, "PYTHONPATH": str(folder / "there")}
    (folder / "small.toml").write_text(PROFILE)
    for arguments in (
        ["check", "just_made"],
        ["run", "--profile", "small.toml", "--methods", "just_made", "--out", "out", "--jobs", "1"],
    ):
        command = [sys.executable, "-m", "longlag", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=there)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "just_made" in done.stdout
    assert "just_made" not in discover().methods


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["method", "Mine"], "'Mine' is no name for a plugin"),
        (["method", "class"], "'class' is no name for a plugin: a word of Python's"),
        (["method", "torch"], "torch.py would hide the module torch from others"),
        (["method", "lstm"], "there is a method 'lstm' already"),
        (["task", "adding"], "there is a task 'adding' already"),
        (["cell", "mine"], "'cell' is not one of 'method', 'task'"),
    ],
)
def test_what_cannot_be_made(arguments: list[str], why: str, folder: Path, longlag: Any) -> None:
    code, printed = longlag("new", *arguments)
    assert (code, printed.count("\n")) == (2, 1)
    assert why in printed
    assert not list(folder.iterdir())


def test_nothing_is_written_over(folder: Path, longlag: Any) -> None:
    (folder / "test_mine.py").write_text("mine")
    code, printed = longlag("new", "method", "mine")
    assert code == 2
    assert "test_mine.py: is there already" in printed
    assert [path.name for path in folder.iterdir()] == ["test_mine.py"]
    assert (folder / "test_mine.py").read_text() == "mine"
