"""The cliff: the error surface of one unit, and what three ways of descent do at its wall.

One unit without an input, x_t = w sigma(x_(t-1)) + b, begins at x_0 = .5, and shall end at
sigma(x_50) = .7 (Pascanu, Mikolov & Bengio 2013, figure 6). Where a small change of w or b decides to which
of two fixed points x runs, the error has a wall, and its gradient grows by w sigma'(x) at every step.

The page computes all of it again, by `cliff.js`, which is held against the functions here.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from math import exp, hypot

import altair as alt
import numpy as np
import pandas as pd

from longlag.reports.gallery.exhibit import Chart, Exhibit

WEIGHTS, BIASES = (3.0, 7.0), (-4.0, -1.0)
START, RATE, THRESHOLD, DAMPING, UPDATES = (4.75, -2.0), 1.0, 0.1, 0.1, 60
_CELLS = (80, 60)

Point = tuple[float, float]


@dataclass(frozen=True)
class Unit:
    """The unit: from `first`, after `steps`, sigma(x) shall be `target`."""

    steps: int = 50
    target: float = 0.7
    first: float = 0.5


@dataclass(frozen=True)
class Error:
    """E = (sigma(x_T) - target)^2; sigma(x_T) - target; and the gradients of both in (w, b)."""

    error: float
    off: float
    gradient: Point
    slope: Point


def error(unit: Unit, w: float, b: float) -> Error:
    """The error and its gradient, by forward sensitivities."""
    x, by_w, by_b = unit.first, 0.0, 0.0
    for _ in range(unit.steps):
        s = _sigma(x)
        slope = w * s * (1 - s)
        by_w, by_b = s + slope * by_w, 1 + slope * by_b
        x = w * s + b
    y = _sigma(x)
    off, bend = y - unit.target, y * (1 - y)
    gradient = (2 * off * bend * by_w, 2 * off * bend * by_b)
    return Error(off * off, off, gradient, (bend * by_w, bend * by_b))


def _sigma(x: float) -> float:
    return 1 / (1 + exp(-x))


def descent(unit: Unit, start: Point, rate: float, threshold: float | None, updates: int) -> list[Point]:
    """The way of gradient descent, the gradient's norm bounded by `threshold` (None: by nothing)."""
    w, b = start
    path = [(w, b)]
    for _ in range(updates):
        gw, gb = error(unit, w, b).gradient
        norm = hypot(gw, gb)
        if threshold is not None and norm > threshold:
            gw, gb = gw * threshold / norm, gb * threshold / norm
        w, b = w - rate * gw, b - rate * gb
        path.append((w, b))
    return path


def second_order(unit: Unit, start: Point, damping: float, updates: int) -> list[Point]:
    """The way of damped Gauss-Newton steps, the damping by Martens' rule (2010); none that is worse is taken.

    In two dimensions the system is solved at once, where Hessian-free would take conjugate gradients.
    """
    w, b = start
    path = [(w, b)]
    for _ in range(updates):
        now = error(unit, w, b)
        (gw, gb), (sw, sb) = now.gradient, now.slope
        a, c, d = 2 * sw * sw + damping, 2 * sw * sb, 2 * sb * sb + damping
        det = a * d - c * c
        dw, db = -(d * gw - c * gb) / det, -(a * gb - c * gw) / det
        bent = sw * dw + sb * db
        promised = gw * dw + gb * db + bent * bent
        after = error(unit, w + dw, b + db).error
        ratio = (after - now.error) / promised
        if ratio < 0.25:
            damping *= 1.5
        elif ratio > 0.75:
            damping /= 1.5
        if after < now.error:
            w, b = w + dw, b + db
        path.append((w, b))
    return path


def exhibit(seed: int) -> Exhibit:  # noqa: ARG001
    """The surface, and three ways from one start; nothing is drawn at random."""
    unit = Unit()
    return Exhibit(
        name="cliff",
        title="The cliff",
        story=(
            "One unit, fed by nothing but itself for fifty steps, shall end at 0.7. Its two numbers, "
            "weight and bias, span an error surface with a valley that runs into a wall: on either side "
            "of the wall the unit ends at different fixed points, so that a hair's breadth decides. On "
            "the wall the gradient is as long as the wall is steep, and a step in proportion to it "
            "throws plain descent out of the picture. Clipping keeps the direction and bounds the "
            "length. A second-order step asks how far the gradient can be trusted and stays in the "
            "valley. Drag the start along the foot of the wall and see."
        ),
        where="All computed here, in the page, in double precision, as you drag.",
        shows=("gradient_clipping", "hessian_free", "vanilla"),
        figure=_figure(unit),
        data={
            "unit": asdict(unit),
            "axes": {
                "x": {"from": WEIGHTS[0], "to": WEIGHTS[1], "label": "weight w"},
                "y": {"from": BIASES[0], "to": BIASES[1], "label": "bias b"},
            },
            "start": START,
            "rate": RATE,
            "threshold": THRESHOLD,
            "damping": DAMPING,
            "updates": UPDATES,
        },
    )


def _figure(unit: Unit) -> Chart:
    across, up = (
        np.linspace(*span, count + 1) for span, count in zip((WEIGHTS, BIASES), _CELLS, strict=True)
    )
    surface = pd.DataFrame(
        {
            "w": w0, "w2": w1, "b": b0, "b2": b1,
            "error": error(unit, (w0 + w1) / 2, (b0 + b1) / 2).error,
        }
        for w0, w1 in pairwise(across)
        for b0, b1 in pairwise(up)
    )  # fmt: skip
    ways = {
        "plain descent": descent(unit, START, RATE, None, UPDATES),
        "clipped": descent(unit, START, RATE, THRESHOLD, UPDATES),
        "Hessian-free": second_order(unit, START, DAMPING, UPDATES),
    }
    paths = pd.DataFrame(
        {"way": way, "update": k, "w": w, "b": b}
        for way, path in ways.items()
        for k, (w, b) in enumerate(path)
    )
    colours = alt.Scale(domain=list(ways), range=["#D55E00", "#E69F00", "#009E73"])
    x = alt.X("w:Q", title="weight w", scale=alt.Scale(domain=WEIGHTS, nice=False))
    y = alt.Y("b:Q", title="bias b", scale=alt.Scale(domain=BIASES, nice=False))
    heat = alt.Chart(surface).mark_rect(strokeWidth=0).encode(
        x, y, x2="w2", y2="b2",
        color=alt.Color("error:Q", title="error", scale=alt.Scale(type="sqrt", scheme="blues", reverse=True)),
    )  # fmt: skip
    lines = alt.Chart(paths).mark_line(clip=True, point=alt.OverlayMarkDef(size=12)).encode(
        x, y, order="update:Q",
        stroke=alt.Stroke("way:N", title=None, scale=colours),
    )  # fmt: skip
    return alt.layer(heat, lines).properties(width=460, height=320)
