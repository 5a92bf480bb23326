"""Colours and signs that tell methods and outcomes apart, also to colour-blind readers and in grey."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

from longlag.reports.formats import OF

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


# Each has its own for good; the place of one that is not here follows from its name.
KNOWN = ["vanilla", "gradient_clipping", "careful_init", "hessian_free", "lstm", "echo_state", "gru"]


def looks(methods: Sequence[str]) -> dict[str, Look]:
    """A colour and a shape a method, its own on every page whatever stands beside it.

    A method that is not among `KNOWN` gets a pair of those that are left, by a hash of its name, or the next
    where another of the page's, earlier in the alphabet, has it. Past the 35 there are they repeat. One of
    `KNOWN` that is named after its campaign looks as it does without, unless that or another such is there.
    """
    own = {name: (place, place) for place, name in enumerate(KNOWN)}
    for name in methods:
        plain = name.partition(OF)[0]
        if plain in KNOWN and plain not in methods and own[plain] not in [own.get(each) for each in methods]:
            own[name] = own[plain]
    others = [(colour, shape) for shape in range(len(SHAPES)) for colour in range(len(KNOWN), len(METHODS))]
    taken = set()
    for name in sorted(set(methods) - set(own)):
        start = int.from_bytes(blake2b(name.encode(), digest_size=4).digest()) % len(others)
        pairs = others[start:] + others[:start]
        own[name] = next((pair for pair in pairs if pair not in taken), pairs[0])
        taken.add(own[name])
    return {name: _look(*own[name]) for name in methods}


def _look(colour: int, shape: int) -> Look:
    name = list(SHAPES)[shape]
    return Look(METHODS[colour], name, SHAPES[name])


def outcome_colour(status: str) -> str:
    """The colour of an outcome, also of one this version does not know."""
    return OUTCOMES.get(status, OTHER_OUTCOME)
