"""The journal: rows are whole or not there, and a full disk loses none of them."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longlag.bench.contract.errors import BadInput
from longlag.bench.store import row
from longlag.bench.store.journal import Index, Journal, entries, lines, salvage
from longlag.bench.trial.spec import Case, Checks, Limits, Outcome, TrialSpec

SPEC = TrialSpec(Case("m", "t", "v", 1), "tune", 0, 0, {}, Limits(1.0), Checks(1, 1, 1))
POINT = {"flops": 1.0, "sequences": 1.0, "updates": 1.0, "seconds": 1.0, "loss": 1.0, "error": 1.0}


def entry(name: str, **more: Any) -> dict[str, Any]:
    made = row(SPEC, Outcome("plateau", curve=[POINT]), "0" * 12)
    return {"row": {**made, "run_id": name, **more}, "curve": [POINT], "probes": [], "extrapolation": []}


def line(name: str, **more: Any) -> bytes:
    return json.dumps(entry(name, **more)).encode() + b"\n"


def write(path: Path, *names: str) -> bytes:
    journal = Journal.open(path)
    journal.append([entry(name) for name in names])
    journal.close()
    return path.read_bytes()


def names(path: Path) -> list[str]:
    return [e["row"]["run_id"] for e in entries(path)]


@given(cut=st.integers(0, 10_000))
def test_cut_anywhere_the_whole_lines_stay(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("journal") / "j"
    whole = write(path, "a", "b", "c")
    path.write_bytes(whole[: cut % len(whole)])
    kept = whole[: cut % len(whole)].count(b"\n")
    assert names(path) == ["a", "b", "c"][:kept]
    journal = Journal.open(path)
    journal.append([entry("d")])
    journal.close()
    assert names(path) == [*["a", "b", "c"][:kept], "d"]


def test_a_row_is_on_disk_when_append_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bytes] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        real(handle)
        synced.append((tmp_path / "j").read_bytes())

    journal = Journal.open(tmp_path / "j")
    monkeypatch.setattr(os, "fsync", fsync)
    journal.append([entry("a"), entry("b")])
    journal.close()
    assert synced[-1].count(b"\n") == 2


def test_values_come_back_as_they_were(tmp_path: Path) -> None:
    write(tmp_path / "j")
    journal = Journal.open(tmp_path / "j")
    journal.append([entry("a", error=float("nan"), flops=0.1 + 0.2, detail='ü"\n')])
    journal.close()
    (found,) = entries(tmp_path / "j")
    assert found["row"]["error"] != found["row"]["error"]
    assert found["row"]["flops"] == 0.1 + 0.2
    assert found["row"]["detail"] == 'ü"\n'


def test_a_full_disk_leaves_whole_lines_and_one_clear_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "j"
    before = write(path, "a")
    journal = Journal.open(path)
    real = os.pwrite
    written = []

    def full(handle: int, data: Any, offset: int) -> int:
        if written:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(real(handle, data[:10], offset))
        return 10

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(
        BadInput, match=r"No space left on device; all rows before are safe.* --resume"
    ) as caught:
        journal.append([entry("b")])
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before
    monkeypatch.undo()
    journal.append([entry("b")])
    journal.close()
    assert names(path) == ["a", "b"]


def test_a_device_that_is_always_full() -> None:
    with pytest.raises(BadInput, match="/dev/full: cannot be written"):
        Journal.open(Path("/dev/full")).append([entry("a")])


@pytest.mark.parametrize(
    "damage",
    [
        *[b"{]\n", b"null\n", b'{"row": 3}\n', b"\xff\xfe\x00\n", b'{"row": {"run_id": "x"}}\n', b"\n"],
        # Still JSON, and no row: a letter of a key, a kind of value, a column, a part of a part.
        line("c").replace(b'"method"', b'"mexhod"'),
        line("c").replace(b'"lag": 1', b'"lag": "1"'),
        line("c").replace(b'"lag": 1', b'"lag": 1.5'),
        line("c", another=1),
        line("c").replace(b'"loss": 1.0', b'"lass": 1.0'),
        line("c").replace(b'"probes": []', b'"probes": [3]'),
    ],
)
def test_a_damaged_line_is_named_and_the_rest_is_kept(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "j"
    whole = write(path, "a", "b").splitlines(keepends=True)
    path.write_bytes(whole[0] + damage + whole[1])
    damaged = path.read_bytes()
    with pytest.raises(BadInput, match="line 2 is damaged"):
        names(path)
    (notice,) = salvage(path)
    assert "damaged at line 2" in notice
    assert "j.damaged-1" in notice
    assert (tmp_path / "j.damaged-1").read_bytes() == damaged
    assert names(path) == ["a", "b"]
    assert salvage(path) == []
    path.write_bytes(damaged)
    assert "j.damaged-2" in salvage(path)[0]
    assert (tmp_path / "j.damaged-1").read_bytes() == damaged


def test_a_line_cut_short_is_told(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(write(path, "a", "b")[:-3])
    (notice,) = salvage(path)
    assert "cut short" in notice


def test_the_index_reads_single_entries(tmp_path: Path) -> None:
    path = tmp_path / "j"
    journal = Journal.open(path)
    journal.append([entry("a", updates=1), entry("b", updates=2), entry("a", updates=3)])
    journal.close()
    index = Index.read(path)
    assert "c" not in index
    assert [index[name]["row"]["updates"] for name in ("b", "a", "b")] == [2, 3, 2]
    index.close()
    assert [line.number for line in lines(path)] == [1, 2, 3]
    # As text: there are values that equal nothing.
    assert repr(json.loads(path.read_bytes().splitlines()[1])) == repr(entry("b", updates=2))
