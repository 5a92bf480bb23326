"""What an exhibit is: numbers computed before, a module of the page that shows them, figures for paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import altair as alt

Chart = alt.TopLevelMixin
"""Whatever Altair can draw."""


@dataclass(frozen=True)
class Exhibit:
    """One picture that explains: `name`.js of this folder shows `data`, and `figure` is it on paper."""

    name: str
    title: str
    story: str
    """A paragraph in plain words: what is seen, and why it is so."""
    where: str
    """One line: what is computed where."""
    shows: tuple[str, ...]
    """The methods and tasks that do it, as the command line names them."""
    figure: Chart
    scripts: tuple[str, ...] = ()
    """Modules of this folder that its own needs before it."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """Plain values, for JSON."""
