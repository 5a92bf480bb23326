"""The files of a campaign: how they are written, whole or not at all, and read back."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bench import journal
from bench.errors import BadInput
from bench.files import Table, replace_file, writing
from bench.journal import Entry, Index, entries
from bench.studies import readable

SCHEMA = 1
"""Of the columns below; columns are added, never renamed."""

MANIFEST, TRIALS, CURVES, PROBES = "manifest.json", "trials.parquet", "curves.parquet", "probes.parquet"
JOURNAL, STUDIES, LOCK = "journal.jsonl", "studies.db", ".lock"
BEGINNINGS = (LOCK, MANIFEST + ".new")
"""What a campaign leaves that was killed before it had a manifest."""

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
SCHEMAS = {TRIALS: TRIAL_SCHEMA, CURVES: CURVE_SCHEMA, PROBES: PROBE_SCHEMA}
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


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Replace `manifest.json`."""
    text = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
    replace_file(folder / MANIFEST, text.encode())


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a campaign; raises BadInput where there is none, or one this version cannot read."""
    path = folder / MANIFEST
    if not exists(path):
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

    Reads one entry at a time. Rows of an earlier compaction are kept; a run id is written once. Each file
    is replaced in one step, and the journal is left alone: a crash between any two steps loses nothing.
    """
    index = Index(folder / JOURNAL)
    earlier: dict[str, Entry] | None = None
    tables = [Table(folder / name, schema) for name, schema in SCHEMAS.items()]
    trials, curves, probes = tables
    try:
        for run_id in order:
            if run_id in index:
                entry = index[run_id]
            else:
                if earlier is None:
                    earlier = {e["row"]["run_id"]: e for e in _compacted(folder)}
                if run_id not in earlier:
                    continue
                entry = earlier[run_id]
            trials.add([entry["row"]])
            curves.add([{"run_id": run_id, **item} for item in entry["curve"]])
            probes.add([{"run_id": run_id, **item} for item in entry["probes"]])
        for table in tables:
            table.close()
    finally:
        index.close()
        for table in tables:
            table.abandon()
    for table in tables:
        table.replace()


def rows(folder: Path) -> Iterator[dict[str, Any]]:
    """The rows of all finished trials in `folder`, one at a time; of one run the last is its row."""
    if (folder / TRIALS).exists():
        yield from _read_table(folder / TRIALS, TRIAL_SCHEMA).to_pylist()
    for entry in entries(folder / JOURNAL):
        yield entry["row"]


def load(folder: Path) -> Campaign:
    """A campaign's files, finished or not; raises BadInput for a damaged one."""
    manifest = read_manifest(folder)
    # Without a journal the rows can lie nowhere but in the tables: one that is gone is a loss.
    whole = manifest.get("finished") is not None or not (folder / JOURNAL).exists()
    if whole and (why := lost(folder)):
        raise BadInput(why)
    found = {entry["row"]["run_id"]: entry for entry in _compacted(folder)}
    found |= {entry["row"]["run_id"]: entry for entry in entries(folder / JOURNAL)}
    everything = found.values()
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


def lost(folder: Path) -> str:
    """What a finished campaign's tables have lost, or is damaged, in one line; empty where they are whole."""
    try:
        for name, schema in SCHEMAS.items():
            if not len(_read_table(folder / name, schema)) and name == TRIALS:
                return f"{folder / name}: holds no rows"
    except BadInput as error:
        return str(error)
    return ""


def salvage(folder: Path) -> list[str]:
    """Put aside what is damaged in an unfinished campaign; a line of text for each thing put aside.

    Nothing is deleted: what the rows can rebuild is rebuilt, what is lost is run again.
    """
    notices = journal.salvage(folder / JOURNAL)
    if (folder / STUDIES).exists() and not readable(folder / STUDIES):
        kept = journal.set_aside(folder / STUDIES)
        notices.append(f"{folder / STUDIES}: damaged, kept as {kept.name}; written anew from the rows")
    for name, schema in SCHEMAS.items():
        path = folder / name
        try:
            if path.exists():
                _read_table(path, schema)
        except BadInput as error:
            notices.append(f"{error}; kept as {journal.set_aside(path).name}")
    return notices + _without_curves(folder)


def _without_curves(folder: Path) -> list[str]:
    """Put rows aside whose curves or probes are gone, so that their trials are run again."""
    if not (folder / TRIALS).exists() or not (why := lost(folder)):
        return []
    known = {entry["row"]["run_id"] for entry in entries(folder / JOURNAL)}
    if known.issuperset(_read_table(folder / TRIALS, TRIAL_SCHEMA)["run_id"].to_pylist()):
        return []
    return [f"{why}; its trials are run again, their rows kept as {journal.set_aside(folder / TRIALS).name}"]


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


def _compacted(folder: Path) -> Iterator[Entry]:
    """What an earlier compaction left."""
    if not (folder / TRIALS).exists():
        return
    trials = _read_table(folder / TRIALS, TRIAL_SCHEMA)
    curves, probes = (_grouped(folder / name, SCHEMAS[name]) for name in (CURVES, PROBES))
    for row in trials.to_pylist():
        run_id = row["run_id"]
        yield {"row": row, "curve": curves.get(run_id, []), "probes": probes.get(run_id, [])}


def _grouped(path: Path, schema: pa.Schema) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for item in _read_table(path, schema).to_pylist():
        groups.setdefault(item.pop("run_id"), []).append(item)
    return groups


def _read_table(path: Path, schema: pa.Schema) -> pa.Table:
    if not path.exists():
        raise BadInput(f"{path}: missing, a part of the campaign")
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadInput(f"{path}: not a readable results file ({text})") from None
    missing = [name for name in schema.names if name not in table.column_names]
    if missing:
        raise BadInput(f"{path}: not a results file of schema {SCHEMA}: column {missing[0]!r} is missing")
    return table
