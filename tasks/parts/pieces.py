"""Long lines out of pieces that lie one after another in one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longlag.tasks.parts.draws import Ints


@dataclass(frozen=True)
class Pieces:
    """Rows [N, ...] of all pieces, and where each piece begins and how many rows it has, [pieces]."""

    rows: NDArray[Any]
    starts: Ints
    lengths: Ints

    @staticmethod
    def of(pieces: list[NDArray[Any]]) -> Pieces:
        """A table of these."""
        lengths = np.array([len(piece) for piece in pieces])
        return Pieces(np.concatenate(pieces), np.cumsum(lengths) - lengths, lengths)

    def enough(self, length: int) -> int:
        """How many pieces are surely as long as that together."""
        return -(-length // int(self.lengths.min()))

    def line(self, chosen: Ints, length: int) -> NDArray[Any]:
        """The first `length` rows [B, length, ...] of the `chosen` pieces [B, n], one after another."""
        count = len(chosen)
        ends = np.cumsum(self.lengths[chosen], axis=1)
        # which piece is on at each step: all sequences are searched at once, each a large number further on
        apart = np.arange(count)[:, None] * (int(ends.max()) + length)
        at = np.arange(length)
        on = np.searchsorted((ends + apart).ravel(), (at + apart).ravel(), side="right")
        piece, end = chosen.ravel()[on], ends.ravel()[on]
        places = self.starts[piece] + self.lengths[piece] - end + np.tile(at, count)
        found: NDArray[Any] = self.rows[places.reshape(count, length)]
        return found
