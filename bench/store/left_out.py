"""The trials that a campaign had and asks for no more: kept beside it, and taken back when it goes on."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from longlag.bench.store import journal
from longlag.bench.store.journal import Journal, entries
from longlag.bench.store.layout import JOURNAL, LEFT_OUT
from longlag.bench.store.tables import compacted, rows


def leave_out(folder: Path, kept: Collection[str]) -> None:
    """Keep the finished trials that are not of the run ids `kept`, before they leave the tables."""
    others = {run_id: e for e in entries(folder / JOURNAL) if (run_id := e["row"]["run_id"]) not in kept}
    lacking = {
        run_id for row in rows(folder) if (run_id := row["run_id"]) not in kept and run_id not in others
    }
    if lacking:
        # Not else: where a compaction was cut short some tables may be missing, and the journal has it all.
        others |= {run_id: e for e in compacted(folder) if (run_id := e["row"]["run_id"]) in lacking}
    if others:
        # What was left out before has been taken back since, so nothing is written over.
        beside = Journal.open(folder / LEFT_OUT)
        beside.append(others.values())
        beside.close()


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
