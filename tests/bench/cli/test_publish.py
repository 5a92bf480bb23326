"""`longlag publish`: what may stand for something is copied, and the record book follows from the rows."""

import errno
import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from longlag.bench import store
from longlag.bench.campaign.profile import Profile
from longlag.bench.campaign.publishing import faults
from longlag.reports import records


@pytest.fixture(scope="module")
def profile(make_profile: Any) -> Profile:
    made: Profile = make_profile()
    return made


@pytest.fixture
def finished(complete: Path, tmp_path: Path) -> Path:
    """A campaign of its own, of clean code."""
    folder = tmp_path / "mine"
    shutil.copytree(complete, folder)
    manifest = store.read_manifest(folder)
    clean = manifest.model_copy(update={"git": {"commit": "0123abc", "dirty": False}})
    store.write_manifest(folder, clean)
    return folder


def publish(longlag: Any, folder: Path, results: Path, *more: str) -> tuple[object, str]:
    code, printed = longlag("publish", str(folder), "--results", str(results), *more)
    return code, " ".join(printed.split())


def test_a_campaign_is_published_once(finished: Path, tmp_path: Path, longlag: Any) -> None:
    results = tmp_path / "results"
    (results / "other").mkdir(parents=True)
    (results / "README.md").write_text("# Results\n\nMine.\n")
    assert publish(longlag, finished, results)[0] == 0
    page = (results / "README.md").read_text()
    assert page.startswith("# Results\n\nMine.\n")
    assert "## The record book" in page
    before = {path: path.read_bytes() for path in results.rglob("*") if path.is_file()}
    assert results / "mine" / store.TRIALS in before
    code, printed = publish(longlag, finished, results)
    assert code == 0
    assert "published already, and nothing changed" in printed
    assert before == {path: path.read_bytes() for path in results.rglob("*") if path.is_file()}
    assert store.load(results / "mine").trials.equals(store.load(finished).trials)


def test_a_plugin_that_made_it_is_named(finished: Path, tmp_path: Path, longlag: Any) -> None:
    manifest = store.read_manifest(finished)
    assert "chores.py is not published with it" in publish(longlag, finished, tmp_path / "results")[1]
    profile = {**manifest.profile, "plugins": ["/home/me/mine.py"]}
    store.write_manifest(finished, manifest.model_copy(update={"profile": profile}))
    code, printed = publish(longlag, finished, tmp_path / "others")
    assert code == 0
    assert "/home/me/mine.py is not published with it: without the file no one can replay it" in printed


def test_curves_and_probes_are_published_of_the_retests(finished: Path, tmp_path: Path, longlag: Any) -> None:
    assert publish(longlag, finished, tmp_path / "results")[0] == 0
    whole, published = store.load(finished), store.load(tmp_path / "results" / "mine")
    retests = whole.trials.loc[whole.trials["phase"] == "retest", "run_id"]
    assert 0 < len(retests) < len(whole.trials)
    for table in ("curves", "probes"):
        expected = getattr(whole, table)
        assert set(expected["run_id"]) == set(whole.trials["run_id"])
        expected = expected[expected["run_id"].isin(retests)].reset_index(drop=True)
        pd.testing.assert_frame_equal(getattr(published, table), expected)


def test_a_file_of_the_same_rows_is_left_alone(finished: Path, tmp_path: Path, longlag: Any) -> None:
    """Another version of pyarrow writes other bytes."""
    assert publish(longlag, finished, tmp_path / "results")[0] == 0
    files = [tmp_path / "results" / "mine" / name for name in (store.TRIALS, store.CURVES)]
    for path in files:
        pq.write_table(pq.read_table(path), path, compression="gzip")
    before = [path.read_bytes() for path in files]
    assert "nothing changed" in publish(longlag, finished, tmp_path / "results")[1]
    assert before == [path.read_bytes() for path in files]
    curves = pq.read_table(files[1])
    pq.write_table(curves.slice(1), files[1])
    assert "nothing changed" not in publish(longlag, finished, tmp_path / "results")[1]
    assert pq.read_table(files[1]).num_rows == curves.num_rows
    files[0].write_bytes(b"damaged")
    assert publish(longlag, finished, tmp_path / "results")[0] == 0
    assert store.load(files[0].parent).trials.equals(store.load(finished).trials)


def damaged(folder: Path, **changes: Any) -> None:
    path = folder / store.MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_every_reason_is_told(finished: Path, tmp_path: Path, longlag: Any) -> None:
    profile = json.loads((finished / store.MANIFEST).read_text())["profile"]
    damaged(
        finished,
        git={"commit": None, "dirty": True},
        profile={**profile, "seed": 5, "retests": profile["retests"] + 1, "updates": 77},
    )
    code, printed = publish(longlag, finished, tmp_path / "results")
    assert code == 1
    for reason in (
        "the commit of its code was not noted",
        "rows do not belong to its profile",
        "retests of",
    ):
        assert reason in printed
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("refused", ["mkdir", "open"])
def test_what_cannot_be_written_is_one_line(
    finished: Path, tmp_path: Path, longlag: Any, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    results = tmp_path / "results"
    allowed = getattr(Path, refused)

    def read_only(path: Path, *given: Any, **more: Any) -> Any:
        if results in path.parents and (refused == "mkdir" or "wb" in given):
            raise OSError(errno.EROFS, "Read-only file system")
        return allowed(path, *given, **more)

    monkeypatch.setattr(Path, refused, read_only)
    code, printed = longlag("publish", str(finished), "--results", str(results))
    assert code == 2
    where = results / "mine" if refused == "mkdir" else results / "mine" / store.MANIFEST
    # Nothing of --resume, which is for a run.
    assert printed == f"longlag: {where}: cannot be written: Read-only file system\n"


def test_changed_code_passes_when_forced(finished: Path, tmp_path: Path, longlag: Any) -> None:
    damaged(finished, git={"commit": "0123abc", "dirty": True})
    assert publish(longlag, finished, tmp_path / "results")[0] == 1
    assert publish(longlag, finished, tmp_path / "results", "--force")[0] == 0


def test_a_mix_of_code_is_said(finished: Path, tmp_path: Path, longlag: Any) -> None:
    run = {"at": "2026-01-02T00:00:00", store.OTHER_CODE: 3}
    damaged(finished, resumed=[run])
    code, printed = publish(longlag, finished, tmp_path / "results")
    assert code == 0
    said = "resumed on 2026-01-02 by other code than that of 3 of its trials"
    assert f"mine: a mix of code: {said}" in printed
    assert f"- `mine`: {said}." in (tmp_path / "results" / "README.md").read_text()


def test_what_is_unfinished_is_not_published(finished: Path) -> None:
    damaged(finished, finished=None)
    assert faults(finished, {}) == [f"it is not finished: longlag run --resume --out {finished}"]


def test_a_campaign_that_went_on_takes_its_own_place(finished: Path, tmp_path: Path, longlag: Any) -> None:
    results, earlier = tmp_path / "results", shutil.copytree(finished, tmp_path / "earlier" / "mine")
    assert publish(longlag, finished, results)[0] == 0
    on = ("--lags", "1,2,5", "--code-changed", "go-on", "--jobs", "1")
    assert longlag("run", "--resume", "--out", str(finished), *on)[0] == 0
    code, printed = publish(longlag, finished, results, "--force")
    assert code == 0, printed
    assert set(store.load(results / "mine").trials["lag"]) == {1, 2, 5}
    code, printed = publish(longlag, earlier, results)
    assert code == 2
    assert "holds another campaign" in printed


def test_a_copy_that_was_unfinished_leaves_nothing_behind(
    finished: Path, tmp_path: Path, longlag: Any
) -> None:
    """Its journal's rows would be read in place of the tables'."""
    published = shutil.copytree(finished, tmp_path / "results" / "mine")
    stale = {**next(iter(store.rows(finished))), "flops": -1.0}
    entry = {"row": stale, "curve": [], "probes": []}
    (published / store.JOURNAL).write_text(json.dumps(entry) + "\n")
    assert store.load(published).trials["flops"].min() == -1
    code, printed = publish(longlag, finished, tmp_path / "results")
    assert code == 0, printed
    pd.testing.assert_frame_equal(store.load(published).trials, store.load(finished).trials)


def test_a_method_that_never_runs_to_an_end_can_be_published(
    make_profile: Any, campaign: Any, inline: Any, tmp_path: Path, longlag: Any
) -> None:
    folder = tmp_path / "crashing"
    campaign(make_profile(methods=["nothing", "useless"], lags=[1]), folder, inline)
    assert set(store.load(folder).trials.query("method == 'useless'")["status"]) == {"crashed"}
    damaged(folder, git={"commit": "0123abc", "dirty": False})
    code, printed = publish(longlag, folder, tmp_path / "results")
    assert code == 0, printed


@pytest.mark.parametrize("dirty", [True, None])
def test_code_that_may_not_be_a_commits_is_refused(finished: Path, dirty: bool | None) -> None:
    damaged(finished, git={"commit": "0123abc", "dirty": dirty})
    assert faults(finished, {}) == ["its code was not that of a commit; --force publishes it all the same"]


def test_another_campaign_is_never_written_over(finished: Path, tmp_path: Path, longlag: Any) -> None:
    results = tmp_path / "results"
    assert publish(longlag, finished, results)[0] == 0
    damaged(finished, created="2001-01-01T00:00:00+00:00")
    code, printed = publish(longlag, finished, results)
    assert code == 2
    assert "holds another campaign" in printed
    assert publish(longlag, finished, results, "--as", "another")[0] == 0
    assert {path.name for path in records.published(results)} == {"mine", "another"}


@pytest.mark.parametrize("name", ["a/b", "..", "local"])
def test_a_name_is_a_folders(finished: Path, tmp_path: Path, longlag: Any, name: str) -> None:
    assert publish(longlag, finished, tmp_path / "results", "--as", name)[0] == 2
    assert not (tmp_path / "results").exists()


@pytest.fixture
def climbers(make_profile: Any, campaign: Any, inline: Any, tmp_path: Path) -> dict[str, Path]:
    """Campaigns that bridge a lag of 1, of 2, and again of 1, one finished after the other."""
    folders = {}
    for day, (name, lag, seed) in enumerate((("first", 1, 0), ("second", 2, 0), ("third", 1, 1)), start=1):
        folder = folders[name] = tmp_path / name
        profile = make_profile(name=name, methods=["climber"], lags=[lag], seed=seed, trials=2, retests=5)
        campaign(profile, folder, inline)
        finished = f"2026-01-0{day}T00:00:00+00:00"
        damaged(folder, git={"commit": "0123abc", "dirty": False}, finished=finished)
    return folders


def records_of(results: Path) -> dict[str, list[str]]:
    """The rows of the record book's first table, and the lines of its earlier records."""
    page = (results / "README.md").read_text()
    book, _, rest = page.partition("By method:")
    earlier = rest.partition("Earlier records:")[2].partition("###")[0]
    return {
        "current": [line for line in book.splitlines() if line.startswith("| chore:")],
        "earlier": [line for line in earlier.splitlines() if line.startswith("- ")],
    }


def test_what_beats_a_record_takes_its_place(climbers: dict[str, Path], tmp_path: Path, longlag: Any) -> None:
    results = tmp_path / "results"
    assert publish(longlag, climbers["first"], results)[0] == 0
    ((first,), none) = records_of(results).values()
    assert first.startswith("| chore:standard | 1 | climber | 5/5 |")
    assert "| first | `longlag replay results/first " in first
    assert none == []

    assert publish(longlag, climbers["second"], results)[0] == 0
    ((second,), (beaten,)) = records_of(results).values()
    assert second.startswith("| chore:standard | 2 | climber | 5/5 |")
    assert "| second | `longlag replay results/second " in second
    assert beaten.startswith("- chore:standard: 1 by climber, ")
    assert beaten.endswith("`first`, 2026-01-01")

    # What beats nothing is published, and no record.
    assert publish(longlag, climbers["third"], results)[0] == 0
    assert records_of(results) == {"current": [second], "earlier": [beaten]}
    assert {path.name for path in records.published(results)} == {"first", "second", "third"}


def test_the_order_of_publishing_changes_no_record(
    climbers: dict[str, Path], tmp_path: Path, longlag: Any
) -> None:
    pages = []
    for number, order in enumerate((("first", "second", "third"), ("third", "second", "first"))):
        results = tmp_path / str(number) / "results"
        for name in order:
            assert publish(longlag, climbers[name], results)[0] == 0
        pages.append((results / "README.md").read_text())
    assert pages[0] == pages[1]


def test_publishing_again_changes_nothing(climbers: dict[str, Path], tmp_path: Path, longlag: Any) -> None:
    results = tmp_path / "results"
    for folder in climbers.values():
        assert "published; records" in publish(longlag, folder, results)[1]
    before = {
        path: (path.read_bytes(), path.stat().st_mtime_ns) for path in results.rglob("*") if path.is_file()
    }
    for folder in climbers.values():
        assert "published already, and nothing changed" in publish(longlag, folder, results)[1]
        # Nor from where it was published to.
        assert "nothing changed" in publish(longlag, results / folder.name, results)[1]
    after = {
        path: (path.read_bytes(), path.stat().st_mtime_ns) for path in results.rglob("*") if path.is_file()
    }
    assert after == before
