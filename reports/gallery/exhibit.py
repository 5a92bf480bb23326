"""What an exhibit is: numbers computed before, a module of the page that shows them, figures for paper."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import altair as alt

from longlag.reports.formats import number

Chart = alt.TopLevelMixin
"""Whatever Altair can draw."""


AGAIN = "To train these nets again, the first recipe of each on five fresh seeds:"
ON_A_TASK = "How it shows in learning, on a task:"


def command(methods: Iterable[str], task: str, lag: int, budget: float) -> str:
    """`longlag run` of the methods' first recipes on a task, as an exhibit trains them."""
    return (
        f"longlag run --methods {','.join(methods)} --tasks {task} --lags {lag} --budget {number(budget)} "
        "--trials 1 --retests 5"
    )


def together(names: Sequence[str]) -> str:
    """Names as a sentence lists them."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


@dataclass(frozen=True)
class Exhibit:
    """One picture that explains: `name`.js of this folder shows `data`, and `figure` is it on paper."""

    name: str
    title: str
    story: str
    """A paragraph in plain words: what is seen, and why it is so."""
    where: str
    """One line: what is computed where."""
    command: str
    """The command line that compares the same methods, or does the same, on the reader's machine."""
    compared: str
    """What that command does, before a colon."""
    figure: Chart
    scripts: tuple[str, ...] = ()
    """Modules of this folder that its own needs before it."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """Plain values, for JSON."""
