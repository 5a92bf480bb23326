"""Colours and signs that tell methods and outcomes apart, also to colour-blind readers and in grey."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

# Okabe and Ito (2008) without black and yellow, which vanish on a dark or a light page; then Tol's muted
METHODS = ["#767676", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00",
           "#882255", "#44AA99", "#999933", "#AA4499", "#6699CC"]  # fmt: skip

SHAPES = {"circle": "●", "square": "■", "triangle-up": "▲", "diamond": "◆",
          "triangle-down": "▼", "triangle-right": "▶", "triangle-left": "◀"}  # fmt: skip

# Tol's light scheme: a family of its own, so that no outcome is taken for a method
OUTCOMES = {
    "capped": "#77AADD",
    "over_budget": "#44BB99",
    "improving": "#BBCC33",
    "plateau": "#EEDD88",
    "vanished": "#BBBBBB",
    "exploded": "#EE8866",
    "timeout": "#99DDFF",
    "out_of_memory": "#FFAABB",
    "crashed": "#AA6688",
}
OTHER_OUTCOME = "#DDDDDD"


class Look(NamedTuple):
    """How a method is drawn everywhere on a page."""

    colour: str
    shape: str
    sign: str


def looks(methods: Sequence[str]) -> dict[str, Look]:
    """A colour and a shape a method, in the order given; past the palette they repeat in other pairs."""
    shapes = list(SHAPES)
    return {
        name: Look(
            METHODS[index % len(METHODS)],
            shapes[index % len(shapes)],
            SHAPES[shapes[index % len(shapes)]],
        )
        for index, name in enumerate(methods)
    }


def outcome_colour(status: str) -> str:
    """The colour of an outcome, also of one this version does not know."""
    return OUTCOMES.get(status, OTHER_OUTCOME)
