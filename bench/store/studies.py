"""`studies.db`: finished studies in Optuna's own SQLite format, for its dashboard.

Studies live in memory while they are tuned, because Optuna's RDBStorage manages some tens of trials a
second. What is stored is finished: no RUNNING trial is ever in the file. It holds nothing that the rows
do not, so a damaged one is put aside and written anew.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import optuna
from optuna.distributions import distribution_to_json
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

STORING_ERRORS = (sqlite3.Error, SQLAlchemyError, optuna.exceptions.StorageInternalError)
"""What a database that cannot be written raises."""

_SCHEMA = 12
"""The version of Optuna's tables that `_insert` writes."""


def export(study: optuna.Study, path: Path) -> None:
    """Write a finished study into the database at `path`, in place of one of its name.

    Raises one of STORING_ERRORS where it cannot be written.
    """
    storage = _storage(path)
    try:
        if study.study_name in optuna.get_all_study_names(storage):
            optuna.delete_study(study_name=study.study_name, storage=storage)
        made = optuna.create_study(study_name=study.study_name, storage=storage, direction="minimize")
        trials = study.get_trials(deepcopy=False)
        if _schema(path) != _SCHEMA or any(t.state != TrialState.COMPLETE for t in trials):
            made.add_trials(trials)
            return
        study_id = storage.get_study_id_from_name(study.study_name)
    finally:
        storage.remove_session()
        storage.engine.dispose()
    _insert(path, study_id, trials)


def readable(path: Path) -> bool:
    """Whether `path` is a whole database that Optuna can open."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            if connection.execute("PRAGMA quick_check").fetchone() != ("ok",):
                return False
        storage = _storage(path)
    except Exception:
        return False
    try:
        optuna.get_all_study_names(storage)
    except Exception:
        return False
    finally:
        storage.remove_session()
        storage.engine.dispose()
    return True


def _storage(path: Path) -> optuna.storages.RDBStorage:
    # Not by a URL with the path in it, where ? and % mean something.
    return optuna.storages.RDBStorage("sqlite://", {"creator": partial(sqlite3.connect, path)})


def _schema(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT schema_version FROM version_info").fetchone()[0])


def _insert(path: Path, study_id: int, trials: Iterable[FrozenTrial]) -> None:
    """All trials in one transaction: Optuna's own `add_trials` takes several for each."""
    with closing(sqlite3.connect(path)) as connection, connection:
        (first,) = connection.execute("SELECT coalesce(max(trial_id), 0) + 1 FROM trials").fetchone()
        ids = [(first + index, trial) for index, trial in enumerate(trials)]
        many = connection.executemany
        many(
            "INSERT INTO trials (trial_id, number, study_id, state, datetime_start, datetime_complete) "
            "VALUES (?, ?, ?, 'COMPLETE', ?, ?)",
            [(i, t.number, study_id, _time(t.datetime_start), _time(t.datetime_complete)) for i, t in ids],
        )
        many(
            "INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (?, 0, ?, 'FINITE')",
            [(i, t.value) for i, t in ids],
        )
        many(
            "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) "
            "VALUES (?, ?, ?, ?)",
            [
                (i, name, space.to_internal_repr(t.params[name]), distribution_to_json(space))
                for i, t in ids
                for name, space in t.distributions.items()
            ],
        )
        for table, attributes in (
            ("trial_user_attributes", lambda trial: trial.user_attrs),
            ("trial_system_attributes", lambda trial: trial.system_attrs),
        ):
            many(
                f"INSERT INTO {table} (trial_id, key, value_json) VALUES (?, ?, ?)",
                [(i, key, json.dumps(value)) for i, t in ids for key, value in attributes(t).items()],
            )


def _time(moment: datetime | None) -> str | None:
    """As Optuna stores it: UTC, without saying so."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
