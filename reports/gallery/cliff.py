"""The cliff: the error surface of one unit, and what three ways of descent do at its wall.

One unit without an input, x_t = w sigma(x_(t-1)) + b, begins at x_0 = .5, and shall end at
sigma(x_50) = .7 (Pascanu, Mikolov & Bengio 2013, figure 6). Where a small change of w or b decides to which
of two fixed points x runs, the error has a wall, and its gradient grows by w sigma'(x) at every step.

The page computes all of it again, by `cliff.js`, which is held against the functions here.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import exp, hypot, nan

import altair as alt
import numpy as np
import pandas as pd
from scipy.special import expit

from longlag.reports.formats import number
from longlag.reports.gallery.colours import DEPTH, METHOD
from longlag.reports.gallery.exhibit import ON_A_TASK, Chart, Exhibit, command, together
from longlag.reports.gallery.picture import FINE, Array, picture

COMMAND = command(("vanilla", "gradient_clipping", "hessian_free"), "temporal_order:ms11", 50, 2e10)
WEIGHTS, BIASES = (3.0, 7.0), (-4.0, -1.0)
START, RATE, THRESHOLD, DAMPING, UPDATES = (4.75, -2.0), 1.0, 0.1, 0.1, 60
_STARTS = 12
"""Starts each way that the picture is covered with, to count how the three ways end."""
_SIZE = (460, 320)
_TOP = 0.5
"""The error that is drawn as the highest."""
NAMES = {"vanilla": "plain descent", "gradient_clipping": "clipped descent", "hessian_free": "second order"}
"""The ways, by the method that each stands for."""

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
    # a way thrown far out would overflow
    return 1 / (1 + exp(min(-x, 700)))


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
        # on a plain so flat that nothing is promised, nothing is learned of the damping
        ratio = (after - now.error) / promised if promised else nan
        if ratio < 0.25:
            damping *= 1.5
        elif ratio > 0.75:
            damping /= 1.5
        if after < now.error:
            w, b = w + dw, b + db
        path.append((w, b))
    return path


Ways = dict[str, list[Point]]


def ways(unit: Unit, start: Point) -> Ways:
    """Three ways from one start, by the method that each stands for."""
    return {
        "vanilla": descent(unit, start, RATE, None, UPDATES),
        "gradient_clipping": descent(unit, start, RATE, THRESHOLD, UPDATES),
        "hessian_free": second_order(unit, start, DAMPING, UPDATES),
    }


def inside(point: Point) -> bool:
    """Whether it lies in the picture."""
    return WEIGHTS[0] <= point[0] <= WEIGHTS[1] and BIASES[0] <= point[1] <= BIASES[1]


def exhibit(seed: int) -> Exhibit:  # noqa: ARG001
    """The surface, and three ways from one start; nothing is drawn at random."""
    unit = Unit()
    shown = ways(unit, START)
    return Exhibit(
        name="cliff",
        title="The cliff",
        story=(
            f"One unit, fed by nothing but itself for {unit.steps} steps, shall end at {unit.target:g}. Its "
            "two numbers, weight and bias, span an error surface with a valley that runs into a wall: on "
            "either side of the wall the unit ends at different fixed points, so that a hair's breadth "
            "decides. On the wall the gradient is as long as the wall is steep, and plain descent steps in "
            "proportion to it. Clipping keeps the direction and bounds the length. A second-order step, as "
            "Hessian-free takes it, asks how far the gradient can be trusted. "
            f"{from_the_start(unit, shown)} "
            f"{from_everywhere(unit)} Drag the start and see."
        ),
        where="All computed here, in the page, in double precision, as you drag.",
        compared=ON_A_TASK,
        command=COMMAND,
        figure=_figure(unit, shown),
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
            "names": NAMES,
            "depth": DEPTH,
            "top": _TOP,
        },
    )


def from_the_start(unit: Unit, shown: Ways) -> str:
    """What the three ways come to from the start that the page opens with."""
    ends = [
        f"{NAMES[method]} {'' if inside(way[-1]) else 'leaves the picture and '}ends at an error of "
        f"{number(error(unit, *way[-1]).error)}"
        for method, way in shown.items()
    ]
    w, b = START
    return f"From weight {w:g} and bias {b:g}, {UPDATES} updates: {together(ends)}."


def from_everywhere(unit: Unit) -> str:
    """How the three ways end from starts all over the picture: no way is the best from all of them."""
    grid = [
        (float(w), float(b))
        for w in np.linspace(*WEIGHTS, 2 * _STARTS + 1)[1::2]
        for b in np.linspace(*BIASES, 2 * _STARTS + 1)[1::2]
    ]
    left, lowest = dict.fromkeys(NAMES, 0), dict.fromkeys(NAMES, 0)
    for start in grid:
        found = ways(unit, start)
        ends = {method: error(unit, *way[-1]).error for method, way in found.items()}
        for method, way in found.items():
            left[method] += not inside(way[-1])
            # where nothing is clipped, two ways are the same
            lowest[method] += ends[method] <= min(ends.values())
    outs = together([f"{NAMES[method]} from {count}" for method, count in left.items()])
    firsts = together([f"{NAMES[method]} from {count}" for method, count in lowest.items()])
    return (
        f"Of {len(grid)} starts, evenly spread over the picture, the picture is left by {outs}; an error as "
        f"low as any of the three is reached by {firsts}."
    )


def _figure(unit: Unit, shown: Ways) -> Chart:
    paths = pd.DataFrame(
        {"way": NAMES[method], "update": k, "w": w, "b": b}
        for method, path in shown.items()
        for k, (w, b) in enumerate(path)
    )
    colours = alt.Scale(domain=list(NAMES.values()), range=[METHOD[method] for method in NAMES])
    x = alt.X("w:Q", title="weight w", scale=alt.Scale(domain=WEIGHTS, nice=False))
    y = alt.Y("b:Q", title="bias b", scale=alt.Scale(domain=BIASES, nice=False))
    surface = picture(heights(unit), _SIZE, DEPTH, "error", (0, _TOP), "sqrt")
    lines = alt.Chart(paths).mark_line(clip=True).encode(
        x, y, order="update:Q", stroke=alt.Stroke("way:N", title=None, scale=colours),
    )  # fmt: skip
    dots = alt.Chart(paths).mark_circle(clip=True, size=14, opacity=1).encode(
        x, y, fill=alt.Fill("way:N", title=None, scale=colours)
    )  # fmt: skip
    chart: Chart = alt.layer(surface, lines, dots)
    return chart


def heights(unit: Unit) -> Array:
    """How high the error is drawn at each pixel of the figure, as on the page: its root, of the highest's."""
    wide, high = (FINE * count for count in _SIZE)
    w = np.linspace(*WEIGHTS, 2 * wide + 1)[1::2]
    b = np.linspace(*BIASES, 2 * high + 1)[::-1][1::2, None]
    x = np.full((high, wide), unit.first)
    for _ in range(unit.steps):
        x = w * expit(x) + b
    return np.sqrt(np.minimum(1, (expit(x) - unit.target) ** 2 / _TOP))
