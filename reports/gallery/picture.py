"""Numbers as a picture on paper, one colour a number, with what the colours stand for."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any, Literal

import altair as alt
import numpy as np
import pandas as pd
from PIL import Image

from longlag.reports.charts import Layered

Array = np.ndarray[Any, Any]
FINE = 2
"""Pixels for each of a figure's points."""


def picture(
    shares: Array,
    size: tuple[int, int],
    colours: Sequence[str],
    title: str,
    domain: Sequence[float],
    scale: Literal["linear", "sqrt"] = "linear",
) -> Layered:
    """Shares [rows, columns] in [0, 1] of the way along `colours`, on paper as wide and high as `size`.

    The legend says what the colours stand for: numbers from the first of `domain` to its last. All is one
    image, since thousands of rectangles leave seams between them and make a large file.
    """
    wide, high = size
    # each number becomes so many pixels that nothing is blurred
    rows, columns = (-(-FINE * size[1 - side] // count) for side, count in enumerate(shares.shape))
    pixels = blend(colours, shares.repeat(rows, 0).repeat(columns, 1))
    image = alt.Chart(pd.DataFrame({"url": [png(pixels)]})).mark_image(
        width=wide, height=high, aspect=False
    ).encode(url="url:N", x=alt.value(wide / 2), y=alt.value(high / 2))  # fmt: skip
    # draws nothing but the legend
    legend = alt.Chart(pd.DataFrame({"value": [domain[0]]})).mark_point(opacity=0).encode(
        alt.Color("value:Q", title=title, legend=alt.Legend(type="gradient"), scale=alt.Scale(
            type=scale, domain=list(domain), range=list(colours), interpolate="rgb")),
    )  # fmt: skip
    return alt.layer(image, legend).properties(width=wide, height=high)


def blend(colours: Sequence[str], shares: Array) -> Array:
    """Red, green and blue [..., 3] in whole numbers of shares [...] in [0, 1] of the way along `colours`."""
    stops = np.array([[int(colour[k : k + 2], 16) for k in (1, 3, 5)] for colour in colours], dtype=float)
    at = np.linspace(0, 1, len(stops))
    parts = [np.interp(shares, at, stops[:, k]) for k in range(3)]
    return np.stack(parts, axis=-1).round().astype(np.uint8)


def png(pixels: Array) -> str:
    """A picture's address that holds all of it, from red, green and blue [rows, columns, 3]."""
    drawn = io.BytesIO()
    Image.fromarray(pixels).save(drawn, "PNG")
    return "data:image/png;base64," + base64.b64encode(drawn.getvalue()).decode("ascii")
