"""The Parquet files of a campaign: the journal compacted into them, and their rows read back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from longlag.bench.contract.errors import BadInput
from longlag.bench.store.columns import LATER, PARTS, SCHEMA, SCHEMAS
from longlag.bench.store.files import Table
from longlag.bench.store.journal import Entry, Index, entries, lines
from longlag.bench.store.layout import EXTRAPOLATION, JOURNAL, LEFT_OUT, TRIALS
from longlag.bench.store.left_out import leave_out


def compact(folder: Path, order: Iterable[str]) -> None:
    """Turn the journal into the Parquet files, rows in the order of the run ids of `order`.

    Reads one entry at a time. Rows of an earlier compaction are kept; a run id is written once; what is not
    in `order` is kept in LEFT_OUT. Each file is replaced in one step, and the journal is left alone: a crash
    between any two steps loses nothing.
    """
    index = Index.read(folder / JOURNAL)
    wanted = dict.fromkeys(order)
    before = read_table(folder / TRIALS)["run_id"].to_pylist() if (folder / TRIALS).exists() else []
    # Only where the journal lacks some: where a compaction was cut short, tables may be missing.
    needed = any(run_id not in index for run_id in before)
    earlier = {e["row"]["run_id"]: e for e in compacted(folder)} if needed else {}
    tables = {name: Table.begin(folder / name, schema) for name, schema in SCHEMAS.items()}
    try:
        for run_id in wanted:
            if run_id in index:
                entry = index[run_id]
            elif run_id in earlier:
                entry = earlier[run_id]
            else:
                continue
            tables[TRIALS].add([entry["row"]])
            for part, name in PARTS.items():
                tables[name].add([{"run_id": run_id, **item} for item in entry[part]])
        for table in tables.values():
            table.close()
        others = [index[run_id] for run_id in index.offsets if run_id not in wanted]
        others += [e for run_id, e in earlier.items() if run_id not in wanted and run_id not in index]
        leave_out(folder, others)
    finally:
        index.close()
        for table in tables.values():
            table.abandon()
    for table in tables.values():
        table.replace()


def rows(folder: Path) -> Iterator[dict[str, Any]]:
    """The rows of all finished trials in `folder`, one at a time; of one run the last is its row."""
    if (folder / TRIALS).exists():
        yield from read_table(folder / TRIALS).to_pylist()
    for entry in entries(folder / JOURNAL):
        yield entry["row"]


def surviving(folder: Path) -> Iterator[dict[str, Any]]:
    """The rows that can be read, whatever is damaged beside them, and those left out too."""
    with suppress(BadInput):
        yield from read_table(folder / TRIALS).to_pylist()
    for name in (LEFT_OUT, JOURNAL):
        for line in lines(folder / name):
            if line.entry is not None:
                yield line.entry["row"]


def lost(folder: Path) -> str:
    """What is missing or damaged in a finished campaign's tables, in one line; empty if nothing is."""
    try:
        for name in SCHEMAS:
            if not len(_part(folder, name)) and name == TRIALS:
                return f"{folder / name}: holds no rows"
    except BadInput as error:
        return str(error)
    return ""


def compacted(folder: Path) -> Iterator[Entry]:
    """What an earlier compaction left."""
    if not (folder / TRIALS).exists():
        return
    trials = _part(folder, TRIALS)
    groups = {part: _grouped(_part(folder, name)) for part, name in PARTS.items()}
    for row in trials.to_pylist():
        yield {"row": row, **{part: group.get(row["run_id"], []) for part, group in groups.items()}}


def latest(folder: Path) -> dict[str, Entry]:
    """Every run's entry by its run id: what was compacted, and over it what the journal holds."""
    found = {entry["row"]["run_id"]: entry for entry in compacted(folder)}
    return found | {entry["row"]["run_id"]: entry for entry in entries(folder / JOURNAL)}


def tables(folder: Path) -> dict[str, pa.Table]:
    """The tables that an earlier compaction left, whole, by name; without rows where there was none.

    Raises BadInput for a damaged one.
    """
    if not (folder / TRIALS).exists():
        return {name: schema.empty_table() for name, schema in SCHEMAS.items()}
    return {name: _part(folder, name).select(schema.names).cast(schema) for name, schema in SCHEMAS.items()}


def of_retests(folder: Path, name: str) -> bytes:
    """The file of a table of curves or probes, with those of the retests alone."""
    trials = read_table(folder / TRIALS)
    retests = trials.filter(pc.equal(trials["phase"], "retest"))["run_id"]
    table = _part(folder, name)
    buffer = pa.BufferOutputStream()
    pq.write_table(table.filter(pc.is_in(table["run_id"], retests)), buffer)
    return bytes(buffer.getvalue())


def same_table(path: Path, content: bytes) -> bool:
    """Whether the file at `path` holds the table that `content` does, whichever version wrote either.

    A file that cannot be read holds another.
    """
    try:
        before = pq.read_table(_local(path))
    except (pa.ArrowException, OSError):
        return False
    # Not of Arrow's own comparison, by which no NaN is like another.
    now: bool = before.to_pandas().equals(pq.read_table(pa.BufferReader(content)).to_pandas())
    return now


def _local(path: Path) -> Path:
    """The path as pyarrow takes it for one: `mine.py:Mine/` at its beginning would be an address."""
    return path.absolute()


def _grouped(table: pa.Table) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for item in table.to_pylist():
        groups.setdefault(item.pop("run_id"), []).append(item)
    return groups


def _part(folder: Path, name: str) -> pa.Table:
    """A table of a campaign; without rows where the campaign is older than it. Raises BadInput."""
    path = folder / name
    if name == EXTRAPOLATION and not path.exists():
        # Its files came with these columns.
        with suppress(pa.ArrowException, OSError):
            if not set(LATER[TRIALS]) <= set(pq.read_schema(_local(folder / TRIALS)).names):
                return SCHEMAS[name].empty_table()
    return read_table(path)


def read_table(path: Path) -> pa.Table:
    """The table that a file of this name holds; raises BadInput where it is missing or damaged."""
    schema = SCHEMAS[path.name]
    if not path.exists():
        raise BadInput(f"{path}: missing, a part of the campaign")
    try:
        table = pq.read_table(_local(path))
    except (pa.ArrowException, OSError) as error:
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadInput(f"{path}: not a readable results file ({text})") from None
    for name in LATER[path.name]:
        if name not in table.column_names:
            table = table.append_column(schema.field(name), pa.array([math.nan] * len(table), pa.float64()))
    missing = [name for name in schema.names if name not in table.column_names]
    if missing:
        raise BadInput(f"{path}: not a results file of schema {SCHEMA}: column {missing[0]!r} is missing")
    return table
