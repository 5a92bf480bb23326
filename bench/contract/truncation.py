"""The blocks of a sequence that errors do not leave on their way back, where they go a horizon at most."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Block(NamedTuple):
    """Steps `begin` to `end`, and which of the supervised ones lie there, `first` to `last`; no ends."""

    begin: int
    end: int
    first: int
    last: int


def blocks(supervised: np.ndarray[Any, Any], length: int, horizon: int | None) -> list[Block]:
    """The blocks that hold some of the steps `supervised` [S], rising; the last first.

    Of `length` steps, cut into blocks of `horizon`, counted from the end: the first may be shorter. Without a
    horizon they are one block.
    """
    size = length if horizon is None else horizon
    found: list[Block] = []
    last = len(supervised)
    while last:
        end = length - (length - 1 - int(supervised[last - 1])) // size * size
        begin = max(0, end - size)
        first = int(np.searchsorted(supervised, begin))
        found.append(Block(begin, end, first, last))
        last = first
    return found
