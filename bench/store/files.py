"""Writing files so that a crash leaves the old one or the new one, and a full disk one clear line."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from longlag.bench.contract.errors import BadInput

_GROUP = 10_000
"""Rows a row group holds before it is written, so that memory does not grow with the campaign."""


class Table:
    """A Parquet file that grows by groups of rows beside the one it will replace."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self.schema = schema
        self._temporary = path.with_name(path.name + ".new")
        self._rows: list[dict[str, Any]] = []
        with writing(path):
            self._file: IO[bytes] = self._temporary.open("wb")
            self._writer = pq.ParquetWriter(self._file, schema)

    def add(self, rows: list[dict[str, Any]]) -> None:
        """More rows at the end."""
        self._rows += rows
        if len(self._rows) >= _GROUP:
            self._flush()

    def close(self) -> None:
        """Write what is left, and wait until it is on disk."""
        if self._rows:
            self._flush()
        with writing(self.path):
            self._writer.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def replace(self) -> None:
        """Put it in its place, in one step."""
        with writing(self.path):
            self._temporary.replace(self.path)

    def abandon(self) -> None:
        """Let go of the file, if `close` did not."""
        if not self._file.closed:
            with suppress(OSError):
                self._writer.close()
            with suppress(OSError):
                self._file.close()
            with suppress(OSError):
                self._temporary.unlink()

    def _flush(self) -> None:
        with writing(self.path):
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self.schema))
        self._rows = []


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """A failed write as one clear line."""
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error).partition("\n")[0]
        raise BadInput(
            f"{path}: cannot be written: {why}; all finished trials are safe, "
            f"make room and add --resume --out {shlex.quote(str(path.parent))}"
        ) from None


def replace_file(path: Path, content: bytes) -> None:
    """Write `content` beside `path`, sync it, and put it in its place in one step."""
    temporary = path.with_name(path.name + ".new")
    with writing(path):
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)


def exists(path: Path) -> bool:
    """Whether there is such a file or folder; raises BadInput for a name that none can have."""
    try:
        str(path).encode()
        path.lstat()
    except UnicodeEncodeError:
        raise BadInput(f"{str(path)!a}: a name that is not UTF-8") from None
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: {getattr(error, 'strerror', error)}") from None
    return True
