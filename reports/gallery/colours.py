"""The colours of the gallery: a method's are those of every report; and what stands for a number.

The page gets them from here, by name and as data of its exhibits, so that a figure and the page agree.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np

from longlag.reports.palette import KNOWN, looks

Array = np.ndarray[Any, Any]

METHOD = {name: look.colour for name, look in looks(KNOWN).items()}
"""A method's colour."""
COMPRESSORS = {"gzip": "#E69F00", "bzip2": "#44AA99", "xz": "#999933"}
"""Those of what is no method and stands beside one."""
LETTERS = ["#e24947", "#0c9c82", "#bc55c4", "#848f02", "#4c7df7", "#c9690c",
           "#0698a4", "#d8488c", "#11a22f", "#9167ea", "#a87f09", "#0891c9"]  # fmt: skip
"""Of the first letter of a word, of the next that is another, and so on: hues far apart and equally light,
so that they show on a light and on a dark page."""
SIGNED = ["#2166ac", "#f7f7f7", "#b2182b"]
"""From the least to the greatest of numbers of either sign, nothing in the middle."""
DEPTH = ["#ffffff", "#e3bd80"]
"""From the least to the greatest of numbers that are none below zero."""


def blend(colours: Sequence[str], shares: Array) -> Array:
    """Red, green and blue [..., 3] in whole numbers of shares [...] in [0, 1] of the way along `colours`."""
    stops = np.array([[int(colour[k : k + 2], 16) for k in (1, 3, 5)] for colour in colours], dtype=float)
    at = np.linspace(0, 1, len(stops))
    parts = [np.interp(shares, at, stops[:, k]) for k in range(3)]
    return np.stack(parts, axis=-1).round().astype(np.uint8)


def signed() -> alt.Scale:
    """The scale of numbers in [-1, 1] on paper."""
    return alt.Scale(domain=[-1, 0, 1], range=SIGNED, interpolate="rgb")


def png(pixels: Array) -> str:
    """A picture's address that holds all of it, from red, green and blue [rows, columns, 3] (RFC 2083)."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    high, wide, _ = pixels.shape
    lines = b"".join(b"\x00" + line.tobytes() for line in pixels)
    whole = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(lines, 9))
        + chunk(b"IEND", b"")
    )
    return "data:image/png;base64," + base64.b64encode(whole).decode("ascii")
