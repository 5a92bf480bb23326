"""Rows that leave a campaign because their trials are to be run again."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from pathlib import Path

from longlag.bench.store.columns import SCHEMAS
from longlag.bench.store.journal import entries
from longlag.bench.store.layout import JOURNAL, TRIALS
from longlag.bench.store.tables import compacted


def forget(folder: Path, run_ids: Collection[str]) -> None:
    """Take some runs out of a campaign; its others are in its journal then, and its tables gone.

    The journal is replaced in one step, before a table goes: a crash between two steps loses no other run.
    """
    path = folder / JOURNAL
    gone = {entry["row"]["run_id"] for entry in entries(path)} | set(run_ids)
    temporary = path.with_name(path.name + ".new")
    with temporary.open("w") as file:
        for entry in compacted(folder):
            if entry["row"]["run_id"] not in gone:
                file.write(json.dumps(entry) + "\n")
        for entry in entries(path):
            if entry["row"]["run_id"] not in run_ids:
                file.write(json.dumps(entry) + "\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    # The table of rows first: what the others hold is of no run then.
    for name in (TRIALS, *SCHEMAS):
        (folder / name).unlink(missing_ok=True)
