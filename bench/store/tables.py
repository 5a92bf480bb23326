"""The Parquet files of a campaign: the journal compacted into them, and their rows read back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from longlag.bench.contract.errors import BadInput
from longlag.bench.store.columns import SCHEMA, SCHEMAS, TRIAL_SCHEMA
from longlag.bench.store.files import Table
from longlag.bench.store.journal import Entry, Index, entries
from longlag.bench.store.layout import CURVES, JOURNAL, PROBES, TRIALS


def compact(folder: Path, order: Iterable[str]) -> None:
    """Turn the journal into the Parquet files, rows in the order of the run ids of `order`.

    Reads one entry at a time. Rows of an earlier compaction are kept; a run id is written once. Each file
    is replaced in one step, and the journal is left alone: a crash between any two steps loses nothing.
    """
    index = Index.read(folder / JOURNAL)
    earlier: dict[str, Entry] | None = None
    tables = [Table.begin(folder / name, schema) for name, schema in SCHEMAS.items()]
    trials, curves, probes = tables
    try:
        for run_id in order:
            if run_id in index:
                entry = index[run_id]
            else:
                if earlier is None:
                    earlier = {e["row"]["run_id"]: e for e in compacted(folder)}
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
        yield from read_table(folder / TRIALS, TRIAL_SCHEMA).to_pylist()
    for entry in entries(folder / JOURNAL):
        yield entry["row"]


def lost(folder: Path) -> str:
    """What is missing or damaged in a finished campaign's tables, in one line; empty if nothing is."""
    try:
        for name, schema in SCHEMAS.items():
            if not len(read_table(folder / name, schema)) and name == TRIALS:
                return f"{folder / name}: holds no rows"
    except BadInput as error:
        return str(error)
    return ""


def compacted(folder: Path) -> Iterator[Entry]:
    """What an earlier compaction left."""
    if not (folder / TRIALS).exists():
        return
    trials = read_table(folder / TRIALS, TRIAL_SCHEMA)
    curves, probes = (_grouped(folder / name, SCHEMAS[name]) for name in (CURVES, PROBES))
    for row in trials.to_pylist():
        run_id = row["run_id"]
        yield {"row": row, "curve": curves.get(run_id, []), "probes": probes.get(run_id, [])}


def _grouped(path: Path, schema: pa.Schema) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for item in read_table(path, schema).to_pylist():
        groups.setdefault(item.pop("run_id"), []).append(item)
    return groups


def read_table(path: Path, schema: pa.Schema) -> pa.Table:
    """A table of these columns; raises BadInput where it is missing or damaged."""
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
