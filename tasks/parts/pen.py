"""A pen that writes words: joined or not, and each time a little differently; and its way as a net reads it.

A word is written as strokes, positions [n, 2] in x-heights, y downwards. What a net reads is [T, 3]: how far
the pen moved, dx and dy in units of STEP, and 1 where it moved through the air. A stroke is followed at
points about one STEP apart; a move through the air is one step, however far it goes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from longlag.tasks.parts.glyphs import Glyph, Points

STEP = 0.25
"""How far apart the points of a stroke are, in x-heights."""


@dataclass(frozen=True)
class Hand:
    """How one word is written. Zeros: as the font has it."""

    slant: float = 0.0
    """Tangent of the angle by which it leans."""
    turn: float = 0.0
    """Radians by which the line rises."""
    scale: float = 1.0
    stretch: float = 1.0
    """How much wider than high."""
    gap: float = 0.0
    """Between letters, beside what the font leaves."""
    joining: float = 1.0
    """The share of letters that the pen goes on to without being lifted."""
    late_marks: bool = False
    """Whether dots and bars are set when the word's end is reached."""
    wander: float = 0.0
    """How far letters are from where they belong, and from their size."""
    sway: float = 0.0
    """How far a slow wave, of a few letters' length, bends what is written."""
    curl: float = 0.0
    """How far the line has left its direction ten x-heights on; no training shows it."""
    growth: float = 0.0
    """The logarithm of how much larger letters are ten x-heights on; no training shows it."""
    tremor: float = 0.0
    """Standard deviation of each point."""
    pace: float = 1.0
    """The distance of points over STEP: the pen's speed."""
    haste: float = 0.0
    """By what share the speed changes on the way."""


def drawn_hand(generator: np.random.Generator, strength: float = 1.0, odd: bool = False) -> Hand:
    """A hand drawn at random; `strength` 1 is what training shows, and no training shows an `odd` one."""
    g, s = generator, strength
    return Hand(
        slant=g.normal(0, 0.18 * s),
        turn=g.normal(0, 0.05 * s),
        scale=float(np.exp(g.normal(0, 0.2 * s))),
        stretch=float(np.exp(g.normal(0, 0.15 * s))),
        gap=g.uniform(-0.08, 0.3) * s,
        joining=float(g.choice([0.0, 1.0, g.uniform()])),
        late_marks=bool(g.uniform() < 0.5),
        wander=g.uniform(0, 0.08) * s,
        sway=g.uniform(0, 0.1) * s,
        curl=g.choice([-1.0, 1.0]) * g.uniform(0.5, 1.5) if odd else 0.0,
        growth=g.choice([-1.0, 1.0]) * g.uniform(0.2, 0.6) if odd else 0.0,
        tremor=g.uniform(0, 0.03) * s,
        pace=float(np.exp(g.normal(0, 0.12 * s))),
        haste=g.uniform(0, 0.3) * s,
    )


def write(word: str, font: Mapping[str, Glyph], hand: Hand, generator: np.random.Generator) -> list[Points]:
    """A word's strokes, in the order in which they are drawn."""
    strokes: list[Points] = []
    late: list[Points] = []
    at, down = 0.0, False
    for letter in word:
        glyph = font[letter]
        size = float(np.exp(generator.normal(0, hand.wander)))
        place = np.array([at, 0.0]) + generator.normal(0, hand.wander, 2)
        body, marks = ([size * stroke + place for stroke in part] for part in (glyph.body, glyph.marks))
        if down:
            strokes[-1] = np.concatenate([strokes[-1], body[0]])
            body = body[1:]
        strokes += body
        down = generator.uniform() < hand.joining
        if hand.late_marks:
            late += marks
        elif marks:
            strokes += marks
            down = False
        at += size * glyph.width + hand.gap
    phases = generator.uniform(0, 2 * np.pi, 4)
    return [_bent(stroke, hand, phases) for stroke in strokes + late]


def _bent(stroke: Points, hand: Hand, phases: Points) -> Points:
    """A stroke under the slow wave, slanted, stretched, scaled and turned."""
    along = stroke[:, 0] / 10
    x, y = stroke[:, 0], stroke[:, 1] * np.exp(hand.growth * along) + hand.curl * along**2
    x = x + hand.sway * (np.sin(1.1 * x + phases[0]) + np.sin(2.3 * y + phases[1]))
    y = y + hand.sway * (np.sin(0.9 * x + phases[2]) + np.sin(1.9 * y + phases[3]))
    x = hand.stretch * (x - hand.slant * y)
    cos, sin = np.cos(hand.turn), np.sin(hand.turn)
    bent: Points = hand.scale * np.stack([cos * x + sin * y, cos * y - sin * x], 1)
    return bent


def followed(
    strokes: Sequence[Points], hand: Hand | None = None, generator: np.random.Generator | None = None
) -> Points:
    """The pen's way [T, 3] along strokes: dx and dy in units of STEP, and 1 for a move through the air.

    With a hand (and a generator) the points lie as its speed and tremor have it; without one they are evenly
    spread. The first point is where the way begins, so that n points make n - 1 steps; no stroke, none.
    """
    points, up = [], []
    for stroke in strokes:
        found = _spread(stroke, hand, generator)
        points.append(found)
        up += [1.0] + [0.0] * (len(found) - 1)
    if not points:
        return np.zeros((0, 3))
    way = np.concatenate(points)
    if hand is not None and generator is not None:
        way = way + generator.normal(0, hand.tremor, way.shape)
    return np.column_stack([np.diff(way, axis=0) / STEP, up[1:]])


def _spread(stroke: Points, hand: Hand | None, generator: np.random.Generator | None) -> Points:
    """Points along a stroke, about STEP apart; its ends are two of them."""
    far = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(stroke, axis=0).T))])
    apart = STEP if hand is None else STEP * hand.pace
    count = max(1, round(far[-1] / apart))
    places = np.linspace(0, far[-1], count + 1)
    if hand is not None and generator is not None and hand.haste and far[-1] > 0:
        # slower and faster again, every other x-height
        waves = generator.uniform(0, 2 * np.pi, 2)
        speed = 1 + hand.haste * np.sin(3 * places[:-1] + waves[0]) * np.sin(1.3 * places[:-1] + waves[1])
        places = np.concatenate([[0.0], np.cumsum(speed)]) * (far[-1] / speed.sum())
    return np.column_stack([np.interp(places, far, stroke[:, k]) for k in (0, 1)])
