"""Which methods differ: every pair over the cases both were retested on."""

from __future__ import annotations

from typing import NamedTuple

from longlag.bench.trial.spec import bridged
from longlag.reports.results import Results
from longlag.reports.statistics import Tally, exact_test, holm, total

Key = tuple[str, str, int]
"""Task, variant and lag."""


class Comparison(NamedTuple):
    """Two methods over the `cases` they share, with the exact p-value and Holm's adjustment of it.

    `first_alone` and `second_alone` name what the one bridges and the other does not: what the one buys.
    """

    campaign: str
    first: str
    second: str
    cases: int
    first_tally: Tally
    second_tally: Tally
    first_alone: str
    second_alone: str
    p: float
    adjusted: float


def compare(results: Results) -> list[Comparison]:
    """Every pair of methods of a campaign, or of own and published ones; adjusted over all of them."""
    found: list[Comparison] = []
    for campaign in results.groups:
        by_method = tallies(results, campaign)
        pairs = []
        for first, second in results.pairs:
            shared = [key for key in by_method[first] if key in by_method[second]]
            if shared:
                one = [by_method[first][key] for key in shared]
                two = [by_method[second][key] for key in shared]
                alone = _alone(shared, one, two), _alone(shared, two, one)
                pairs.append(
                    (first, second, len(shared), total(one), total(two), *alone, exact_test(one, two))
                )
        adjusted = holm([pair[-1] for pair in pairs])
        found += [Comparison(campaign, *pair, p) for pair, p in zip(pairs, adjusted, strict=True)]
    return found


def tallies(results: Results, campaign: str) -> dict[str, dict[Key, Tally]]:
    """By method of `results`, the tally of each case that it was retested on in a campaign, or a group."""
    cases = results.of_group(campaign, results.cases)
    cases = cases[cases["n"] > 0]
    return {
        method: {
            (task, variant, lag): Tally(solved, n)
            for task, variant, lag, solved, n in cases.loc[
                cases["method"] == method, ["task", "variant", "lag", "solved", "n"]
            ].itertuples(index=False, name=None)
        }
        for method in results.methods
    }


def _alone(keys: list[Key], own: list[Tally], others: list[Tally]) -> str:
    """The cases bridged in `own` and not in `others`, as "task:variant lag, lag; ..."."""
    lags: dict[str, list[int]] = {}
    for (task, variant, lag), mine, theirs in zip(keys, own, others, strict=True):
        if bridged(*mine) and not bridged(*theirs):
            lags.setdefault(f"{task}:{variant}", []).append(lag)
    return "; ".join(f"{task} {', '.join(map(str, sorted(found)))}" for task, found in lags.items())
