"""`longlag report`: of one campaign or several, as a page, on the terminal, or as tables alone."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from longlag.bench import store
from longlag.bench.campaign.profile import Profile


@pytest.fixture(scope="module")
def profile(make_profile: Callable[..., Profile]) -> Profile:
    return make_profile(methods=["climber", "nothing"], retests=4)


@pytest.fixture(scope="module")
def two(
    complete: Path, profile: Profile, campaign: Callable[..., Any], inline: Any, tmp_path_factory: Any
) -> tuple[str, str]:
    """The same campaign on two seeds."""
    folder = tmp_path_factory.mktemp("two")
    shutil.copytree(complete, folder / "one", ignore=shutil.ignore_patterns("studies.log", ".lock"))
    campaign(profile.model_copy(update={"seed": 1}), folder / "other", inline)
    return str(folder / "one"), str(folder / "other")


def test_two_campaigns_are_compared_and_nothing_is_written(two: tuple[str, str], longlag: Any) -> None:
    before = [sorted(path.name for path in Path(folder).iterdir()) for folder in two]
    code, printed = longlag("report", *two)
    told = " ".join(printed.split())
    assert code == 0
    assert "Between one and other no difference is beyond noise" in told
    assert "seed: 0 against 1" in told
    assert "--out DIR writes their page and tables" in told
    assert [sorted(path.name for path in Path(folder).iterdir()) for folder in two] == before


def test_their_page_and_tables_go_where_they_are_told(
    two: tuple[str, str], tmp_path: Path, longlag: Any
) -> None:
    assert longlag("report", *two, "--out", str(tmp_path / "both"))[0] == 0
    made = {path.name for path in (tmp_path / "both").iterdir()}
    assert {"report.html", "summary.csv", "summary.md", "summary.tex"} <= made
    assert (tmp_path / "both" / "summary.csv").read_text().startswith("campaign,method,")


def test_a_table_alone_is_printed_as_it_is(two: tuple[str, str], longlag: Any) -> None:
    code, printed = longlag("report", two[0], "--csv")
    assert code == 0
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert [(row["method"], row["lag"], row["n"]) for row in rows] == [
        ("climber", "1", "4"),
        ("nothing", "1", "4"),
        ("climber", "2", "4"),
        ("nothing", "2", "4"),
    ]
    assert "## Cases" in longlag("report", two[0], "--markdown")[1]
    assert longlag("report", *two, "--latex")[1].startswith("% needs")


def test_tables_are_written_to_a_file_or_a_folder(two: tuple[str, str], tmp_path: Path, longlag: Any) -> None:
    table = tmp_path / "new" / "mine.tex"
    assert longlag("report", two[0], "--latex", "--out", str(table))[0] == 0
    assert "\\begin{table}" in table.read_text()
    folder = tmp_path / "folder"
    assert longlag("report", *two, "--csv", "--markdown", "--out", str(folder))[0] == 0
    assert {path.name for path in folder.iterdir()} == {"summary.csv", "summary.md"}


def test_bad_input_is_one_line(two: tuple[str, str], tmp_path: Path, longlag: Any) -> None:
    (tmp_path / "file").write_text("mine")
    bad = (
        ((two[0], "--csv", "--latex", "--out", "x.csv"), "one file for 2 tables; name a folder"),
        ((two[0], "--csv", "--out", str(tmp_path / "file" / "a.csv")), "cannot be written"),
        ((two[0], "--out", str(tmp_path / "file")), "cannot be written"),
        ((str(tmp_path), "--csv"), "no campaign here"),
    )
    for arguments, complaint in bad:
        code, printed = longlag("report", *arguments)
        assert (code, complaint in printed) == (2, True), printed
    assert (tmp_path / "file").read_text() == "mine"


def test_a_campaign_under_way_is_compared_too(two: tuple[str, str], tmp_path: Path, longlag: Any) -> None:
    shutil.copytree(two[0], tmp_path / "c")
    manifest = store.read_manifest(tmp_path / "c")
    store.write_manifest(tmp_path / "c", manifest.model_copy(update={"finished": None}))
    code, printed = longlag("report", str(tmp_path / "c"), two[1])
    assert code == 0
    assert printed.index("Unfinished: c.") < printed.index("Retests on fresh seeds")


def test_a_campaign_under_way_is_watched_to_its_end(
    two: tuple[str, str], tmp_path: Path, longlag: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "running"
    shutil.copytree(two[0], folder)
    manifest = store.read_manifest(folder)
    store.write_manifest(folder, manifest.model_copy(update={"finished": None}))
    seen: list[str] = []

    def minute(_: float) -> None:
        seen.append((folder / "report.html").read_text())
        if len(seen) == 1:
            (folder / store.MANIFEST).rename(folder / "gone")  # as while it is replaced
        else:
            (folder / "gone").unlink()
            store.write_manifest(folder, manifest)

    monkeypatch.setattr("time.sleep", minute)
    code, printed = longlag("report", str(folder), "--watch")
    assert code == 0
    assert "finished:" in printed
    assert len(seen) == 2
    assert all('http-equiv="refresh" content="60"' in page and "Not final" in page for page in seen)
    last = (folder / "report.html").read_text()
    assert "Not final" not in last
    assert 'http-equiv="refresh"' not in last


def test_a_laxer_criterion_and_files_for_papers_go_beside(
    two: tuple[str, str], tmp_path: Path, longlag: Any
) -> None:
    folder = tmp_path / "campaign"
    shutil.copytree(two[0], folder)
    code, printed = longlag("report", str(folder), "--relax", "2", "--figures")
    assert code == 0, printed
    assert "Criterion relaxed" in " ".join(printed.split())
    made = {path.name for path in (folder / "relaxed_2").iterdir()}
    assert {"report.html", "summary.csv", "figures", "tables"} <= made
    assert not (folder / "report.html").exists()
    assert {path.suffix for path in (folder / "relaxed_2" / "figures").iterdir()} == {
        ".svg",
        ".png",
        ".pdf",
        ".csv",
    }
    for bad in (("--relax", "0.5"), ("--relax", "nan"), ("--watch", "--csv"), ("--watch", "--relax", "2")):
        code, printed = longlag("report", str(folder), *bad)
        assert (code, bad[0] in printed) == (2, True), printed
