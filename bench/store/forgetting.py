"""Rows that leave a campaign because their trials are to be run again."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from longlag.bench.store.columns import SCHEMAS
from longlag.bench.store.files import replace_file
from longlag.bench.store.layout import JOURNAL, TRIALS
from longlag.bench.store.tables import latest


def forget(folder: Path, run_ids: Collection[str]) -> None:
    """Take some runs out of a campaign; its others are in its journal then, and its tables gone.

    The journal is replaced in one step, before a table goes: a crash between two steps loses no other run.
    """
    kept = (entry for run_id, entry in latest(folder).items() if run_id not in run_ids)
    text = "".join(json.dumps(entry) + "\n" for entry in kept)
    replace_file(folder / JOURNAL, text.encode(), of_a_run=True)
    # The table of rows first: what the others hold is of no run then.
    for name in (TRIALS, *SCHEMAS):
        (folder / name).unlink(missing_ok=True)
