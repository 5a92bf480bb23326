"""How far methods would have come within a part of their budget."""

from __future__ import annotations

from longlag.reports.frontiers import page
from longlag.reports.thrift import section
from tests.reports.conftest import BUDGET


def test_a_frontier_that_took_more_than_the_part_is_shorter_within_it(maker):
    for _ in range(5):
        maker.run("lstm", 10, 0.05 * BUDGET, rung=1)
    # One late run of five is a rung that does not hold.
    for cost in (0.05, 0.05, 0.05, 0.05, 0.3):
        maker.run("lstm", 20, cost * BUDGET, rung=2)
    for _ in range(5):
        maker.run("lstm", 10, 0.6 * BUDGET, rung=1, task="xor")
        maker.run("vanilla", 10, 0.2 * BUDGET, rung=1)
    maker.run("vanilla", 20, None, rung=2)
    lines = section(maker.made())
    assert lines[-2:] == ["| vanilla | 1 | 0 | 0 | 1 |", "| lstm | 2 | 1 | 2 | 2 |"]
    head = "| Method | T\\* | shorter within a half | shorter within a fifth | shorter within a tenth |"
    assert lines[-4] == head
    assert "\n".join(lines) in page([maker.made()], "Frontiers", "frontier.svg")


def test_of_nothing_bridged_there_is_nothing_to_say(maker):
    maker.run("vanilla", 10, None, rung=1)
    assert section(maker.made()) == []
