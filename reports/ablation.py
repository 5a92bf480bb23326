"""What each part of a combination adds: the cases of every pair of methods that differ in that part alone.

A combination a+b+c is taken apart where all its subsets were retested, `vanilla` for the empty one. The runs
with a part and those without it are compared case by case, a case being a task, a lag and the other parts.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import combinations
from typing import NamedTuple

from longlag.bench.contract.names import BASELINE
from longlag.reports.comparisons import Key, tallies
from longlag.reports.results import Results
from longlag.reports.statistics import Tally, exact_test, holm, total

Parts = frozenset[str]


class Contribution(NamedTuple):
    """What `part` of `combination` adds over `cases` of a campaign.

    p is exact, `adjusted` by Holm over all parts of the campaign's combinations.
    """

    campaign: str
    combination: str
    part: str
    cases: int
    with_it: Tally
    without: Tally
    p: float
    adjusted: float


def contributions(results: Results) -> list[Contribution]:
    """Of every combination that can be taken apart, and is no part of a larger one, what each part adds."""
    found: list[Contribution] = []
    for campaign in results.campaigns:
        by_parts = {parts(method): own for method, own in tallies(results, campaign).items() if own}
        rows = [
            (method, part, *_pairs(by_parts, parts(method), part))
            for method in _whole(results.methods, by_parts)
            for part in method.split("+")
        ]
        tested = [(row, exact_test(row[2], row[3])) for row in rows if row[2]]
        adjusted = holm([p for _, p in tested])
        found += [
            Contribution(campaign, method, part, len(own), total(own), total(other), p, corrected)
            for ((method, part, own, other), p), corrected in zip(tested, adjusted, strict=True)
        ]
    return found


def parts(method: str) -> Parts:
    """The remedies of a method; none of the baseline."""
    return frozenset(method.split("+")) - {BASELINE}


def _whole(methods: list[str], known: Collection[Parts]) -> list[str]:
    """The combinations that are there with all their subsets, but for those that are subsets themselves."""
    apart = [
        method
        for method in methods
        if len(own := parts(method)) > 1
        and all(frozenset(some) in known for size in range(len(own) + 1) for some in combinations(own, size))
    ]
    return [method for method in apart if not any(parts(method) < parts(other) for other in apart)]


def _pairs(
    by_parts: dict[Parts, dict[Key, Tally]], whole: Parts, part: str
) -> tuple[list[Tally], list[Tally]]:
    """The tallies with the part and without, of every case that both of a pair were retested on."""
    own, other = [], []
    rest = sorted(whole - {part})
    for size in range(len(rest) + 1):
        for some in map(frozenset, combinations(rest, size)):
            bare, more = by_parts[some], by_parts[some | {part}]
            for case in bare.keys() & more.keys():
                own.append(more[case])
                other.append(bare[case])
    return own, other
