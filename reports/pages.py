"""The pages of docs/ that are generated: `python -m longlag.reports.pages docs results` writes them."""

from __future__ import annotations

import sys
from pathlib import Path

import optuna

from longlag.bench.plugins.reference import methods, tasks
from longlag.bench.plugins.registry import discover
from longlag.bench.store import MANIFEST, load, read_manifest
from longlag.bench.store.reference import columns
from longlag.reports import certified, claims, fairness, frontiers, speed_page

SURVEY = "survey"
"""The campaign of the frontiers' page."""
TODAY = "today"
"""That of the remedies since 2014, which stands beside it."""
PICTURE = f"pictures/{TODAY}.svg"
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
        "claims.md": claims.page(results),
    }
    if (speed := results / "speed" / speed_page.STORED).exists():
        made["speed.md"] = speed_page.page(speed.parent, load(results / speed_page.RUN).trials)
    if _finished(results / SURVEY):
        survey = load(results / SURVEY)
        made["frontiers.md"] = frontiers.page([survey], "Frontiers", f"../results/{SURVEY}/frontier.svg")
        if _finished(results / TODAY):
            both = survey, load(results / TODAY)
            made["today.md"] = frontiers.page(both, "Today's remedies", PICTURE)
            made[PICTURE] = frontiers.picture(both)
    return made


def _finished(folder: Path) -> bool:
    """Whether there is a campaign: one that goes on in another sitting says what it found when it is done."""
    return (folder / MANIFEST).exists() and read_manifest(folder).finished is not None


if __name__ == "__main__":
    docs, stored = map(Path, sys.argv[1:])
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for name, text in pages(stored).items():
        (docs / name).write_text(text, encoding="utf-8")
