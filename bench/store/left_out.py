"""The trials that a campaign had and asks for no more: kept beside it, and taken back when it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from longlag.bench.store import journal
from longlag.bench.store.journal import Entry, Journal, entries
from longlag.bench.store.layout import JOURNAL, LEFT_OUT


def leave_out(folder: Path, others: Sequence[Entry]) -> None:
    """Keep trials that are about to leave the tables; those left out before have been taken back by then."""
    if others:
        beside = Journal.open(folder / LEFT_OUT)
        beside.append(others)
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
