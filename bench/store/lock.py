"""One coordinator a folder."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

from longlag.bench.contract.errors import BadInput
from longlag.bench.store.files import writing
from longlag.bench.store.layout import LOCK


def lock(folder: Path) -> FileLock:
    """The lock of a campaign's folder, held; the system releases it when its holder ends.

    Raises BadInput where another coordinator holds it.
    """
    held = FileLock(folder / LOCK)
    with writing(folder / LOCK, of_a_run=True):
        try:
            held.acquire(blocking=False)
        except Timeout:
            raise BadInput(f"{folder}: another coordinator is running this campaign") from None
    return held
