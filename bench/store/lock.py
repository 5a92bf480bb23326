"""One coordinator a folder."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

from longlag.bench.contract.errors import BadInput
from longlag.bench.store.files import writing
from longlag.bench.store.layout import LOCK


class FolderLock:
    """Held by the one coordinator of a campaign's folder; freed by the system if it dies."""

    def __init__(self, folder: Path) -> None:
        """Raises BadInput where another coordinator holds it."""
        with writing(folder / LOCK):
            self._file: IO[str] = (folder / LOCK).open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise BadInput(f"{folder}: another coordinator is running this campaign") from None

    def release(self) -> None:
        """Let another coordinator have the folder."""
        self._file.close()
