"""The trials that a campaign had and asks for no more: kept beside it, and taken back when it goes on."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from longlag.bench.store import journal
from longlag.bench.store.journal import Journal, entries
from longlag.bench.store.layout import JOURNAL, LEFT_OUT
from longlag.bench.store.tables import compacted


def leave_out(folder: Path, kept: Collection[str]) -> None:
    """Keep the finished trials that are not of the run ids `kept`, before they leave the tables."""
    found = {entry["row"]["run_id"]: entry for entry in (*compacted(folder), *entries(folder / JOURNAL))}
    others = [entry for run_id, entry in found.items() if run_id not in kept]
    if others:
        # What was left out before has been taken back since, so nothing is written over.
        kept_beside = Journal.open(folder / LEFT_OUT)
        kept_beside.append(others)
        kept_beside.close()


def take_back(folder: Path) -> list[str]:
    """Enter what was left out in the journal again; a line of text for each that is damaged."""
    path = folder / LEFT_OUT
    notices = journal.salvage(path)
    if path.exists():
        into = Journal.open(folder / JOURNAL)
        into.append(entries(path))
        into.close()
        path.unlink()
    return notices
