"""The write-ahead file of a campaign: what a finished trial left, durable the moment it ended.

One JSON object a line, appended and synced; a line cut short by a crash is the last, and is dropped
when the journal is opened again. When the campaign is complete it is compacted into Parquet files.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from bench.errors import BadInput

Entry = dict[str, Any]
"""{"row": a row of trials.parquet, "curve": rows of curves.parquet, "probes": rows of probes.parquet}."""


class Journal:
    """Appends entries to `path`; cut to its last whole line when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        whole = _whole(path)
        self._file = path.open("ab")
        if self._file.tell() != whole:
            self._file.truncate(whole)

    def append(self, entries: Iterable[Entry]) -> None:
        """Write entries and wait until they are on disk."""
        self._file.write(b"".join(json.dumps(entry).encode() + b"\n" for entry in entries))
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _whole(path: Path) -> int:
    """The length of `path` up to the end of its last whole line."""
    if not path.exists():
        return 0
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        position = size
        while position > 0:
            step = min(4096, position)
            file.seek(position - step)
            found = file.read(step).rfind(b"\n")
            if found >= 0:
                return position - step + found + 1
            position -= step
    return 0


def entries(path: Path) -> Iterator[Entry]:
    """The whole entries of a journal, oldest first; raises BadInput for a line that is not one."""
    if not path.exists():
        return
    end = _whole(path)
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if file.tell() > end:
                return
            try:
                entry = json.loads(line)
                if "row" not in entry:
                    raise ValueError("no row")
            except ValueError:
                raise BadInput(f"{path}: line {number} is damaged; remove it and resume") from None
            yield entry
