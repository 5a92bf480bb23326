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
    survey = results / SURVEY
    # One that goes on in another sitting says what it found when it is done.
    if (survey / MANIFEST).exists() and read_manifest(survey).finished is not None:
        made["frontiers.md"] = frontiers.page(load(survey))
    return made


if __name__ == "__main__":
    docs, stored = map(Path, sys.argv[1:])
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for name, text in pages(stored).items():
        (docs / name).write_text(text, encoding="utf-8")
