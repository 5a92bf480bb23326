"""Data on its way onto a page: JSON, compressed, as text that stands safely inside a `<script>` element."""

from __future__ import annotations

import base64
import gzip
import json
import math
from typing import Any

import numpy as np
import pandas as pd

DIGITS = 5
"""Significant digits of the numbers on a page; files beside it have all."""


def packed(value: Any) -> str:
    """A value of JSON as gzip in base64: page.js unpacks it."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    # No time in it: the same page is the same bytes. Level 6 takes a third of the time of 9.
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=6, mtime=0)).decode("ascii")


def plain(value: Any) -> Any:
    """A value as JSON has it, a number to `DIGITS` digits; what is not finite becomes null."""
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value


def numbers(values: pd.Series[Any], digits: int = DIGITS) -> list[float | None]:
    """A column of numbers to so many significant digits, whole ones as integers; null where not finite."""
    known = values.to_numpy(dtype=float, na_value=math.nan)
    finite = np.isfinite(known)
    sizes = np.abs(np.where(finite & (known != 0), known, 1.0))
    places = digits - 1 - np.floor(np.log10(sizes)).astype(int)
    # Powers of ten are exact up to 1e22, and so is a whole number of few digits: their quotient or product is
    # the double nearest to the decimal, which JSON then writes in as few digits.
    up, down = (10.0 ** np.clip(signed, 0, 22) for signed in (places, -places))
    rounded = np.round(np.where(finite, known, 0.0) * up / down) * down / up
    far = np.abs(places) > 22
    rounded[far] = [float(f"{value:.{digits}g}") for value in known[far].tolist()]
    found = rounded.astype(object)
    whole = (np.abs(rounded) < 2.0**53) & (rounded == np.trunc(rounded))
    found[whole] = rounded[whole].astype(np.int64).astype(object)
    found[~finite] = None
    return list(found)


def coded(values: pd.Series[Any]) -> dict[str, Any]:
    """A column of strings as its distinct values, in the order they come, and their numbers."""
    codes, distinct = pd.factorize(values.fillna("").astype(str))
    return {"values": [str(each) for each in distinct], "codes": codes.tolist()}
