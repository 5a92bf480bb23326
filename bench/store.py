"""The files of a campaign: how they are written, whole or not at all, and read back."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bench.errors import BadInput
from bench.journal import Entry, entries

SCHEMA = 1
"""Of the columns below; columns are added, never renamed."""

MANIFEST, TRIALS, CURVES, PROBES = "manifest.json", "trials.parquet", "curves.parquet", "probes.parquet"
JOURNAL, STUDIES, LOCK = "journal.jsonl", "studies.db", ".lock"

_TRIAL_TYPES: dict[str, pa.DataType] = {
    "run_id": pa.string(),
    "method": pa.string(),
    "task": pa.string(),
    "variant": pa.string(),
    "lag": pa.int64(),
    "phase": pa.string(),
    "trial": pa.int64(),
    "seed": pa.int64(),
    "status": pa.string(),
    "detail": pa.string(),
    "solved": pa.bool_(),
    "error": pa.float64(),
    "tested": pa.int64(),
    "chance": pa.float64(),
    "loss": pa.float64(),
    "score": pa.float64(),
    "budget": pa.float64(),
    "cap": pa.float64(),
    "flops": pa.float64(),
    "sequences": pa.int64(),
    "updates": pa.int64(),
    "flops_to_solve": pa.float64(),
    "sequences_to_solve": pa.float64(),
    "updates_to_solve": pa.float64(),
    "seconds": pa.float64(),
    "parameters": pa.int64(),
    "hyperparameters": pa.string(),
    "code_hash": pa.string(),
}
_CURVE_TYPES = {"run_id": pa.string()} | {
    name: pa.float64() for name in ("flops", "sequences", "updates", "seconds", "loss", "error")
}
_PROBE_TYPES: dict[str, pa.DataType] = {
    "run_id": pa.string(),
    "moment": pa.string(),
    "lag": pa.int64(),
    "gradient_norm": pa.float64(),
    "spectral_radius": pa.float64(),
}
TRIAL_SCHEMA, CURVE_SCHEMA, PROBE_SCHEMA = (
    pa.schema(list(types.items())) for types in (_TRIAL_TYPES, _CURVE_TYPES, _PROBE_TYPES)
)
TIME_COLUMNS = ("seconds",)
"""What may differ between two runs of the same campaign."""


@dataclass(frozen=True)
class Campaign:
    """A campaign as it lies in its folder."""

    folder: Path
    manifest: dict[str, Any]
    trials: pd.DataFrame
    curves: pd.DataFrame
    probes: pd.DataFrame


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Replace `manifest.json`."""
    text = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
    _replace(folder / MANIFEST, text.encode())


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a campaign; raises BadInput where there is none, or one this version cannot read."""
    path = folder / MANIFEST
    if not path.is_file():
        raise BadInput(f"{folder}: no campaign here: {MANIFEST} is missing")
    try:
        manifest = json.loads(path.read_text())
        schema = int(manifest["schema"])
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise BadInput(f"{path}: not a campaign's manifest ({type(error).__name__})") from None
    if schema > SCHEMA:
        raise BadInput(f"{path}: written by a newer version (schema {schema}; this one reads up to {SCHEMA})")
    assert isinstance(manifest, dict)
    return manifest


def compact(folder: Path, order: Iterable[str]) -> None:
    """Turn the journal into the Parquet files, rows in the order of the run ids of `order`.

    Rows of an earlier compaction are kept; a run id is written once.
    """
    found = {entry["row"]["run_id"]: entry for entry in stored(folder)}
    wanted = [run_id for run_id in order if run_id in found]
    chosen = [found[run_id] for run_id in wanted]
    _write_table(folder / TRIALS, [e["row"] for e in chosen], TRIAL_SCHEMA)
    for name, key, schema in ((CURVES, "curve", CURVE_SCHEMA), (PROBES, "probes", PROBE_SCHEMA)):
        rows = [{"run_id": e["row"]["run_id"], **item} for e in chosen for item in e[key]]
        _write_table(folder / name, rows, schema)


def stored(folder: Path) -> list[Entry]:
    """All that finished trials left in `folder`: what was compacted, then what the journal holds."""
    result: list[Entry] = []
    if (folder / TRIALS).exists():
        curves = _grouped(folder / CURVES)
        probes = _grouped(folder / PROBES)
        for row in _read_table(folder / TRIALS, TRIAL_SCHEMA).to_pylist():
            run_id = row["run_id"]
            result.append({"row": row, "curve": curves.get(run_id, []), "probes": probes.get(run_id, [])})
    result.extend(entries(folder / JOURNAL))
    return result


def load(folder: Path) -> Campaign:
    """A campaign's files, finished or not; raises BadInput for a damaged one."""
    manifest = read_manifest(folder)
    everything = {entry["row"]["run_id"]: entry for entry in stored(folder)}.values()
    frames = [
        pa.Table.from_pylist([e["row"] for e in everything], schema=TRIAL_SCHEMA),
        *(
            pa.Table.from_pylist(
                [{"run_id": e["row"]["run_id"], **item} for e in everything for item in e[key]], schema=schema
            )
            for key, schema in (("curve", CURVE_SCHEMA), ("probes", PROBE_SCHEMA))
        ),
    ]
    return Campaign(folder, manifest, *(frame.to_pandas() for frame in frames))


class FolderLock:
    """Held by the one coordinator of a campaign's folder; freed by the system if it dies."""

    def __init__(self, folder: Path) -> None:
        """Raises BadInput where another coordinator holds it."""
        self._file: IO[str] = (folder / LOCK).open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise BadInput(f"{folder}: another coordinator is running this campaign") from None

    def release(self) -> None:
        """Let another coordinator have the folder."""
        self._file.close()


def check_studies(folder: Path) -> None:
    """Raises BadInput where `studies.db` is there but is no SQLite database."""
    path = folder / STUDIES
    if not path.exists():
        return
    try:
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA schema_version").fetchone()
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        raise BadInput(f"{path}: not a readable SQLite database ({error}); move it away and resume") from None
    finally:
        connection.close()


def _grouped(path: Path) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    schema = CURVE_SCHEMA if path.name == CURVES else PROBE_SCHEMA
    for item in _read_table(path, schema).to_pylist():
        groups.setdefault(item.pop("run_id"), []).append(item)
    return groups


def _read_table(path: Path, schema: pa.Schema) -> pa.Table:
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadInput(f"{path}: not a readable results file ({text})") from None
    missing = [name for name in schema.names if name not in table.column_names]
    if missing:
        raise BadInput(f"{path}: not a results file of schema {SCHEMA}: column {missing[0]!r} is missing")
    return table


def _write_table(path: Path, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    table = pa.Table.from_pylist(rows, schema=schema)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    _replace(path, sink.getvalue().to_pybytes())


def _replace(path: Path, content: bytes) -> None:
    """Write `content` beside `path`, sync it, and put it in its place in one step."""
    temporary = path.with_name(path.name + ".new")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
