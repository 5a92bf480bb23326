"""The memory strip: what four nets hold while they wait, and whether the first key can still be read from it.

Temporal order: two keys among distractors, the order of both asked for at the end. At every step a linear
probe, least squares on the states of fresh sequences, reads the first key; how often it is right on others
says whether the net still holds it. In some of them the key has not come yet while the steps last in which it
may come.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from longlag.bench.contract.module import RecipeModule
from longlag.bench.contract.seeds import generator
from longlag.methods.parts.lstm.cell import LSTMCell
from longlag.reports.formats import percent
from longlag.reports.gallery.colours import METHOD, SIGNED
from longlag.reports.gallery.exhibit import AGAIN, Chart, Exhibit, command, together
from longlag.reports.gallery.inside import inside
from longlag.reports.gallery.picture import picture
from longlag.reports.gallery.training import Trained, how_it_went, rounded, trained

TASK, LAG, BUDGET = "temporal_order:ms11", 100, 1e11
METHODS = {
    "vanilla": "tanh net, plain descent",
    "gradient_clipping": "tanh net, clipped descent",
    "lstm": "LSTM, its cells",
    "echo_state": "echo state network",
}
COMMAND = command(METHODS, TASK, LAG, BUDGET)
PROBED, SHOWN_UNITS, RIDGE = 500, 24, 1e-3
X = 4
"""The number of the first key symbol; the other is the next."""


@torch.no_grad()
def held(found: Trained, inputs: Tensor) -> Tensor:
    """What the net carries from step to step, [T, B, H]: cells of an LSTM, states of the others."""
    model = found.model
    if isinstance(model, RecipeModule):
        network = model.network
        layer = network.recurrent
        return (
            _cells(layer, network.shifted(inputs))
            if isinstance(layer, LSTMCell)
            else layer(network.shifted(inputs))
        )
    states: Callable[..., Any] = model.states  # type: ignore[assignment]
    return torch.cat(list(states(inputs, torch.ones(len(inputs), dtype=torch.bool), 0.0)))


def _cells(cell: LSTMCell, inputs: Tensor) -> Tensor:
    _, cells, _ = inside(cell, inputs.contiguous().numpy())
    return torch.from_numpy(cells[1:])


def read(states: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
    """Probes of the first key, [T] shares right and [T, B] readings in [0, 1], from states [T, B, H].

    The first half of the sequences is what the probes are fitted on, the second what they are judged by.
    """
    half = len(keys) // 2
    goal = 2.0 * keys.numpy() - 1
    probe = make_pipeline(StandardScaler(), Ridge(RIDGE))
    right, readings = [], []
    for state in states.double().numpy():
        answer = probe.fit(state[:half], goal[:half]).predict(state)
        right.append(float(((answer[half:] > 0) == (goal[half:] > 0)).mean()))
        readings.append(torch.from_numpy(answer / 2 + 0.5).clamp(0, 1))
    return torch.tensor(right), torch.stack(readings)


def exhibit(seed: int) -> Exhibit:
    """Four nets on one sequence, and their probes."""
    nets = [trained(method, TASK, LAG, BUDGET, seed) for method in METHODS]
    task: Any = nets[0].task
    batch = task.draw(2 * PROBED, generator(seed, "gallery", "strip"), "test")
    symbols = batch.inputs.argmax(2)
    steps = [(symbols[:, k] >= X).nonzero().flatten() for k in range(batch.size)]
    first = torch.stack([symbols[at[0], k] - X for k, at in enumerate(steps)])
    shown = batch.size - 1
    rows = []
    for found, label in zip(nets, METHODS.values(), strict=True):
        states = held(found, batch.inputs)
        right, readings = read(states, first)
        scale = states.abs().amax((0, 1)).clamp(min=1e-12)
        strip = (states[:, shown] / scale)[:, _spread(states.shape[2])]
        rows.append(
            {
                "method": found.method,
                "label": label,
                "says": found.says,
                "strip": rounded(strip.T, 2),
                "right": rounded(right),
                "reading": rounded(readings[:, shown]),
            }
        )
    keys = [int(step) for step in steps[shown]]
    windows = [[int(first), int(last)] for first, last in task.windows]
    return Exhibit(
        name="strip",
        title="What is held, and for how long",
        story=(
            "One sequence of the temporal order task: two keys among distractors, and at the end the net "
            "must say which came first and which second. The first comes somewhere in steps "
            f"{_span(windows[0])}, the second in {_span(windows[1])} (shaded). Each row of a strip is a "
            "number that a net carries from step to step. Below it, how often, over sequences whose keys lie "
            "anywhere in those steps, a linear reading of all numbers tells the first key: by chance before "
            "they begin, better with every sequence whose key has come, and from their end on as well as the "
            f"net holds it. To the last step: {_held(rows)}. At the task itself: {how_it_went(nets)}"
        ),
        where=f"Trained when this page is made; each probe on {PROBED} fresh sequences, judged by as many.",
        compared=AGAIN,
        command=COMMAND,
        figure=_figure(rows, keys, windows),
        data={
            "nets": rows,
            "keys": keys,
            "windows": windows,
            "symbols": ["XY"[int(symbols[step, shown]) - X] for step in keys],
            "shades": SIGNED,
        },
    )


def _span(window: list[int]) -> str:
    """A window [first, one past the last] in words."""
    return f"{window[0]} to {window[1] - 1}"


def _held(rows: list[dict[str, Any]]) -> str:
    """How well the first key can still be read at the end, net by net."""
    return together([f"{row['label']} {percent(row['right'][-1])}" for row in rows])


def _spread(units: int) -> list[int]:
    """At most so many units as are shown, evenly spread."""
    return sorted({round(unit) for unit in np.linspace(0, units - 1, min(units, SHOWN_UNITS))})


def _figure(rows: list[dict[str, Any]], keys: list[int], windows: list[list[int]]) -> Chart:
    marks = pd.DataFrame({"step": [key + 0.5 for key in keys]})
    spans = pd.DataFrame(windows, columns=["from", "to"])
    steps = alt.Scale(domain=[0, len(rows[0]["right"])], nice=False)
    parts: list[Any] = []
    for row in rows:
        last = row is rows[-1]
        image = picture((np.array(row["strip"]) + 1) / 2, (460, 70), SIGNED, "of its largest", (-1, 0, 1))
        shares = pd.DataFrame({"step": [t + 0.5 for t in range(len(row["right"]))], "right": row["right"]})
        x = alt.X("step:Q", title="step; shaded: where the keys lie" if last else None, scale=steps)
        probe = alt.Chart(shares).mark_line(color=METHOD[row["method"]]).encode(
            x, alt.Y("right:Q", title="read right", scale=alt.Scale(domain=[0.4, 1]),
                     axis=alt.Axis(format="%", values=[0.4, 0.6, 0.8, 1])),
        )  # fmt: skip
        shaded = alt.Chart(spans).mark_rect(color="#767676", opacity=0.16).encode(x="from:Q", x2="to:Q")
        rules = alt.Chart(marks).mark_rule(strokeDash=[3, 3]).encode(x="step:Q")
        parts += [
            image.properties(title=f"{row['label']}: {row['says']}"),
            alt.layer(shaded, probe, rules).properties(width=460, height=60),
        ]
    chart: Chart = alt.vconcat(*parts)
    return chart
