"""How far each method would have come within less: the same retests, a part of their budget."""

from __future__ import annotations

from dataclasses import replace

from longlag.bench.store import Campaign
from longlag.reports.formats import markdown
from longlag.reports.results import Results

SHARES = {"a half": 1 / 2, "a fifth": 1 / 5, "a tenth": 1 / 10}
"""Parts of the budget that are asked about."""


def within(campaign: Campaign, share: float) -> Campaign:
    """The campaign, its trials solved only where they were by a `share` of their budget."""
    trials = campaign.trials
    early = trials["flops_to_solve"] <= share * trials["budget"]
    return replace(campaign, trials=trials.assign(solved=trials["solved"] & early))


def section(campaign: Campaign) -> list[str]:
    """Of every method how many of its T* would be shorter, as Markdown; none where nothing was bridged."""
    whole = Results([campaign])
    less = [Results([within(campaign, share)]) for share in SHARES.values()]
    rows = []
    for method in whole.methods:
        panels = [panel for panel in whole.panels if whole.frontier(panel, method) is not None]
        shorter = [
            sum(each.frontier(panel, method) != whole.frontier(panel, method) for panel in panels)
            for each in less
        ]
        rows.append([method, str(len(panels)), *map(str, shorter)])
    if not any(int(row[1]) for row in rows):
        return []
    return [
        "",
        "## How much of it is the budget",
        "",
        "How many of a method's T\\* would be shorter if the same retests could have spent only a part of",
        "their budget. The settings were chosen for the whole of it, and tuning within less may choose",
        "faster ones, so these are the most.",
        "",
        *markdown(["Method", "T\\*", *(f"shorter within {part}" for part in SHARES)], rows),
    ]
