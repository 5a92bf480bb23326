"""What is generated of docs/ and results/: `python -m longlag.reports.pages docs results` writes it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import optuna

from longlag.bench.plugins.reference import methods, tasks
from longlag.bench.plugins.registry import discover
from longlag.bench.store import MANIFEST, Campaign, load, read_manifest
from longlag.bench.store.reference import columns
from longlag.reports import alike, certified, fairness, falls, frontiers, growth, ledger, speed_page
from longlag.reports.records import with_book
from longlag.reports.results import Results
from longlag.reports.tables import SUMMARY

FRONTIERS = ("survey", "gates")
"""The campaigns of the frontiers' page."""
TODAY = ("today", "today-2")
"""Those of the remedies since 2014, which stand beside these: of a method on a task the last has its rows."""
GROWTH = "pictures/growth.svg"
"""What a longer lag costs on the frontiers' page."""
CLIFF = {"careful initialisation": "plain", "its gradient clipped": "clipped"}
"""Those of the cliff's picture, in its folder, and what it calls them."""
CONTROLS = "controls"
"""The folder of the campaigns of controls."""


def pages(results: Path) -> dict[str, str]:
    """Every generated page by its name, made of the plugins and of the campaigns in `results`."""
    registry = discover()
    controls = sorted(path.parent for path in (results / CONTROLS).glob(f"*/{MANIFEST}"))
    made = {
        "methods.md": methods(registry),
        "tasks.md": tasks(registry) + certified.page(controls),
        "results.md": columns(),
        "fairness.md": fairness.page(results),
        "claims.md": ledger.page(results),
    }
    if (speed := results / "speed" / speed_page.STORED).exists():
        made["speed.md"] = speed_page.page(speed.parent, load(results / speed_page.RUN).trials)
    cliff = {title: results / "cliff" / name for title, name in CLIFF.items()}
    if all((folder / MANIFEST).exists() for folder in cliff.values()):
        made["pictures/cliff.svg"] = falls.picture({title: load(folder) for title, folder in cliff.items()})
    older, newer = (_finished(results, names) for names in (FRONTIERS, TODAY))
    everything = [*older, *newer] if newer else []
    if older:
        made[GROWTH] = growth.picture(Results([alike.together(older)])) or ""
    for name, title, campaigns, grown in (
        ("frontiers", "Frontiers", older, GROWTH),
        ("today", "Today's remedies", everything, ""),
    ):
        if campaigns:
            picture = f"pictures/{name}.svg"
            made[f"{name}.md"] = frontiers.page(campaigns, title, picture, grown)
            made[picture] = frontiers.picture(campaigns)
    return made


def summaries(results: Path) -> dict[str, str]:
    """What the published tables and figures of campaigns would be now, by their path in `results`."""
    made: dict[str, str] = {}
    for folder in sorted(path.parent for path in results.glob(f"*/{MANIFEST}")):
        kept = [name for name in SUMMARY if (folder / name).exists()]
        found = Results([load(folder)]) if kept else None
        made |= {f"{folder.name}/{name}": SUMMARY[name](found) or "" for name in kept if found}
    return made


def _finished(results: Path, names: Iterable[str]) -> list[Campaign]:
    """The campaigns that are done; one that goes on in another sitting says what it found when it is."""
    folders = (results / name for name in names if (results / name / MANIFEST).exists())
    return [load(folder) for folder in folders if read_manifest(folder).finished is not None]


if __name__ == "__main__":
    docs, stored = map(Path, sys.argv[1:])
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for folder, made in ((docs, pages(stored)), (stored, summaries(stored))):
        for name, text in made.items():
            (folder / name).write_text(text, encoding="utf-8")
    book = stored / "README.md"
    book.write_text(with_book(book.read_text(encoding="utf-8"), stored), encoding="utf-8")
