"""What a manifest says of the code: of which commit it was, and whether it was that commit's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from longlag.bench.campaign import provenance

ROOT = Path(__file__).parents[3]
ROOMS = ("bench", "methods", "tasks", "reports")

ASKS = """
import json, sys
from pathlib import Path
from longlag.bench.campaign.provenance import git

top, told = Path(sys.argv[1]), [git()]
for name in ("notes.py", "results/mine.csv", "results/README.md", "methods/mine.py"):
    (top / name).parent.mkdir(exist_ok=True)
    (top / name).write_text("1")
    told.append(git())
(top / "methods" / "mine.py").unlink()
(top / "tasks" / "adding.py").write_text("1")
told.append(git())
print(json.dumps(told))
"""


def asked(top: Path, code: Path) -> list[dict[str, object]]:
    """What is told as files come to `top`, a repository, by the code of the checkout at `code`."""
    installed = top.parent / "installed" / "longlag"
    installed.mkdir(parents=True)
    (installed / "__init__.py").symlink_to(code / "longlag" / "__init__.py")
    for room in ROOMS:
        (installed / room).symlink_to(code / room)
    done = subprocess.run(
        [sys.executable, "-c", ASKS, str(top)],
        cwd=top.parent,
        env={**os.environ, "PYTHONPATH": str(installed.parent)},
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    told: list[dict[str, object]] = json.loads(done.stdout)
    return told


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository that holds the code as it is here, committed."""
    top = tmp_path / "repository"
    for room in ("longlag", *ROOMS):
        shutil.copytree(ROOT / room, top / room, ignore=shutil.ignore_patterns("__pycache__"))
    (top / "results").mkdir()
    (top / "results" / "README.md").write_text("# Results\n")
    for command in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "all"],
    ):
        subprocess.run(["git", *command], cwd=top, check=True)
    return top


def test_code_that_no_commit_holds_is_dirty_and_other_files_are_not(repository: Path) -> None:
    told = asked(repository, repository)
    assert [each["dirty"] for each in told] == [False, False, False, False, True, True]
    assert len({str(each["commit"]) for each in told}) == 1
    assert len(str(told[0]["commit"])) == 40


def test_the_repository_that_it_is_installed_in_is_not_its_own(repository: Path) -> None:
    """As an environment within somebody's project is."""
    within = repository / "environment"
    for room in ("longlag", *ROOMS):
        shutil.copytree(repository / room, within / room)
    assert {each["commit"] for each in asked(repository, within)} == {None}


def test_a_command_is_noted_without_the_folders_of_who_gave_it(monkeypatch: pytest.MonkeyPatch) -> None:
    given = [
        "longlag",
        "run",
        "--profile",
        "/home/me/mine.toml",
        "--out=/tmp/there",
        "--cell",
        "near/net.py:Cell",
    ]
    monkeypatch.setattr(sys, "argv", given)
    assert provenance.command() == "longlag run --profile mine.toml --out=there --cell near/net.py:Cell"
