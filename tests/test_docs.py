"""The generated pages are what the code would generate now."""

from __future__ import annotations

from pathlib import Path

import pytest

from longlag.bench.campaign import profile
from longlag.bench.campaign.grid import ladders
from longlag.bench.plugins.reference import tasks
from longlag.bench.plugins.registry import discover
from longlag.bench.store.reference import columns
from longlag.reports.fairness import page

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.parametrize("path", sorted((DOCS / "examples").glob("*.toml")), ids=lambda path: path.stem)
def test_the_examples_can_be_run_from_anywhere(
    path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    example = profile.read(str(path))
    registry = discover(tuple(example.plugins))
    assert not registry.broken
    grid, skipped = ladders(example, registry)
    assert grid
    assert not skipped


def test_the_task_reference_is_up_to_date() -> None:
    assert (DOCS / "tasks.md").read_text() == tasks(discover()), "run `nox -s docs`"


def test_the_reference_of_the_columns_is_up_to_date() -> None:
    assert (DOCS / "results.md").read_text() == columns(), "run `nox -s docs`"


def test_the_page_on_fairness_is_up_to_date_with_the_stored_rows() -> None:
    assert (DOCS / "fairness.md").read_text() == page(DOCS.parent / "results"), "run `nox -s docs`"


def test_every_task_is_documented_in_full() -> None:
    keys = {"inputs", "targets", "length", "lag", "loss", "wrong", "trivial"}
    for name, plugin in discover().tasks.items():
        assert keys <= set(plugin.facts), name
        assert all(text.strip() for text in plugin.facts.values()), name
