"""The files of a campaign: compaction, its crashes, one coordinator at a time, studies for the dashboard."""

from __future__ import annotations

import errno
import os
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pyarrow.parquet as pq
import pytest

from longlag.bench import store
from longlag.bench.contract.errors import BadInput
from longlag.bench.store import row
from longlag.bench.store.journal import Journal, entries
from longlag.bench.store.studies import Studies, readable, storage_of
from longlag.bench.trial.spec import Case, Limits, Outcome, TrialSpec


def entry(number: int, points: int = 3) -> dict[str, Any]:
    spec = TrialSpec(Case("m", "t", "v", 5), "tune", number, number, {"a": number}, Limits(1e6))
    point = {"flops": 1.0, "sequences": 2.0, "updates": 3.0, "seconds": 4.0, "loss": 0.5, "error": 1.0}
    probe = {"moment": "before", "lag": 1, "gradient_norm": 0.5, "spectral_radius": 1.0}
    outcome = Outcome("plateau", error=0.5, chance=1.0, flops=float(number))
    return {"row": row(spec, outcome, "c0de"), "curve": [point] * points, "probes": [probe] * points}


def fill(folder: Path, entries: list[dict[str, Any]]) -> list[str]:
    folder.mkdir(exist_ok=True)
    facts: dict[str, Any] = {name: {} for name in ("profile", "versions", "machine", "git")}
    manifest = store.Manifest(campaign="c", seed=0, command="", data=None, created="", **facts)
    store.write_manifest(folder, manifest)
    journal = Journal.open(folder / store.JOURNAL)
    journal.append(entries)
    journal.close()
    return [e["row"]["run_id"] for e in entries]


def test_compaction_orders_rows_and_doubles_none(tmp_path: Path) -> None:
    entries = [entry(n) for n in range(5)]
    order = fill(tmp_path, [*entries, entries[2]])[:5]
    before = store.load(tmp_path)
    store.compact(tmp_path, reversed(order))
    (tmp_path / store.JOURNAL).unlink()
    after = store.load(tmp_path)
    assert after.trials.run_id.tolist() == order[::-1]
    assert len(after.curves) == len(after.probes) == 15
    pd.testing.assert_frame_equal(after.trials[::-1].reset_index(drop=True), before.trials)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([store.MANIFEST, *store.SCHEMAS])


def test_a_folder_with_a_colon_is_no_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("mine.py:Mine")
    store.compact(folder, fill(folder, [entry(0)]))
    (folder / store.JOURNAL).unlink()
    assert len(store.load(folder).trials) == 1
    held = (folder / store.TRIALS).read_bytes()
    assert store.same_table(folder / store.TRIALS, held)


def test_rows_of_an_earlier_compaction_stay(tmp_path: Path) -> None:
    first = fill(tmp_path, [entry(0), entry(1)])
    store.compact(tmp_path, first)
    (tmp_path / store.JOURNAL).unlink()
    second = fill(tmp_path, [entry(2)])
    store.compact(tmp_path, [*second, *first])
    assert pq.read_table(tmp_path / store.TRIALS)["run_id"].to_pylist() == [*second, *first]
    assert pq.read_table(tmp_path / store.CURVES).num_rows == 9


def test_compacting_reads_one_entry_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("longlag.bench.store.files._GROUP", 1000)

    def peak(work: Callable[[], object]) -> int:
        tracemalloc.start()
        work()
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    few, many = tmp_path / "few", tmp_path / "many"
    sizes = {few: 80, many: 320}
    order = {f: fill(f, [entry(n, points=40) for n in range(count)]) for f, count in sizes.items()}
    peak(lambda: store.compact(few, order[few]))
    grown = peak(lambda: store.compact(many, order[many])) - peak(lambda: store.compact(few, order[few]))
    held = peak(lambda: list(entries(many / store.JOURNAL)))
    # What does grow is the index, and Parquet's own table of its row groups.
    assert grown < 0.2 * held


def test_a_full_disk_while_compacting_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = fill(tmp_path, [entry(0)])
    store.compact(tmp_path, order)
    before = {name: (tmp_path / name).read_bytes() for name in store.SCHEMAS}
    fill(tmp_path, [entry(1)])

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BadInput, match=r"trials\.parquet: cannot be written: No space left on device"):
        store.compact(tmp_path, order)
    assert {name: (tmp_path / name).read_bytes() for name in store.SCHEMAS} == before
    assert not list(tmp_path.glob("*.new"))


def test_a_second_coordinator_is_refused(tmp_path: Path) -> None:
    lock = store.lock(tmp_path)
    with pytest.raises(BadInput, match="another coordinator"):
        store.lock(tmp_path)
    lock.release()
    store.lock(tmp_path).release()


def studied(count: int, name: str = "m/t:v/5") -> optuna.Study:
    study = optuna.create_study(study_name=name, sampler=optuna.samplers.RandomSampler(seed=1))
    study.enqueue_trial({"x": 0.5})
    for number in range(count):
        trial = study.ask()
        trial.suggest_float("x", 0.1, 10.0, log=True)
        trial.suggest_int("n", 1, 9)
        trial.suggest_categorical("c", ["a", "b", None])
        trial.set_user_attr("run_id", f"{number}")
        study.tell(trial, number / 3)
    return study


def test_a_stored_study_is_the_study(tmp_path: Path) -> None:
    study = studied(5)
    path = tmp_path / "studies.log"
    studies = Studies(path)
    studies.add(studied(2, "m/t:v/2"))
    studies.add(study)
    studies.add(studied(3, "m/t:v/10"))
    storage = storage_of(path)
    assert optuna.get_all_study_names(storage) == ["m/t:v/2", "m/t:v/5", "m/t:v/10"]
    assert [len(optuna.load_study(study_name=f"m/t:v/{lag}", storage=storage).trials) for lag in (2, 10)] == [
        2,
        3,
    ]
    stored = optuna.load_study(study_name="m/t:v/5", storage=storage_of(path))
    assert len(stored.trials) == 5
    for a, b in zip(study.trials, stored.trials, strict=True):
        assert (a.number, a.state, a.value, a.params, a.distributions) == (
            b.number, b.state, b.value, b.params, b.distributions
        )  # fmt: skip
        assert (a.user_attrs, a.system_attrs) == (b.user_attrs, b.system_attrs)
        assert (a.datetime_start, a.datetime_complete) == (b.datetime_start, b.datetime_complete)
    assert stored.best_trial.number == 0
    assert readable(path)


def test_the_lock_of_a_killed_coordinator_holds_up_nobody(tmp_path: Path) -> None:
    path = tmp_path / "studies.log"
    Studies(path).add(studied(2))
    (tmp_path / "studies.log.lock").symlink_to(path)
    started = time.monotonic()
    # of a resumed campaign, which begins anew
    Studies(path).add(studied(3))
    assert time.monotonic() - started < 5
    assert len(optuna.load_study(study_name="m/t:v/5", storage=storage_of(path)).trials) == 3
    assert [file.name for file in tmp_path.iterdir()] == ["studies.log"]


@pytest.mark.parametrize("damage", ["cut", "text", "hole"])
def test_a_damaged_file_of_studies_is_not_readable(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "studies.log"
    Studies(path).add(studied(50))
    content = path.read_bytes()
    path.write_bytes(
        {
            "cut": content[: len(content) // 2],
            "text": b"not a database",
            "hole": content[:4096] + b"\0" * (len(content) - 8192) + content[-4096:],
        }[damage]
    )
    assert not readable(path)
