"""Compression: what an LSTM that reads a text for the first time pays for each of its bytes.

The text is LongLag's own source, the methods one after another. A predicted byte costs little, a surprise
much: -log2 of the probability that the net gave it. `longlag compress` does this to any file.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
from importlib.resources import files
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from longlag.reports.gallery.colours import COMPRESSORS, METHOD
from longlag.reports.gallery.compressor import STREAMS, costs
from longlag.reports.gallery.exhibit import Chart, Exhibit

COMMAND = "longlag compress FILE"
LENGTH, SPAN, PASSAGE = 96_000, 1000, 420
"""Bytes of the text; bytes a point of the curve; bytes of a passage that is shown."""
_LATELY = 20
"""Points of the curve that are its end."""
_DEAR = 10
"""Bits from which on a letter is drawn as the dearest."""
_OURS = "LSTM, as it reads"
_DASHES = [[8, 4], [2, 3], [14, 3, 3, 3]]


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
    late = float(np.mean([point["bits"] for point in curve[-_LATELY:]]))
    first, final = at_words(data, spent)
    ends = (("first lines, nothing read yet", 0, curve[0]), ("last lines", len(data) - PASSAGE, curve[-1]))
    passages = [
        {
            "label": f"{label}: {float(spent[at : at + PASSAGE].mean()):.2f} bits a byte in these {PASSAGE}, "
            f"{point['bits']:.2f} in the {SPAN:,} read then in all {STREAMS} places",
            "text": data[at : at + PASSAGE].decode("utf-8", "replace"),
            "bits": _by_letter(data, spent, at),
        }
        for label, at, point in ends
    ]
    return Exhibit(
        name="compression",
        title="Where the bits are spent",
        story=(
            "A net that says how probable each next byte is can compress: an arithmetic coder spends as "
            "many bits on a byte as the net is surprised by it. This one has never seen a text before. "
            f"It reads {len(data) // 1000} kB of LongLag's own source, in {STREAMS} places side by side, "
            f"learning as it goes, and pays {curve[0]['bits']:.2f} bits a byte for the first {SPAN:,} that "
            f"it reads, {late:.2f} for the last {_LATELY * SPAN:,}, up and down with what is read, and "
            f"{mean:.2f} over all; gzip, which copies what it has read, pays {rivals['gzip -9']:.2f}. "
            f"{_against(mean, late, rivals['gzip -9'])} "
            f"A word's first letter costs {first:.2f} bits in the mean, its last {final:.2f}: surprise is a "
            "matter of what has been read, and of how much of it a net can hold on to."
        ),
        where="Computed when this page is made, by what longlag compress uses, on the project's source.",
        compared="To see it on a file of yours:",
        command=COMMAND,
        figure=_figure(curve, rivals),
        data={"curve": curve, "others": rivals, "mean": mean, "passages": passages, "dear": _DEAR},
    )


def _against(mean: float, late: float, gzip_s: float) -> str:
    """Who is the shorter on this text, and why that depends on its length."""
    if mean < gzip_s:
        return "So the net is the shorter here."
    last = f"the last {_LATELY * SPAN:,} bytes cost the net"
    end = f"and even {last} more" if late >= gzip_s else f"though {last} less"
    return (
        f"So gzip is the shorter here, {end}: it has to learn all it knows first, which is paid once, and "
        "weighs the less the longer the text is."
    )


def at_words(data: bytes, spent: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Mean bits of the first and of the last letters of words of two letters and more, ASCII's alone."""
    words = list(re.finditer(rb"[A-Za-z]{2,}", data))
    first = spent[[word.start() for word in words]].mean()
    return float(first), float(spent[[word.end() - 1 for word in words]].mean())


def _by_letter(data: bytes, spent: np.ndarray[Any, Any], at: int) -> list[float]:
    """Bits of each letter of a passage: of all its bytes, where it has several."""
    letters, found, place = data[at : at + PASSAGE].decode("utf-8", "replace"), [], at
    for letter in letters:
        size = len(letter.encode())
        found.append(round(float(spent[place : place + size].sum()), 2))
        place += size
    return found


def _figure(curve: list[dict[str, Any]], rivals: dict[str, float]) -> Chart:
    table = pd.DataFrame([{"what": _OURS, **point} for point in curve])
    flat = pd.DataFrame(
        {"what": name, "read": read, "bits": bits}
        for name, bits in rivals.items()
        for read in (0, curve[-1]["read"])
    )
    names = [_OURS, *rivals]
    own = [METHOD["lstm"], *(COMPRESSORS[name.split()[0]] for name in rivals)]
    chart: Chart = alt.Chart(pd.concat([table, flat])).mark_line().encode(
        alt.X("read:Q", title="bytes read", scale=alt.Scale(nice=False)),
        alt.Y("bits:Q", title="bits a byte", scale=alt.Scale(domain=[0, 8])),
        alt.Color("what:N", title=None, sort=names, scale=alt.Scale(domain=names, range=own)),
        alt.StrokeDash("what:N", title=None, sort=names,
                       scale=alt.Scale(domain=names, range=[[1, 0], *_DASHES])),
    ).properties(width=460, height=220)  # fmt: skip
    return chart
