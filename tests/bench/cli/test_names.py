"""Names of folders that mean something to SQL, URLs, rich or a shell are names, no more."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest

from longlag.bench import store
from longlag.bench.campaign.profile import Profile
from longlag.bench.contract.errors import BadInput
from longlag.bench.store.journal import entries
from longlag.bench.store.studies import readable, storage_of

Command = Callable[..., tuple[object, str]]

NAMES = ["run?1", "run%201", "run#1", "run[seed]", "x[/old]", "a b'c", ":smile:", "run;x=1"]


@pytest.fixture(scope="module")
def profile(make_profile: Callable[..., Profile]) -> Profile:
    return make_profile(lags=[1], trials=2, batch=2, retests=1)


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_s_name_is_literal(
    profile: Profile, campaign: Callable[..., Any], inline: Any, tmp_path: Path, name: str, longlag: Command
) -> None:
    folder = tmp_path / name
    campaign(profile, folder, inline)
    assert [path.name for path in tmp_path.iterdir()] == [name.partition("/")[0]]
    assert (folder / store.STUDIES).is_file()
    assert readable(folder / store.STUDIES)
    # Optuna opens it under a name that is safe in a URL.
    assert len(optuna.get_all_study_names(storage_of(folder / store.STUDIES))) == 1
    code, printed = longlag("report", str(folder))
    assert code == 0, printed
    assert f"report: {folder / 'report.html'}" in printed


def test_the_line_to_go_on_with_can_be_pasted(tmp_path: Path) -> None:
    folder = tmp_path / "a b'c"
    folder.mkdir()
    (folder / store.JOURNAL).write_text("damaged\n")
    with pytest.raises(BadInput) as caught:
        list(entries(folder / store.JOURNAL))
    line = str(caught.value).partition("`")[2].partition("`")[0]
    assert shlex.split(line) == ["longlag", "run", "--resume", "--out", str(folder)]


def test_there_is_nothing_to_resume_where_no_campaign_is(
    tmp_path: Path, longlag: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, printed = longlag("run", "--profile", "tiny", "--resume")
    assert code == 2
    assert "results/local/tiny-0: no campaign to resume; --out names the folder of another" in printed
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["x" * 260, os.fsdecode(b"caf\xe9"), "two\nlines\0"])
@pytest.mark.parametrize(
    "command", [["run", "--profile", "tiny", "--out"], ["report"], ["run", "--resume", "--out"]]
)
def test_a_name_that_no_folder_can_have_is_one_line(
    tmp_path: Path, command: list[str], name: str, longlag: Command
) -> None:
    code, printed = longlag(*command, str(tmp_path / name))
    assert code == 2
    assert len(printed.splitlines()) == 1
    assert not list(tmp_path.iterdir())
