"""`longlag run --against`: published results beside a new campaign's, and what differs."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from longlag.bench import store
from longlag.bench.campaign.coordinator import Coordinator
from longlag.bench.campaign.profile import Profile
from longlag.bench.cli.terminal import INTERRUPTED

PROFILE = """
methods = ["nothing"]
tasks = [{ task = "chore" }]
lags = [1, 5]
trials = 1
retests = 2
budget = 2e4
updates = 2
checks = { validation = 4, confirmation = 4, test = 4 }
"""


@pytest.fixture(scope="module")
def profile(make_profile: Callable[..., Profile]) -> Profile:
    return make_profile(name="published", methods=["climber"])


@pytest.fixture(scope="module")
def published(complete: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results") / "published"
    shutil.copytree(complete, folder, ignore=shutil.ignore_patterns("studies.log", ".lock"))
    manifest = store.read_manifest(folder)
    manifest.versions["torch"] = "1.0"
    store.write_manifest(folder, manifest.model_copy(update={"git": {"commit": "0123abcdef"}}))
    return folder


def test_a_plugin_of_ones_own_beside_published_rows(
    published: Path, chores: str, tmp_path: Path, longlag: Any
) -> None:
    (tmp_path / "mine.toml").write_text(PROFILE)
    before = {path.name: path.read_bytes() for path in published.iterdir()}
    out = tmp_path / "mine"
    given = ("--profile", str(tmp_path / "mine.toml"), "--plugin", chores, "--out", str(out), "--jobs", "1")
    code, printed = longlag("run", *given, "--against", str(published))
    assert code == 0, printed
    told = " ".join(printed.split())
    assert "2 cases, 6 trials" in told
    assert "chore:standard, lag 1 chance 100% nothing 0/2" in told
    assert told.index("nothing 0/2") < told.index("climber · published 2/2")
    lines = printed.splitlines()
    assert "budget: at 1 of 1 shared lags, as on chore:standard at 1: 20000 against 10000 FLOPs" in lines
    assert any(line.startswith("code: no case is shared (commit ") for line in lines)
    assert any(line.startswith("versions: torch ") and "against 1.0" in line for line in lines)
    assert "only in" not in told
    assert "climber" in (out / "report.html").read_text()
    assert "climber" not in (out / "summary.csv").read_text()
    assert "climber" not in (out / "summary.md").read_text()
    assert {path.name: path.read_bytes() for path in published.iterdir()} == before
    # A finished campaign beside two: each line says against which.
    code, printed = longlag("run", "--resume", *given, *("--against", str(published)) * 2)
    assert code == 0, printed
    assert "no trial is run" in printed
    for number in (1, 2):
        assert f"mine against published ({number}): versions: torch " in printed


def test_what_cannot_be_read_is_said_before_anything_runs(tmp_path: Path, longlag: Any) -> None:
    out = tmp_path / "out"
    code, printed = longlag("run", "--profile", "tiny", "--out", str(out), "--against", str(tmp_path / "no"))
    assert (code, printed.count("\n")) == (2, 1)
    assert "no campaign here" in printed
    assert not out.exists()


def test_what_has_nothing_on_the_task_is_said_at_once(
    published: Path, chores: str, tmp_path: Path, longlag: Any
) -> None:
    (tmp_path / "mine.toml").write_text(PROFILE.replace('"chore"', '"adding:ms11"').replace("[1, 5]", "[20]"))
    given = ("--plugin", chores, "--out", str(tmp_path / "mine"), "--jobs", "1", "--against", str(published))
    code, printed = longlag("run", "--profile", str(tmp_path / "mine.toml"), *given)
    assert code == 0, printed
    assert "published: nothing on adding:ms11 to stand beside" in printed.splitlines()
    given = (*given[:-1], str(tmp_path / "mine"))
    other = ("--out", str(tmp_path / "other"), "--tasks", "adding:hs97")
    code, printed = longlag("run", "--profile", str(tmp_path / "mine.toml"), *given, *other)
    assert code == 0, printed
    told = "mine: nothing on adding:hs97 to stand beside; of that task they have adding:ms11"
    assert told in printed.splitlines()


def test_a_resumed_campaign_is_shown_beside_the_same(
    published: Path, chores: str, tmp_path: Path, longlag: Any
) -> None:
    (tmp_path / "mine.toml").write_text(PROFILE)
    out = tmp_path / "mine"
    given = ("--profile", str(tmp_path / "mine.toml"), "--plugin", chores, "--jobs", "1")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Coordinator, "run", interrupt)
        patch.setattr(os, "_exit", sys.exit)
        code, printed = longlag("run", *given, "--out", str(out), "--against", str(published))
        assert code == INTERRUPTED
        assert printed.endswith(f"To go on: longlag run --resume --out {out}\n")
    elsewhere = published.rename(published.with_name("moved"))
    interrupted = shutil.copytree(out, tmp_path / "copy", ignore=shutil.ignore_patterns(".lock"))
    code, printed = longlag("run", "--resume", "--out", str(interrupted), "--jobs", "1")
    assert code == 0, printed
    assert f"{published}: no longer there, and not shown beside; --against names others" in printed
    elsewhere.rename(published)
    # The second time it is complete already, and the note is still there.
    for folder in (out, out, interrupted):
        code, printed = longlag("run", "--resume", "--out", str(folder), "--jobs", "1")
        assert code == 0, printed
        assert "climber · published 2/2" in " ".join(printed.split())
