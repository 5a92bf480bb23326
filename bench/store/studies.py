"""`studies.log`: finished studies in the format of Optuna's JournalStorage, for its dashboard.

Studies live in memory while they are tuned, and what is stored is finished: no RUNNING trial is ever in the
file. It holds nothing that the rows do not, so a damaged one is put aside and written anew, and a resumed
campaign, which tells its studies all they knew, writes them again.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend, JournalFileBackend

Record = dict[str, Any]


class Studies:
    """The file at `path`, begun anew with the first study that is added."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._made: list[Record] = []

    def add(self, study: optuna.Study) -> None:
        """Write a finished study, of a name that was not added yet; raises OSError."""
        # Optuna locks the file by a link beside it. A campaign has one coordinator, so a link found here was
        # left by one that was killed.
        self.path.with_name(f"{self.path.name}.lock").unlink(missing_ok=True)
        if not self._made:
            self.path.unlink(missing_ok=True)
        known = len(self._made)
        # Of the other studies that they exist, which numbers this one; their trials would be read every time.
        records = _Records(self._made)
        made = optuna.create_study(
            study_name=study.study_name, storage=JournalStorage(records), direction="minimize"
        )
        self._made = [*records.all]
        made.add_trials(study.get_trials(deepcopy=False))
        _file(self.path).append_logs(records.all[known:])


class _Records(BaseJournalBackend):
    """A journal in memory: written to a file at once, it waits for the disk but once."""

    def __init__(self, known: Iterable[Record]) -> None:
        self.all = [*known]

    def read_logs(self, log_number_from: int) -> Iterable[Record]:
        """The records from a number on."""
        return self.all[log_number_from:]

    def append_logs(self, logs: list[Record]) -> None:
        """Add records."""
        self.all += logs


def readable(path: Path) -> bool:
    """Whether `path` is a whole file that Optuna can open, and that can be added to."""
    try:
        optuna.get_all_study_names(storage_of(path))
        # Optuna accepts a last line that was cut short, but would append the next one to it.
        return path.read_bytes()[-1:] in (b"", b"\n")
    except Exception:
        return False


def storage_of(path: Path) -> JournalStorage:
    """The file at `path` as Optuna's storage."""
    return JournalStorage(_file(path))


def _file(path: Path) -> JournalFileBackend:
    # Absolute, because the link that locks it names it.
    return JournalFileBackend(str(path.absolute()))
