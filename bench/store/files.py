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

    def __init__(self, path: Path, schema: pa.Schema, temporary: Path, file: IO[bytes]) -> None:
        """`file` is open at `temporary`, beside `path`."""
        self.path = path
        self.schema = schema
        self._temporary = temporary
        self._file = file
        self._writer = pq.ParquetWriter(file, schema)
        self._rows: list[dict[str, Any]] = []

    @classmethod
    def begin(cls, path: Path, schema: pa.Schema) -> Table:
        """An empty one that is to replace `path`; raises BadInput where it cannot be written."""
        temporary = path.with_name(path.name + ".new")
        with writing(path, of_a_run=True):
            return cls(path, schema, temporary, temporary.open("wb"))

    def add(self, rows: list[dict[str, Any]]) -> None:
        """More rows at the end."""
        self._rows += rows
        if len(self._rows) >= _GROUP:
            self._flush()

    def close(self) -> None:
        """Write what is left, and wait until it is on disk."""
        if self._rows:
            self._flush()
        with writing(self.path, of_a_run=True):
            self._writer.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def replace(self) -> None:
        """Replace the old file, in one step."""
        with writing(self.path, of_a_run=True):
            self._temporary.replace(self.path)

    def abandon(self) -> None:
        """Close and delete the temporary file, unless `close` has closed it."""
        if not self._file.closed:
            with suppress(OSError):
                self._writer.close()
            with suppress(OSError):
                self._file.close()
            with suppress(OSError):
                self._temporary.unlink()

    def _flush(self) -> None:
        with writing(self.path, of_a_run=True):
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self.schema))
        self._rows = []


@contextmanager
def writing(path: Path, of_a_run: bool = False) -> Iterator[None]:
    """Raises BadInput, one line, where a write to `path` fails in the block; of a run, how it goes on."""
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error).partition("\n")[0]
        on = (
            "; all finished trials are safe, "
            f"make room and add --resume --out {shlex.quote(str(path.parent))}"
        )
        raise BadInput(f"{path}: cannot be written: {why}{on if of_a_run else ''}") from None


def replace_file(path: Path, content: bytes, of_a_run: bool = False) -> None:
    """Write `content` beside `path`, sync it, and put it in its place in one step."""
    temporary = path.with_name(path.name + ".new")
    with writing(path, of_a_run):
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
