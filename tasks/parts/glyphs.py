"""Letters as a pen draws them: the strokes of Hershey's vector fonts, in units of a font's x-height.

Source: Hershey 1967, Calligraphy for computers, NWL report 2101; the tables are those of the package
Hershey-Fonts. y grows downwards, as on a screen: 0 is the line that is written on, -1 the height of an x.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from longlag.tasks.parts.words import ALPHABET

Points = NDArray[np.float64]
"""Positions [n, 2], x and y."""

SCRIPT, SANS, ROMAN, ITALIC, DOUBLED = "scripts", "futural", "rowmans", "timesi", "scriptc"
"""Joined script; two print hands of single strokes; an italic and a script whose stems are drawn twice."""
_DOTTED = "ijt"
"""Letters with a dot or a bar, which a writer sets apart from the rest."""


@dataclass(frozen=True)
class Glyph:
    """A letter: what is drawn in one go after the other, then its dot or bar; and how wide it is."""

    body: tuple[Points, ...]
    marks: tuple[Points, ...]
    width: float


@cache
def glyphs(font: str) -> dict[str, Glyph]:
    """The small letters of a Hershey font by the letter, their left sides at x = 0."""
    # the package unpacks all its fonts at each loading, and only who writes needs one
    from HersheyFonts import HersheyFonts

    source = HersheyFonts(load_default_font=font)
    found = source.all_glyphs
    heights = [y for stroke in found["x"].strokes for _, y in stroke]
    top, line = min(heights), max(heights)
    unit = float(line - top)
    return {letter: _glyph(letter, found[letter], line, unit) for letter in ALPHABET}


def _glyph(letter: str, found: object, line: int, unit: float) -> Glyph:
    left: float = found.left_offset  # type: ignore[attr-defined]
    strokes = [
        (np.array(stroke, dtype=np.float64) - (left, line)) / unit
        for stroke in found.strokes  # type: ignore[attr-defined]
        if len(stroke) > 1
    ]
    drawn = [rounded_off(stroke) for stroke in _joined(strokes)]
    marks: tuple[Points, ...] = ()
    if letter in _DOTTED and len(drawn) > 1:
        main = max(range(len(drawn)), key=lambda k: float(np.ptp(drawn[k][:, 1])))
        marks = tuple(stroke for k, stroke in enumerate(drawn) if k != main)
        drawn = [drawn[main]]
    return Glyph(tuple(drawn), marks, found.char_width / unit)  # type: ignore[attr-defined]


def _joined(strokes: list[Points]) -> list[Points]:
    """Strokes one of which begins where the last ended, as one: there the pen was not lifted."""
    made: list[Points] = []
    for stroke in strokes:
        if made and np.array_equal(made[-1][-1], stroke[0]):
            made[-1] = np.concatenate([made[-1], stroke[1:]])
        else:
            made.append(stroke)
    return made


def rounded_off(stroke: Points) -> Points:
    """A stroke whose corners are cut once, a quarter of each side off (Chaikin 1974); its ends stay."""
    if len(stroke) < 3:
        return stroke
    first, last = 0.75 * stroke[:-1] + 0.25 * stroke[1:], 0.25 * stroke[:-1] + 0.75 * stroke[1:]
    cut = np.stack([first, last], 1).reshape(-1, 2)
    return np.concatenate([stroke[:1], cut[1:-1], stroke[-1:]])
