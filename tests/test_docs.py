"""The generated pages are what the code would generate now."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pandas as pd
import pytest

from longlag.bench.campaign import profile
from longlag.bench.campaign.grid import ladders
from longlag.bench.plugins.registry import discover
from longlag.reports.pages import pages, summaries
from longlag.reports.records import with_book

DOCS = Path(__file__).parents[1] / "docs"
RESULTS = DOCS.parent / "results"
PAGES = pages(RESULTS)
SUMMARIES = summaries(RESULTS)


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


@pytest.mark.parametrize("name", sorted(PAGES))
def test_generated_pages_are_up_to_date(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name], "run `nox -s docs`"


@pytest.mark.parametrize("name", sorted(SUMMARIES))
def test_published_tables_and_figures_are_up_to_date(name: str) -> None:
    text = (RESULTS / name).read_text(encoding="utf-8")
    if name.endswith(".csv"):
        # In full precision, of which another processor may round the last digit.
        pd.testing.assert_frame_equal(*(pd.read_csv(io.StringIO(each)) for each in (text, SUMMARIES[name])))
    else:
        assert text == SUMMARIES[name], "run `nox -s docs`"


def test_the_record_book_is_up_to_date() -> None:
    text = (RESULTS / "README.md").read_text(encoding="utf-8")
    assert with_book(text, RESULTS) == text, "publish a campaign again"


def test_every_task_is_documented_in_full() -> None:
    keys = {"inputs", "targets", "length", "lag", "loss", "wrong", "trivial"}
    for name, plugin in discover().tasks.items():
        assert keys <= set(plugin.facts), name
        assert all(text.strip() for text in plugin.facts.values()), name


def test_the_site_has_every_page() -> None:
    configured = (DOCS.parent / "mkdocs.yml").read_text(encoding="utf-8")
    named = set(re.findall(r": ([\w/]+\.md)$", configured, flags=re.MULTILINE))
    assert named == {path.name for path in DOCS.glob("*.md")} | {"results/README.md"}
    assert "strict: true" in configured
