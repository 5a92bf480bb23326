"""Handwriting: two layers of memory cells read pen strokes, letter by letter, and what they look at for each.

The rows are those of Graves et al. 2009: the letters as they are recognised, the memory cells, the writing so
far, and the gradient of the most active letter with respect to the inputs. The net is the one whose weights
ship (`reader_training.py` made them); the page computes all of it from the same weights.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import torch

from longlag.reports.formats import percent
from longlag.reports.gallery.colours import LETTERS, METHOD, SIGNED
from longlag.reports.gallery.exhibit import ON_A_TASK, Chart, Exhibit, command
from longlag.reports.gallery.picture import picture
from longlag.reports.gallery.reader import Reader, best_path, label_error_rate, load
from longlag.reports.gallery.reader_inside import cells, gradient, logits, peaks, resets
from longlag.reports.gallery.reader_training import ASKED, Written, error_rate, questions
from longlag.reports.gallery.training import rounded
from longlag.tasks.parts.glyphs import SCRIPT, Points, glyphs
from longlag.tasks.parts.pen import STEP
from longlag.tasks.parts.words import ALPHABET

COMMAND = command(("lstm", "vanilla"), "handwriting:script", 20, 1e11)
SHOWN = 6
"""Words that the page brings along."""
_ASIDES = {"held-out font": " (a script whose stems are drawn twice)"}
_LOOKED_INTO = 60
"""Words on which the cells are watched."""
_UNITS_ON_PAPER = 12
"""Cells of each direction on the figure."""


def exhibit(seed: int, data: Path | None = None) -> Exhibit:
    """How well it reads, and a few words of which it was shown none; `data`: lines of IAM-OnDB, read too."""
    reader = load()
    asked = questions(seed, ASKED)
    rates = {kind: error_rate(reader, those) for kind, those in asked.items()}
    lines = ""
    if data is not None:
        rates["IAM-OnDB"], lines = _lines(reader, data)
    shown = [those[k] for k in range(SHOWN // 3) for those in asked.values()]
    cleared = resets(reader, asked["held-out words"][:_LOOKED_INTO])
    told = ", ".join(f"{percent(rate)} on {kind}{_ASIDES.get(kind, '')}" for kind, rate in rates.items())
    return Exhibit(
        name="handwriting",
        title="Reading what a pen writes",
        story=(
            "A pen's steps go in, one after the other: how far to the side, how far down, whether it was "
            "lifted. Nobody says where a letter begins. Two layers of memory cells, one reading ahead and "
            "one back, say at every step how probable each letter is, and how probable that there is none. "
            "What a letter was seen by lies around the step at which it is told, as far as the gradient "
            "reaches. From the step before a letter is told to the step after it the mean size of the cells "
            f"that read ahead goes from {cleared.before:.1f} to {cleared.after:.1f}: what it was told by is "
            f"{'partly' if cleared.after < cleared.before else 'not'} cleared for the next. Their mean keep "
            f"gate is {cleared.kept:.2f} then and {cleared.elsewhere:.2f} elsewhere. "
            f"Letters wrong, put in or left out, of {ASKED:,} words of each kind: {told}. {lines}"
        ),
        where=(
            "The net was trained before and its weights ship; the rates are computed when this page is "
            "made, all else in the page, by the same weights."
        ),
        compared=ON_A_TASK,
        command=COMMAND,
        scripts=("handwriting_net", "handwriting_pad"),
        figure=_figure(reader, _clearest(reader, asked["held-out words"])),
        data={
            "alphabet": ALPHABET,
            "step": STEP,
            "hues": LETTERS,
            "shades": SIGNED,
            "shapes": [[name, list(value.shape)] for name, value in reader.state_dict().items()],
            "weights": _packed(reader),
            "glyphs": _glyphs(),
            "words": [{"word": each.word, "steps": np.round(each.way, 2).tolist()} for each in shown],
        },
    )


def _lines(reader: Reader, folder: Path) -> tuple[float, str]:
    """The label error rate on a folder's lines, and what was left out of them."""
    from longlag.reports.gallery.iam import read_lines

    found = read_lines(folder)
    rate = label_error_rate(
        reader.read([line.way for line in found.lines]), [line.text for line in found.lines]
    )
    return rate, f"IAM-OnDB: {found.says()}."


def _packed(reader: Reader) -> str:
    """All weights in the order of their names in the reader, as little-endian float32 in base64."""
    parts = [value.numpy().astype("<f4").ravel() for value in reader.state_dict().values()]
    return base64.b64encode(np.concatenate(parts).tobytes()).decode("ascii")


def _glyphs() -> dict[str, dict[str, Any]]:
    """The script font, for words that are typed."""

    def plain(strokes: tuple[Points, ...]) -> list[Any]:
        return [np.round(stroke, 3).tolist() for stroke in strokes]

    return {
        letter: {"body": plain(glyph.body), "marks": plain(glyph.marks), "width": round(glyph.width, 3)}
        for letter, glyph in glyphs(SCRIPT).items()
    }


def _clearest(reader: Reader, asked: list[Written]) -> Written:
    """The first word of five to seven letters that is read right; else the first."""
    for each in asked:
        if 5 <= len(each.word) <= 7 and reader.read([each.way]) == [each.word]:
            return each
    return asked[0]


def _figure(reader: Reader, shown: Written) -> Chart:
    """The four rows on paper, the gradient that of the letter in the middle."""
    steps = torch.tensor(shown.way, dtype=torch.float32)
    with torch.no_grad():
        probabilities = logits(reader, steps).softmax(1)
    told = peaks(probabilities)
    x = alt.X("step:Q", scale=alt.Scale(domain=[0, len(steps)], nice=False), title=None)
    letters = list(dict.fromkeys(letter for letter, _ in told))
    hues = alt.Scale(domain=letters, range=LETTERS[: len(letters)])
    rows = pd.DataFrame(
        {
            "step": t + 0.5,
            "letter": letter,
            "probability": round(float(probabilities[t, ALPHABET.index(letter)]), 4),
        }
        for letter in letters
        for t in range(len(steps))
    )
    lines = (
        alt.Chart(rows)
        .mark_line()
        .encode(x, alt.Y("probability:Q"), alt.Color("letter:N", legend=None, scale=hues))
    )
    names = alt.Chart(pd.DataFrame({"step": t + 0.5, "letter": letter} for letter, t in told)).mark_text(
        dy=-10, fontSize=13
    )
    parts: list[Any] = [
        alt.layer(lines, names.encode(x, y=alt.datum(1), text="letter:N")).properties(width=460, height=90),
        *_cell_rows(reader, shown.way),
        _writing(shown.way),
    ]
    if told:
        letter, at = told[len(told) // 2]
        size = gradient(reader, shown.way, at, ALPHABET.index(letter)).norm(dim=1)
        table = pd.DataFrame({"step": np.arange(len(size)) + 0.5, "gradient": rounded(size)})
        area = alt.Chart(table).mark_area(color=METHOD["lstm"]).encode(
            alt.X("step:Q", scale=alt.Scale(domain=[0, len(steps)], nice=False)),
            alt.Y("gradient:Q", title=f"gradient of {letter}"),
        )  # fmt: skip
        rule = alt.Chart(pd.DataFrame({"step": [at + 0.5]})).mark_rule().encode(x="step:Q")
        parts.append(alt.layer(area, rule).properties(width=460, height=80))
    title = f"read as {best_path(probabilities.argmax(1).numpy())!r}"
    chart: Chart = alt.vconcat(*parts, title=title).resolve_scale(
        color="independent", strokeDash="independent"
    )
    return chart


def _cell_rows(reader: Reader, way: Points) -> tuple[Chart, Chart]:
    """Some cells over the steps, and the mean size of all of either layer."""
    held, _ = cells(reader, way)
    some = np.linspace(0, held.shape[1] - 1, 2 * _UNITS_ON_PAPER).round().astype(int)
    strip = held[:, some] / held[:, some].abs().amax(0).clamp(min=1e-9)
    image = picture((strip.T.numpy() + 1) / 2, (460, 110), SIGNED, "of its largest", (-1, 0, 1))
    sizes = pd.DataFrame(
        {"step": t + 0.5, "cells": label, "mean size": round(float(part[t].abs().mean()), 3)}
        for label, part in zip(("reading ahead", "reading back"), held.chunk(2, 1), strict=True)
        for t in range(len(held))
    )
    mean = alt.Chart(sizes).mark_line(color=METHOD["lstm"]).encode(
        alt.X("step:Q", scale=alt.Scale(domain=[0, len(held)], nice=False), title=None),
        alt.Y("mean size:Q"),
        alt.StrokeDash("cells:N", title=None, legend=alt.Legend(orient="top", symbolSize=600)),
    )  # fmt: skip
    return image, mean.properties(width=460, height=70)


def _writing(way: Points) -> Chart:
    places = STEP * np.concatenate([np.zeros((1, 2)), np.cumsum(way[:, :2], 0)])
    strokes = np.concatenate([[0.0], np.cumsum(way[:, 2])])
    table = pd.DataFrame(
        {
            "x": np.round(places[:, 0], 3),
            "y": np.round(places[:, 1], 3),
            "stroke": strokes,
            "order": np.arange(len(places)),
        }
    )
    wide, high = (float(np.ptp(places[:, k])) + 1e-9 for k in (0, 1))
    drawn = alt.Chart(table).mark_line(color="black", strokeWidth=1.5).encode(
        alt.X("x:Q", axis=None, scale=alt.Scale(zero=False)),
        alt.Y("y:Q", axis=None, scale=alt.Scale(zero=False, reverse=True)),
        alt.Detail("stroke:N"), alt.Order("order:Q"),
    )  # fmt: skip
    chart: Chart = drawn.properties(width=460, height=min(140, 460 * high / wide))
    return chart
