"""The record book: the longest lag, at equal lags the cheapest, and what it beat stays in the history."""

from pathlib import Path

import pytest

from longlag.reports import records
from longlag.reports.records import Record, histories


def record(lag: int, flops: float, folder: str = "one", method: str = "lstm") -> Record:
    return Record("adding:ms11", lag, method, 5, 5, flops, folder, "2026-01-01", "abc")


def test_a_longer_lag_beats_a_cheaper_one() -> None:
    history = histories({"one": [record(50, 1e6)], "two": [record(100, 1e9)], "three": [record(50, 1.0)]})
    assert [each.lag for each in history["adding:ms11"]] == [50, 100]


def test_at_equal_lags_the_cheaper_beats() -> None:
    history = histories({"one": [record(50, 1e6)], "two": [record(50, 1e5)], "three": [record(50, 1e5)]})
    assert [each.flops for each in history["adding:ms11"]] == [1e6, 1e5]


def test_a_campaign_has_one_record_of_a_task() -> None:
    history = histories({"one": [record(50, 1e6), record(200, 1e9, method="esn"), record(100, 1e7)]})
    assert [(each.lag, each.method) for each in history["adding:ms11"]] == [(200, "esn")]


def test_too_few_retests_and_too_many_failures_are_no_record(maker, tmp_path: Path) -> None:
    for _ in range(4):
        maker.run("lstm", 100, 1e9)
    for cost in (1e9, 1e9, 1e9, 1e9, None):
        maker.run("vanilla", 50, cost)
    for cost in (2e9, 1e9, 3e9, 1e9, 9e9, 1e9, 2e9, 2e9, 2e9, None):
        maker.run("lstm", 20, cost)
    maker.run("lstm", 500, 1e9, phase="tune")
    campaign = maker.made(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "published", lambda _: [tmp_path / "made"])
        patch.setattr(records, "load", lambda _: campaign)
        (found,) = histories(records.bridges({"made": campaign}))["adding:hs97"]
        text = records.book(tmp_path)
    assert (found.method, found.lag, found.solved, found.n, found.flops) == ("lstm", 20, 9, 10, 2e9)
    assert f"`longlag replay {tmp_path.name}/made {found.run_id}`" in text


def test_the_book_takes_its_place_again(tmp_path: Path) -> None:
    once = records.with_book("# Results\n", tmp_path)
    marked = once.replace("# Results", "# Mine") + "\nAfter.\n"
    again = records.with_book(marked, tmp_path)
    assert again == marked
    assert again.count(records.BEGIN) == again.count(records.END) == 1
