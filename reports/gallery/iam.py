"""Lines of the IAM On-Line Handwriting Database, from the files that a user has of it.

Below a folder lie

    lineStrokes/a01/a01-000/a01-000u-01.xml   a line: its strokes, each a sequence of points x, y, y downwards
    ascii/a01/a01-000/a01-000u.txt            the form's text; after "CSR:" a row for each line

as the database's archives unpack. The reader knows a to z: capitals are read as small letters, and other
characters, as spaces and commas, have no label; the reader has to pass over them. How often each was left
out is told.

Source: Liwicki & Bunke 2005, ICDAR: IAM-OnDB, an on-line English sentence database acquired from handwritten
text on a whiteboard.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from longlag.bench.contract.errors import BadInput
from longlag.tasks.parts.glyphs import Points
from longlag.tasks.parts.pen import followed
from longlag.tasks.parts.words import ALPHABET

SPREAD = 0.62
"""The standard deviation of y along English lines, in x-heights: it tells how large a hand is."""

_PLACES = 2000
"""Points on a line's way by which its size is measured."""


@dataclass(frozen=True)
class Line:
    """A line: its file's name, its letters, and the pen's way [T, 3] in x-heights."""

    name: str
    text: str
    way: Points


@dataclass
class Lines:
    """The lines that can be read, and what was left out."""

    lines: list[Line] = field(default_factory=list)
    empty_strokes: int = 0
    without_points: int = 0
    """Lines of no stroke with a point."""
    without_text: int = 0
    """Lines of which the text says nothing, or nothing that has a letter."""
    unknown: Counter[str] = field(default_factory=Counter)
    """Characters that have no label."""

    def says(self) -> str:
        """What was left out, one line."""
        strange = sum(count for letter, count in self.unknown.items() if letter != " ")
        return (
            f"{len(self.lines)} lines; left out: {self.without_points} without points, "
            f"{self.without_text} without letters, {self.empty_strokes} empty strokes, "
            f"{strange} characters that are no letters"
        )


def read_lines(folder: Path) -> Lines:
    """All lines below `folder`, in the order of their names; raises BadInput for damage, and for no line."""
    strokes, texts = folder / "lineStrokes", folder / "ascii"
    for needed in (folder, strokes, texts):
        if not needed.is_dir():
            raise BadInput(f"{needed}: no such folder; IAM-OnDB has lineStrokes and ascii")
    found = Lines()
    for path in sorted(strokes.rglob("*.xml")):
        form, _, number = path.stem.rpartition("-")
        source = texts / path.parent.relative_to(strokes) / f"{form}.txt"
        drawn, empty = read_strokes(path)
        found.empty_strokes += empty
        letters = _letters(_row(source, number), found.unknown)
        if not drawn:
            found.without_points += 1
        elif not letters:
            found.without_text += 1
        else:
            found.lines.append(Line(path.stem, letters, followed(in_x_heights(drawn))))
    if not found.lines:
        raise BadInput(f"{folder}: holds no line with points and letters")
    return found


def read_strokes(path: Path) -> tuple[list[Points], int]:
    """A line's strokes [n, 2] as stored, and how many held no point; raises BadInput that names the file."""
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise BadInput(f"{path}: broken XML: {error}") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from None
    if root.find(".//StrokeSet") is None:
        raise BadInput(f"{path}: holds no StrokeSet: no line of IAM-OnDB")
    drawn, empty = [], 0
    for stroke in root.iterfind(".//StrokeSet/Stroke"):
        try:
            points = [(float(point.attrib["x"]), float(point.attrib["y"])) for point in stroke.iter("Point")]
        except (KeyError, ValueError):
            raise BadInput(f"{path}: a Point without numbers x and y") from None
        if not np.isfinite(points).all():
            raise BadInput(f"{path}: a Point without numbers x and y")
        if points:
            drawn.append(np.array(points))
        else:
            empty += 1
    return drawn, empty


def in_x_heights(strokes: list[Points]) -> list[Points]:
    """Strokes in the units that the reader knows: the line made level, its heights spread as usual."""
    # by the way and not by the points: a slow pen leaves many in one place
    apart = max(sum(map(_far, strokes)) / _PLACES, 1e-9)
    even = np.concatenate([_evenly(stroke, apart) for stroke in strokes])
    x, y = even.T
    rise = float(np.cov(x, y)[0, 1] / x.var()) if len(x) > 1 and x.var() > y.var() else 0.0
    level = [np.column_stack([stroke[:, 0], stroke[:, 1] - rise * stroke[:, 0]]) for stroke in strokes]
    spread = float((y - rise * x).std())
    unit = spread / SPREAD if spread > 0 else 1.0
    return [stroke / unit for stroke in level]


def _far(stroke: Points) -> float:
    return float(np.hypot(*np.diff(stroke, axis=0).T).sum())


def _evenly(stroke: Points, apart: float) -> Points:
    """Points of a stroke about so far apart."""
    far = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(stroke, axis=0).T))])
    places = np.linspace(0, far[-1], 1 + round(far[-1] / apart))
    return np.column_stack([np.interp(places, far, stroke[:, k]) for k in (0, 1)])


def _row(source: Path, number: str) -> str:
    """The text of a form's line by its number, which counts from 1; empty where there is none."""
    try:
        text = source.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    rows = [row for row in text.partition("CSR:")[2].splitlines() if row.strip()]
    at = int(number) - 1 if number.isdecimal() else -1
    return rows[at] if 0 <= at < len(rows) else ""


def _letters(text: str, unknown: Counter[str]) -> str:
    kept = []
    for letter in text.strip():
        if letter.lower() in ALPHABET and len(letter.lower()) == 1:
            kept.append(letter.lower())
        else:
            unknown[letter] += 1
    return "".join(kept)
