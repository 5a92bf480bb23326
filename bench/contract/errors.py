"""Errors that are the user's to mend: one clear line, exit code 2."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class BadInput(Exception):
    """Something the user gave is wrong; the message is one line that says what and how to mend it."""


class Untaken(BadInput):
    """A layer or an optimiser that cannot be trained as its recipe says."""


_MOST = 40
"""Choices that an error line lists."""


def nearest(given: str, choices: Iterable[str]) -> str:
    """The end of an error line: the valid choice closest to `given`, or all of them."""
    known = sorted(choices)
    close = get_close_matches(given, known, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    if len(known) > _MOST:
        return f"there are {len(known)}, {', '.join(known[:_MOST])} and so on"
    return f"choose from {', '.join(known)}" if known else "there is none"
