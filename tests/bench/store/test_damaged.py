"""Damaged files: one clear line, what can be saved is saved, nothing is overwritten."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from longlag.bench import store
from longlag.bench.campaign.coordinator import Coordinator
from longlag.bench.campaign.profile import Profile
from longlag.bench.contract.errors import BadInput
from longlag.bench.plugins.registry import discover
from longlag.bench.store.studies import readable

Command = Callable[..., tuple[object, str]]

Trials = Callable[[Path], pd.DataFrame]


@pytest.fixture
def unfinished(halfway: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(halfway, tmp_path / "unfinished"))


@pytest.fixture
def finished(complete: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(complete, tmp_path / "finished"))


@pytest.fixture
def resume(
    profile: Profile, inline: Any, complete: Path, trials: Trials
) -> Callable[[Path], tuple[list[str], int]]:
    """Resumes a campaign; what it said of its files, and how many trials it ran."""

    def resume(folder: Path) -> tuple[list[str], int]:
        fresh = []
        coordinator = Coordinator(profile, discover(tuple(profile.plugins)), folder).open(resume=True)
        try:
            coordinator.run(inline, lambda row, curve: None if curve is None else fresh.append(row))
        finally:
            coordinator.close()
        pd.testing.assert_frame_equal(trials(folder), trials(complete))
        return coordinator.notices, len(fresh)

    return resume


def refused(profile: Profile, folder: Path) -> str:
    """The line with which the folder is refused; it is left as it was."""
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(BadInput) as caught:
        Coordinator(profile, discover(tuple(profile.plugins)), folder).open(resume=True)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_damaged_line_costs_its_trial_and_is_named(
    unfinished: Path, resume: Callable[[Path], tuple[list[str], int]]
) -> None:
    path = unfinished / store.JOURNAL
    lines = path.read_bytes().splitlines(keepends=True)
    damaged = b"".join([lines[0], lines[1][:100] + b"\n", *lines[2:]])
    path.write_bytes(damaged)
    with pytest.raises(BadInput, match="line 2 is damaged"):
        store.load(unfinished)
    notices, fresh = resume(unfinished)
    assert any("damaged at line 2" in notice for notice in notices)
    assert fresh == 12 - (len(lines) - 1)
    assert (unfinished / f"{store.JOURNAL}.damaged-1").read_bytes() == damaged


def test_a_row_cut_short_is_run_again(
    unfinished: Path, resume: Callable[[Path], tuple[list[str], int]]
) -> None:
    path = unfinished / store.JOURNAL
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert len(store.load(unfinished).trials) == whole.count(b"\n") - 1
    notices, fresh = resume(unfinished)
    assert any("cut short" in notice for notice in notices)
    assert fresh == 12 - (whole.count(b"\n") - 1)


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\0" + b"\xff" * 5000])
def test_damaged_studies_are_put_aside_and_written_anew(
    unfinished: Path, resume: Callable[[Path], tuple[list[str], int]], content: bytes
) -> None:
    path = unfinished / store.STUDIES
    path.write_bytes(content)
    notices, _ = resume(unfinished)
    if content:
        assert any("studies.log: damaged, kept as studies.log.damaged-1" in notice for notice in notices)
        assert (unfinished / "studies.log.damaged-1").read_bytes() == content
    assert readable(path)


def test_a_damaged_table_beside_the_journal_is_put_aside(
    finished: Path, halfway: Path, resume: Callable[[Path], tuple[list[str], int]]
) -> None:
    store.write_manifest(finished, store.read_manifest(finished).model_copy(update={"finished": None}))
    (finished / store.TRIALS).write_bytes(b"PAR1 half")
    shutil.copy(halfway / store.JOURNAL, finished)
    notices, _ = resume(finished)
    assert any("trials.parquet: not a readable results file" in notice for notice in notices)
    assert (finished / "trials.parquet.damaged-1").read_bytes() == b"PAR1 half"


@pytest.mark.parametrize("name", list(store.SCHEMAS))
@pytest.mark.parametrize("damage", ["cut", "text", "missing column"])
def test_a_damaged_table_is_named(finished: Path, name: str, damage: str) -> None:
    path = finished / name
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "text":
        path.write_text("hello")
    else:
        pd.DataFrame({"a": [1]}).to_parquet(path)
    before = path.read_bytes()
    with pytest.raises(BadInput, match=name) as caught:
        store.load(finished)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


def test_the_command_refuses_a_damaged_campaign(finished: Path, longlag: Command) -> None:
    (finished / store.TRIALS).write_bytes(b"PAR1")
    code, told = longlag("report", str(finished))
    assert code == 2
    assert len(told.strip().splitlines()) == 1
    assert "trials.parquet" in told


def test_a_newer_schema_is_refused(profile: Profile, unfinished: Path) -> None:
    newer = store.read_manifest(unfinished).model_copy(update={"version": store.SCHEMA + 1})
    store.write_manifest(unfinished, newer)
    assert "written by a newer version" in refused(profile, unfinished)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not a campaign's manifest"),
        ("{", "not a campaign's manifest"),
        ("[]", "not a campaign's manifest"),
        ('{"schema": 1}', "not a campaign's manifest: key 'campaign': field required"),
    ],
)
def test_a_damaged_manifest_is_refused(profile: Profile, unfinished: Path, text: str, told: str) -> None:
    (unfinished / store.MANIFEST).write_text(text)
    assert told in refused(profile, unfinished)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("profile", {"a": 1}, "profile: "),
        ("created", 5, "key 'created': input should be a valid string"),
        ("seed", "3", "key 'seed': input should be a valid integer"),
    ],
)
def test_a_manifest_with_a_wrong_key_is_refused(
    profile: Profile, unfinished: Path, key: str, value: object, told: str
) -> None:
    manifest = store.read_manifest(unfinished).model_dump(by_alias=True)
    (unfinished / store.MANIFEST).write_text(json.dumps({**manifest, key: value}))
    assert told in refused(profile, unfinished)


def test_a_foreign_folder_is_left_alone(profile: Profile, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    assert "holds files but no campaign" in refused(profile, tmp_path)


def test_another_campaign_is_left_alone(make_profile: Callable[..., Profile], unfinished: Path) -> None:
    assert "another campaign (its trials: 4)" in refused(make_profile(trials=9), unfinished)


def test_a_folder_that_cannot_be_made(profile: Profile, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="file"):
        Coordinator(profile, discover(tuple(profile.plugins)), tmp_path / "file" / "c").open(resume=False)


@pytest.mark.parametrize("name", [*store.SCHEMAS, store.MANIFEST])
def test_a_missing_part_is_named_and_the_page_stays(finished: Path, name: str, longlag: Command) -> None:
    (finished / "report.html").write_text("the good page")
    (finished / name).unlink()
    before = {path: path.read_bytes() for path in finished.iterdir()}
    code, told = longlag("report", str(finished))
    assert code == 2
    assert len(told.strip().splitlines()) == 1
    assert name in told
    assert {path: path.read_bytes() for path in finished.iterdir()} == before


def test_a_finished_campaign_whose_table_holds_no_rows_is_refused(
    profile: Profile, finished: Path, longlag: Command, resume: Callable[[Path], tuple[list[str], int]]
) -> None:
    pq.write_table(store.TRIAL_SCHEMA.empty_table(), finished / store.TRIALS)
    (finished / "report.html").write_text("the good page")
    before = {path: path.read_bytes() for path in finished.iterdir()}
    code, told = longlag("report", str(finished))
    assert (code, told) == (2, f"longlag: {finished / store.TRIALS}: holds no rows\n")
    with pytest.raises(BadInput, match=r"trials.parquet: holds no rows; add --resume"):
        Coordinator(profile, discover(tuple(profile.plugins)), finished).open(resume=False)
    assert {path: path.read_bytes() for path in finished.iterdir()} == before
    assert resume(finished)[1] == 12


@pytest.mark.parametrize("name", list(store.SCHEMAS))
def test_a_finished_campaign_without_its_rows_is_not_complete(
    profile: Profile, finished: Path, name: str, resume: Callable[[Path], tuple[list[str], int]]
) -> None:
    (finished / name).unlink()
    before = {path: path.read_bytes() for path in finished.iterdir()}
    with pytest.raises(BadInput, match=rf"{name}: missing.*add --resume"):
        Coordinator(profile, discover(tuple(profile.plugins)), finished).open(resume=False)
    assert {path: path.read_bytes() for path in finished.iterdir()} == before
    assert resume(finished)[1] == 12
