"""Compression: what an LSTM that reads a text for the first time pays for each of its bytes.

The text is LongLag's own source, the methods one after another. A predicted byte costs little, a surprise
much: -log2 of the probability that the net gave it. `longlag compress` does this to any file.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
from importlib.resources import files
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from longlag.reports.gallery.compressor import STREAMS, costs
from longlag.reports.gallery.exhibit import Chart, Exhibit

LENGTH, SPAN, PASSAGE = 96_000, 1000, 420
"""Bytes of the text; bytes a point of the curve; bytes of a passage that is shown."""


def text() -> bytes:
    """The first bytes of the methods' source, in the order of their names."""
    folder = files("longlag.methods")
    sources = sorted(
        (each for each in folder.iterdir() if each.name.endswith(".py")), key=lambda each: each.name
    )
    parts = sorted(
        (each for each in (folder / "parts").iterdir() if each.name.endswith(".py")),
        key=lambda each: each.name,
    )
    return b"".join(each.read_bytes() for each in (*sources, *parts))[:LENGTH]


def others(data: bytes) -> dict[str, float]:
    """Bits a byte of the compressors everyone has."""
    made = {"gzip -9": gzip.compress(data, 9), "bzip2 -9": bz2.compress(data, 9), "xz": lzma.compress(data)}
    return {name: 8 * len(packed) / len(data) for name, packed in made.items()}


def exhibit(seed: int) -> Exhibit:  # noqa: ARG001
    """The curve, and two passages byte by byte; nothing is drawn at random but the net's first weights."""
    data = text()
    spent = costs(data)
    length = -(-len(data) // STREAMS)
    # the streams are read side by side: the k-th byte of each is read at step k
    by_step = np.concatenate([spent, np.full(STREAMS * length - len(data), np.nan)]).reshape(STREAMS, length)
    per = SPAN // STREAMS
    curve = [
        {
            "read": int((k + 1) * per * STREAMS),
            "bits": round(float(np.nanmean(by_step[:, k * per : (k + 1) * per])), 3),
        }
        for k in range(length // per)
    ]
    mean, rivals = float(spent.mean()), others(data)
    passages = [
        {
            "label": label,
            "text": data[at : at + PASSAGE].decode("utf-8", "replace"),
            "bits": _by_letter(data, spent, at),
        }
        for label, at in (("first lines, nothing read yet", 0), ("last lines", len(data) - PASSAGE))
    ]
    return Exhibit(
        name="compression",
        title="Where the bits are spent",
        story=(
            "A net that says how probable each next byte is can compress: an arithmetic coder spends as "
            "many bits on a byte as the net is surprised by it. This one has never seen a text before. "
            f"It reads {len(data) // 1000} kB of LongLag's own source, learning as it goes, and pays "
            f"{curve[0]['bits']:.2f} bits a byte at first, {curve[-1]['bits']:.2f} at the end and "
            f"{mean:.2f} over all; gzip, which copies what it has read, pays {rivals['gzip -9']:.2f}. "
            "Surprise is dear where a word begins and cheap where it ends, and what opens must close: "
            "the longer a net can hold on to what it has read, the less it pays."
        ),
        where="Computed when this page is made, by what longlag compress uses, on the project's source.",
        shows=("lstm", "vanilla"),
        figure=_figure(curve, rivals),
        data={"curve": curve, "others": rivals, "mean": mean, "passages": passages},
    )


def _by_letter(data: bytes, spent: np.ndarray[Any, Any], at: int) -> list[float]:
    """Bits of each letter of a passage: of all its bytes, where it has several."""
    letters, found, place = data[at : at + PASSAGE].decode("utf-8", "replace"), [], at
    for letter in letters:
        size = len(letter.encode())
        found.append(round(float(spent[place : place + size].sum()), 2))
        place += size
    return found


def _figure(curve: list[dict[str, Any]], rivals: dict[str, float]) -> Chart:
    line = alt.Chart(pd.DataFrame(curve)).mark_line().encode(
        alt.X("read:Q", title="bytes read", scale=alt.Scale(nice=False)),
        alt.Y("bits:Q", title="bits a byte", scale=alt.Scale(domain=[0, 8])),
    )  # fmt: skip
    table = pd.DataFrame({"what": list(rivals), "bits": list(rivals.values())})
    base = alt.Chart(table).encode(y="bits:Q")
    rules = base.mark_rule(strokeDash=[5, 4]).encode(color=alt.Color("what:N", title="whole text by"))
    chart: Chart = alt.layer(line, rules).properties(width=460, height=220)
    return chart
