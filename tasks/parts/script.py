"""Joined script as one long line of pen steps, made of words that were followed beforehand.

Every word and letter is followed once at each of a few speeds, from a point on its left edge to one on its
right, so that any may stand after any other; a batch is then only looked up, and bent by a matrix a sequence.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from longlag.tasks.parts.draws import Floats
from longlag.tasks.parts.glyphs import SCRIPT, Glyph, Points, glyphs
from longlag.tasks.parts.pen import Hand, followed, write
from longlag.tasks.parts.pieces import Pieces
from longlag.tasks.parts.words import ALPHABET, WORDS

PACES = (1.4, 1.8, 2.2)
"""The speeds: the distance of two points, in STEPs."""
UNIT = np.float32(np.mean(PACES))
"""The mean step, in STEPs."""
_EDGE = -0.45
"""Where joined letters meet, in x-heights above the line: about where the font's end."""
_SPACE = 0.6
"""Between words, in x-heights."""


@cache
def letters() -> Pieces:
    """The ways [N, 3] of a to z at the first speed, then at the second, ..."""
    return _pieces(ALPHABET)


@cache
def words() -> Pieces:
    """Those of the listed words, each ending with a move through the air to where the next begins."""
    return _pieces(WORDS)


def _pieces(texts: Sequence[str]) -> Pieces:
    font = glyphs(SCRIPT)
    return Pieces.of([_way(text, font, pace).astype(np.float32) for pace in PACES for text in texts])


def _way(text: str, font: dict[str, Glyph], pace: float) -> Points:
    """Steps [T, 3] from the left edge of a text to its right edge, in STEPs."""
    # a hand without any disorder takes nothing from the generator that is seen
    strokes = write(text, font, Hand(), np.random.default_rng(0))
    edge = np.array([[sum(font[letter].width for letter in text), _EDGE]])
    strokes[0] = np.concatenate([[[0.0, _EDGE]], strokes[0]])
    if len(text) > 1:
        strokes.append(edge + np.array([_SPACE, 0.0]))
    elif font[text].marks:
        strokes.append(edge)
    else:
        strokes[-1] = np.concatenate([strokes[-1], edge])
    return followed(strokes, Hand(pace=pace), np.random.default_rng(0))


def bent(steps: Floats, slant: Floats, turn: Floats, scale: Floats, stretch: Floats) -> None:
    """Slant, stretch, turn and scale steps [B, T, 3], each sequence by its own numbers [B], in place."""
    dx, dy = steps[..., 0], steps[..., 1]
    leaning = stretch[:, None] * (dx - slant[:, None] * dy)
    cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
    steps[..., 0], steps[..., 1] = (
        scale[:, None] * (cos * leaning + sin * dy),
        scale[:, None] * (cos * dy - sin * leaning),
    )
