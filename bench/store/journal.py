"""The write-ahead log of a campaign: every finished trial, on disk before it counts.

One JSON object a line, appended and synced. A line cut short by a crash is the last one, and is cut off
when the journal is opened again: its trial never counted as finished. When the campaign is complete the
journal is compacted into Parquet files.
"""

from __future__ import annotations

import json
import math
import os
import shlex
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from longlag.bench.contract.errors import BadInput
from longlag.bench.store.columns import LATER, PARTS, TABLES, fits
from longlag.bench.store.layout import TRIALS

Entry = dict[str, Any]
"""{"row": a row of trials.parquet, and each of PARTS: rows of its table}."""


@dataclass(frozen=True)
class Line:
    """A whole line of a journal: its number from 1, where it starts, and its entry (None: damaged)."""

    number: int
    offset: int
    entry: Entry | None


class Journal:
    """Appends entries to `path`, whole or not at all."""

    def __init__(self, path: Path, file: int, end: int) -> None:
        """`file` is open, and its entries end at `end`."""
        self.path = path
        self._file = file
        self._end = end

    @classmethod
    def open(cls, path: Path) -> Journal:
        """The journal at `path`, made where there is none; cuts off what follows the last whole line.

        Raises BadInput where the file cannot be written.
        """
        try:
            end = _whole(path)
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            os.ftruncate(file, end)
            _sync_folder(path.parent)
        except OSError as error:
            raise BadInput(f"{path}: cannot be written: {error.strerror}") from None
        return cls(path, file, end)

    def append(self, entries: Iterable[Entry]) -> None:
        """Write entries and wait until they are on disk.

        Raises BadInput where they cannot be written, as on a full disk; the file is then as it was.
        """
        data = memoryview(b"".join(json.dumps(entry).encode() + b"\n" for entry in entries))
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(self._file, data[written:], self._end + written)
            os.fsync(self._file)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._file, self._end)
            raise BadInput(
                f"{self.path}: cannot be written: {error.strerror}; all rows before are safe, "
                f"make room and add --resume --out {shlex.quote(str(self.path.parent))}"
            ) from None
        self._end += len(data)

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):
            os.close(self._file)


def lines(path: Path) -> Iterator[Line]:
    """The whole lines of a journal, oldest first."""
    if not path.exists():
        return
    end = _whole(path)
    with path.open("rb") as file:
        offset = 0
        for number, line in enumerate(file, 1):
            if offset >= end:
                return
            yield Line(number, offset, _entry(line))
            offset += len(line)


def entries(path: Path) -> Iterator[Entry]:
    """The entries of a journal, oldest first; raises BadInput for a line that is not one."""
    for line in lines(path):
        if line.entry is None:
            raise BadInput(
                f"{path}: line {line.number} is damaged; "
                f"`longlag run --resume --out {shlex.quote(str(path.parent))}` "
                "keeps the rest and runs its trial again"
            )
        yield line.entry


class Index:
    """Where each run's entry lies in a journal, so that entries are read one at a time; the last counts."""

    def __init__(self, offsets: dict[str, int], file: IO[bytes] | None) -> None:
        """`offsets` by run id, in `file`, which may be None where there are none."""
        self.offsets = offsets
        self._file = file

    @classmethod
    def read(cls, path: Path) -> Index:
        """The index of the journal at `path`; raises BadInput for a damaged line."""
        offsets: dict[str, int] = {}
        for line in lines(path):
            if line.entry is None:
                raise BadInput(f"{path}: line {line.number} is damaged")
            offsets[line.entry["row"]["run_id"]] = line.offset
        return cls(offsets, path.open("rb") if offsets else None)

    def __contains__(self, run_id: str) -> bool:
        return run_id in self.offsets

    def __getitem__(self, run_id: str) -> Entry:
        assert self._file is not None
        self._file.seek(self.offsets[run_id])
        entry = _entry(self._file.readline())
        assert entry is not None
        return entry

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def salvage(path: Path) -> list[str]:
    """Make a journal whole again: one line of text for everything that had to be left out of it.

    The file as it was is kept beside it where a whole line was damaged.
    """
    if not path.exists():
        return []
    notices = []
    if _whole(path) < path.stat().st_size:
        notices.append(f"{path}: its last line was cut short; that trial will be run again")
    damaged = [line.number for line in lines(path) if line.entry is None]
    if damaged:
        kept = set_aside(path, copy=True)
        temporary = path.with_name(path.name + ".new")
        with path.open("rb") as old, temporary.open("wb") as new:
            new.writelines(line for line in old if _entry(line) is not None)
            new.flush()
            os.fsync(new.fileno())
        temporary.replace(path)
        which = ", ".join(map(str, damaged[:10])) + (" ..." if len(damaged) > 10 else "")
        notices.append(
            f"{path}: damaged at line {which}: what stood there will be run again; "
            f"the file as it was is kept as {kept.name}"
        )
    return notices


def set_aside(path: Path, copy: bool = False) -> Path:
    """Move (or copy) a damaged file to a free name beside it, and return that."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    if copy:
        shutil.copy2(path, aside)
    else:
        path.rename(aside)
    return aside


def _entry(line: bytes) -> Entry | None:
    """The entry of a line, with what lines of earlier versions lack."""
    try:
        entry = {"extrapolation": [], **json.loads(line)}
        # A letter that has turned into another leaves JSON, but hardly a row.
        whole = fits(entry["row"]) and all(
            fits(each, TABLES[table][1:]) for part, table in PARTS.items() for each in entry[part]
        )
        entry["row"] = {**dict.fromkeys(LATER[TRIALS], math.nan), **entry["row"]}
    except (ValueError, TypeError, KeyError):
        return None
    return entry if whole else None


def _whole(path: Path) -> int:
    """The length of `path` up to the end of its last whole line."""
    if not path.exists():
        return 0
    with path.open("rb") as file:
        position = file.seek(0, os.SEEK_END)
        while position > 0:
            step = min(4096, position)
            file.seek(position - step)
            found = file.read(step).rfind(b"\n")
            if found >= 0:
                return position - step + found + 1
            position -= step
    return 0


def _sync_folder(folder: Path) -> None:
    """Make a new file's name durable too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
