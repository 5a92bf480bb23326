"""The memory cell: 4.2 written, kept, read and cleared, by the project's own cell with gates that are set.

Three inputs open and close the gates, a fourth is what the cell would write. A new value is a tanh, so that
4.2 takes five writes of .84; what is read is squashed too. Beside it a plain tanh unit with a weight of one
on itself, which is given the same. Of a change made when writing ends, the product of the keep gates is left
in the cell: a number near one; in the unit, the product of its 1 - h^2.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import atanh
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import torch

from longlag.methods.parts.lstm.cell import BLOCKS, LSTMCell
from longlag.reports.gallery.colours import METHOD
from longlag.reports.gallery.exhibit import ON_A_TASK, Chart, Exhibit, command
from longlag.reports.gallery.inside import inside

COMMAND = command(("lstm", "vanilla"), "adding:ms11", 50, 2e10)
VALUE, WRITES, KEPT = 4.2, 5, 30
OPEN = 12.0
"""A gate's drive where it is open, and its negative where it is shut: sigmoid(12) = .999994."""


def script() -> Iterator[tuple[str, float, bool, bool, bool]]:
    """What is said of every step, the new value's drive, and whether write, keep and read are open."""
    once = atanh(VALUE / WRITES)
    yield "empty", 0.0, False, True, False
    for k in range(WRITES):
        yield f"write {VALUE / WRITES:g}, {k + 1} of {WRITES}", once, True, True, False
    for k in range(KEPT):
        yield f"keep, {k + 1} of {KEPT}; what comes in is not written", (-1) ** k * 0.5, False, True, False
    yield "read", 0.0, False, True, True
    yield "keep", 0.0, False, True, False
    yield "clear: the keep gate shuts", 0.0, False, False, False
    yield "empty", 0.0, False, True, False


def steps() -> list[dict[str, Any]]:
    """One row a step: gates, new value, cell, output; the tanh unit; what is left of a change in either."""
    plan = list(script())
    inputs = np.array(
        [[[new, *((OPEN if on else -OPEN) for on in gates)]] for _, new, *gates in plan], dtype=np.float64
    )
    cell = LSTMCell(4, 1).double()
    with torch.no_grad():
        for block, driver in (("new", 0), ("write", 1), ("keep", 2), ("read", 3)):
            cell.input_blocks()[BLOCKS.index(block)][0, driver] = 1.0
    states, cells, gates = inside(cell, inputs)
    return _rows(plan, states[:, 0, 0], cells[:, 0, 0], gates[:, :, 0, 0])


def _rows(
    plan: list[tuple[str, float, bool, bool, bool]],
    states: np.ndarray[Any, Any],
    cells: np.ndarray[Any, Any],
    gates: np.ndarray[Any, Any],
) -> list[dict[str, Any]]:
    unit = 0.0
    left = {"cell": 1.0, "unit": 1.0}
    rows = []
    for t, (says, new, *_) in enumerate(plan):
        named = {name: float(gates[BLOCKS.index(name), t]) for name in BLOCKS}
        unit = float(np.tanh(unit + (new if named["write"] > 0.5 else 0.0)))
        if t > WRITES:
            left["cell"] *= named["keep"]
            left["unit"] *= 1 - unit * unit
        rows.append(
            {
                "says": says,
                **named,
                "cell": float(cells[t + 1]),
                "out": float(states[t + 1]),
                "unit": unit,
                "cell_derivative": left["cell"],
                "unit_derivative": left["unit"],
            }
        )
    return rows


def exhibit(seed: int) -> Exhibit:  # noqa: ARG001
    """The cell, step by step; nothing is drawn at random."""
    rows = steps()
    read = next(row for row in rows if row["says"] == "read")
    return Exhibit(
        name="cell",
        title="A memory cell, step by step",
        story=(
            "A memory cell adds to itself what its write gate lets in, multiplies itself by its keep "
            f"gate, and shows itself as far as its read gate allows. Here {VALUE:g} is written in "
            f"{WRITES} portions, kept for {KEPT} steps while other things pass by unwritten, read, and "
            "cleared. A change of the written value arrives at the reading as "
            f"{read['cell_derivative']:.4f} of itself in the cell: that is what the gradient flows back "
            "along from step to step. A tanh unit that holds on to itself with a weight of one is given the "
            f"same. It cannot hold {VALUE:g}, and of the change {read['unit_derivative']:.1g} is left in "
            f"it. What the cell shows when it is read is tanh({VALUE:g}), {read['out']:.2f}: so large a "
            "value is held, but a small change of it hardly shows; nets keep smaller ones."
        ),
        where="Computed before, by the project's own LSTM cell, in double precision; step through it.",
        compared=ON_A_TASK,
        command=COMMAND,
        figure=_figure(rows),
        data={"steps": rows},
    )


def _figure(rows: list[dict[str, Any]]) -> Chart:
    table = pd.DataFrame(rows).rename_axis("step").reset_index()
    x = alt.X("step:Q", scale=alt.Scale(domain=[0, len(rows) - 1], nice=False))
    values = table.rename(columns={"cell": "memory cell", "unit": "tanh unit"})
    values = values.melt("step", ["memory cell", "tanh unit"], "what", "value")
    gates = table.melt("step", ["write", "keep", "read"], "gate", "open")
    upper = alt.Chart(values).mark_line(interpolate="step").encode(
        x, alt.Y("value:Q"),
        alt.Color("what:N", title=None, scale=alt.Scale(
            domain=["memory cell", "tanh unit"], range=[METHOD["lstm"], METHOD["vanilla"]])),
    )  # fmt: skip
    lower = alt.Chart(gates).mark_area(interpolate="step", color="#767676").encode(
        x, alt.Y("open:Q", title=None, axis=alt.Axis(values=[0, 1])),
        alt.Row("gate:N", title=None, sort=["write", "keep", "read"]),
    )  # fmt: skip
    chart: Chart = alt.vconcat(
        upper.properties(width=460, height=160), lower.properties(width=460, height=36)
    ).resolve_scale(x="shared")
    return chart
