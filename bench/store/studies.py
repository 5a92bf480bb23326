"""`studies.log`: finished studies in the format of Optuna's JournalStorage, for its dashboard.

Studies live in memory while they are tuned, and what is stored is finished: no RUNNING trial is ever in the
file. It holds nothing that the rows do not, so a damaged one is put aside and written anew.
"""

from __future__ import annotations

from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend


def export(study: optuna.Study, path: Path) -> None:
    """Write a finished study into the file at `path`, in place of one of its name; raises OSError."""
    # Optuna locks the file by a link beside it. A campaign has one coordinator, so a link found here was left
    # by one that was killed.
    path.with_name(f"{path.name}.lock").unlink(missing_ok=True)
    storage = storage_of(path)
    if study.study_name in optuna.get_all_study_names(storage):
        optuna.delete_study(study_name=study.study_name, storage=storage)
    made = optuna.create_study(study_name=study.study_name, storage=storage, direction="minimize")
    made.add_trials(study.get_trials(deepcopy=False))


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
    # Absolute, because the link that locks it names it.
    return JournalStorage(JournalFileBackend(str(path.absolute())))
