"""The Markdown of `docs/fairness.md`: how the comparison could be unfair, and the figure for each."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill

from longlag.reports import judged, tuned_alike, weighed
from longlag.reports.evidence import CASE, Evidence, Section, Stored, read, table

_HEADER = """# How the comparison could be unfair

Generated from the stored rows of `results/` by `nox -s docs`: no figure here is typed. A campaign that is
added to `results/fairness` is read with the others. [comparison.md](comparison.md) says how trials are
compared.
"""
QUESTIONS = (
    tuned_alike.recipes,
    tuned_alike.width,
    weighed.seconds,
    weighed.parameters,
    tuned_alike.sampler,
    judged.confirmation,
    judged.checks,
)


def page(results: Path) -> str:
    """Every question with its figures, from the campaigns under `results`."""
    evidence = read(results)
    sections = (_section(number, ask(evidence)) for number, ask in enumerate(QUESTIONS, start=1))
    return "\n".join([_HEADER, *sections, *_campaigns(evidence)])


def _section(number: int, section: Section) -> str:
    figures = [*section.table, ""] if section.table else []
    lines = ["", _wrapped(section.how), "", *figures, _wrapped(section.meaning), ""]
    return "\n".join([f"## {number}. {section.title}", *lines])


def _wrapped(text: str) -> str:
    return fill(text, 110, break_long_words=False, break_on_hyphens=False)


def _campaigns(evidence: Evidence) -> list[str]:
    """What the figures are made of."""
    both = {**evidence.tuned, **evidence.published}
    head = ["campaign", "recipes", "sampler", "trials a case", "cases", "rows", "machine", "minutes"]
    return ["## The campaigns", "", *table(head, [_campaign(*each) for each in both.items()]), ""]


def _campaign(name: str, stored: Stored) -> list[str]:
    manifest = stored.manifest
    profile = manifest.profile
    return [
        name,
        str(profile.get("recipes", "all")),
        str(profile["sampler"]),
        str(profile["trials"]),
        str(stored.trials.groupby(CASE).ngroups),
        str(len(stored.trials)),
        f"{manifest.machine['cores']} cores, {manifest.machine['cpu']}",
        f"{manifest.seconds / 60:.0f}",
    ]
