"""Damaged files of an unfinished campaign, renamed so that it can be resumed."""

from __future__ import annotations

from pathlib import Path

from longlag.bench.contract.errors import BadInput
from longlag.bench.store import journal
from longlag.bench.store.columns import SCHEMAS
from longlag.bench.store.journal import entries
from longlag.bench.store.layout import JOURNAL, STUDIES, TRIALS
from longlag.bench.store.tables import lost, read_table


def salvage(folder: Path) -> list[str]:
    """Rename the damaged files of an unfinished campaign; a line of text for each.

    Nothing is deleted: studies are written again from the rows, lost trials are run again.
    """
    # Optuna takes long to import, and reading a campaign does not need it.
    from longlag.bench.store.studies import readable

    notices = journal.salvage(folder / JOURNAL)
    if (folder / STUDIES).exists() and not readable(folder / STUDIES):
        kept = journal.set_aside(folder / STUDIES)
        notices.append(f"{folder / STUDIES}: damaged, kept as {kept.name}; written anew from the rows")
    for name in SCHEMAS:
        path = folder / name
        try:
            if path.exists():
                read_table(path)
        except BadInput as error:
            notices.append(f"{error}; kept as {journal.set_aside(path).name}")
    return notices + _without_curves(folder)


def _without_curves(folder: Path) -> list[str]:
    """Rename the table of rows if curves or probes are gone, so that its trials are run again."""
    if not (folder / TRIALS).exists() or not (why := lost(folder)):
        return []
    known = {entry["row"]["run_id"] for entry in entries(folder / JOURNAL)}
    if known.issuperset(read_table(folder / TRIALS)["run_id"].to_pylist()):
        return []
    return [f"{why}; its trials are run again, their rows kept as {journal.set_aside(folder / TRIALS).name}"]
