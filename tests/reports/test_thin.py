"""Campaigns with little in them, and campaigns beside each other that share little: each has a page."""

import json
import math

import pandas as pd
import pytest

from longlag import reports
from longlag.bench import store
from longlag.reports import charts, reach
from longlag.reports.page import as_html
from longlag.reports.results import Results
from longlag.reports.tables import as_markdown
from tests.reports.test_page import Page


def only_tuning(maker):
    maker.run("lstm", 10, None, phase="tune", status="crashed", score=3.0, error=math.nan)


def nothing_solved(maker):
    for method in ("vanilla", "lstm"):
        for lag in (10, 20):
            key = maker.run(method, lag, None, phase="retest")
            maker.curve(key, [0.9, 0.9])


def one_of_each(maker):
    key = maker.run("lstm", 1, 1e9)
    maker.curve(key, [0.0])
    maker.probe(key, 0.0, 1, "after")


def all_nan(maker):
    maker.run("lstm", 10, None, status="crashed", error=math.nan, spent=math.nan, score=3.0, chance=0.93)
    maker.rows[-1]["seconds"] = math.nan
    maker.curve("lstm-adding-hs97-10-0", [math.nan, math.nan])
    maker.probe("lstm-adding-hs97-10-0", math.nan, 10, "before", math.nan)


def every_trial_failed(maker):
    for phase in ("tune", "retest"):
        for status in ("crashed", "timeout", "out_of_memory", "exploded"):
            maker.run("lstm", 10, None, phase=phase, status=status, error=math.nan, score=3.0)


def one_seed(maker):
    for lag in (10, 20):
        maker.run("lstm", lag, 1e9, phase="tune")
        maker.curve(maker.run("lstm", lag, 1e9), [0.9, 0.0])


def unfinished(maker):
    maker.finished = None
    maker.run("vanilla", 10, 1e9, phase="tune")
    maker.run("vanilla", 10, 1e9)
    maker.run("lstm", 10, 1e9, phase="tune")


def empty(maker):
    maker.finished = None


STORIES = [only_tuning, nothing_solved, one_of_each, all_nan, every_trial_failed, one_seed, unfinished, empty]


@pytest.mark.parametrize("story", STORIES)
def test_thin_campaigns_have_a_page(maker, story):
    story(maker)
    page = Page(as_html(Results([maker.made()])))
    assert ("Unfinished" in page.words) == (maker.finished is None)
    assert ("Unfinished" in as_markdown(Results([maker.made()]))) == (maker.finished is None)
    assert "nan" not in page.words
    # The picture of T* for pages that run nothing; none where nothing was tried.
    assert (reach.picture(Results([maker.made()])) is None) == (story is empty)
    for spec in page.specs:
        assert "NaN" not in json.dumps(spec)
        assert charts.static(spec)


def test_campaigns_side_by_side_have_their_own_panels(maker, another):
    for each in (maker, another):
        each.run("lstm", 10, 1e9)
    page = Page(as_html(Results([maker.made(), another.made()])))
    assert "adding:hs97 · made" in page.words
    assert "adding:hs97 · another" in page.words


def test_campaigns_with_nothing_in_common_have_a_page(maker, another):
    maker.run("lstm", 10, 1e9)
    another.run("vanilla", 20, 1e9, task="xor")
    another.run("vanilla", 20, 1e9, task="xor", phase="tune")
    results = Results([maker.made(), another.made()])
    page = Page(as_html(results))
    assert "adding:hs97 · made" in page.words
    assert "xor:hs97 · another" in page.words
    assert "nan" not in page.words
    assert "made and another share no method at the same task and lag" in page.words


@pytest.mark.parametrize("missing", ["extrapolates", "state_bytes", "updates", "saturated"])
def test_campaigns_of_before_a_column_have_a_page(maker, tmp_path, missing):
    maker.probe(maker.run("lstm", 10, 1e9), 0.9, 10, "after")
    folder = maker.stored(tmp_path / "campaign")
    name = store.PROBES if missing in ("updates", "saturated") else store.TRIALS
    pd.read_parquet(folder / name).drop(columns=missing).to_parquet(folder / name)
    page = Page(as_html(reports.read([folder])))
    assert "no net was probed while it trained" in page.words
    assert "nan" not in page.words
