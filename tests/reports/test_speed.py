"""The table of `nox -s speed`: what holds, what only is told, and how both are written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from longlag.reports import speed_gpu
from longlag.reports.speed import Measure, table


def measure(median: float, **changed: Any) -> Measure:
    given = {"measure": "a", "against": "b", "at_least": None, "at_most": None, "median": median, "low": 1.0,
             "high": 3.0, "n": 5, "unit": "", "gates": True, "told": {}}  # fmt: skip
    return Measure(**{**given, **changed})


@pytest.mark.parametrize(
    ("median", "below", "above"), [(1.99, False, True), (2.0, True, True), (2.01, True, False)]
)
def test_a_median_at_its_bar_holds(median: float, below: bool, above: bool) -> None:
    assert measure(median, at_least=2.0).holds is below
    assert measure(median, at_most=2.0).holds is above
    assert measure(median).holds


def test_the_table_says_what_is_told_only() -> None:
    rows = [
        measure(2.5, at_least=2.0),
        measure(2.5, at_most=2.0),
        measure(250.0, at_least=300.0, unit="trials/s", gates=False),
        measure(6.5, n=1, unit="MiB", gates=False),
    ]
    cells = [[cell.strip() for cell in line.split("|")[3:6]] for line in table(rows)[2:]]
    assert cells == [
        ["≥ 2", "2.5 (1 to 3)", "yes"],
        ["≤ 2", "2.5 (1 to 3)", "no"],
        ["≥ 300 trials/s", "250 trials/s (1 to 3)", "no, told only"],
        ["", "6.5 MiB", ""],
    ]


def test_the_most_that_something_could_give_is_held_against_what_was_asked() -> None:
    rows = [measure(1.9, gates=False, told={"asked": 2.0}), measure(2.1, gates=False, told={"asked": 2.0})]
    cells = [[cell.strip() for cell in line.split("|")[3:6]] for line in table(rows)[2:]]
    assert cells == [
        ["2 asked; at most", "1.9 (1 to 3)", "out of reach"],
        ["2 asked; at most", "2.1 (1 to 3)", "within reach"],
    ]


def test_what_a_gpu_gave_is_told_against_the_better_measure_of_a_core(tmp_path: Path) -> None:
    assert speed_gpu.section(tmp_path) == ""
    shape = {
        "shape": [100, 20, 50],
        "apart": 1e-7,
        "core": [500.0, 1000.0],
        "gpu": {"1": 1500.0, "10": 12_000.0},
    }
    run = {"nets": 50, "solved": 40, "updates": 100, "seconds": 2.0}
    found = {"gpu": "a GPU", "cpu": "a CPU", "shapes": [shape], "trials": run}
    (tmp_path / speed_gpu.STORED).write_text(json.dumps(found))
    told = speed_gpu.section(tmp_path)
    assert "| 100, 20, 50 | 1000 | 1.5 | 12 |" in told
    assert "40 of them solved" in told
    assert "one core makes as many updates in 5 s" in " ".join(told.split())
