"""Sequence in, sequence out: Jaeger's timer by a net that learned it and one that did not.

The published size: durations up to 1,000 steps. The LSTM starts, here as in every recipe, from states that
are learned with the weights; the same net from zeros shows what those do.
"""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd
import torch
from torch import Tensor

from longlag.bench.contract import Batch
from longlag.bench.contract.module import RecipeModule
from longlag.bench.contract.seeds import generator
from longlag.reports.gallery.exhibit import Chart, Exhibit
from longlag.reports.gallery.training import Trained, rounded, trained

LAG, BUDGET = 1000, 1e11
VANILLA_BUDGET = 3e11
ON = 0.5
"""The wanted output while the timer runs."""


@torch.no_grad()
def answers(found: Trained, batch: Batch) -> Tensor:
    """The net's outputs [T, B] in units of the wanted one."""
    outputs: Tensor = found.model(batch.inputs, batch.mask)
    return ON * outputs[:, :, 0].sigmoid()


@torch.no_grad()
def from_zeros(found: Trained, batch: Batch) -> Tensor:
    """The same net's outputs [T, B] where its initial states are zero, not learned."""
    model = found.model
    assert isinstance(model, RecipeModule)
    learned = {
        name: part for name, part in model.network.recurrent.named_parameters() if name.startswith("initial")
    }
    before = {name: part.clone() for name, part in learned.items()}
    for part in learned.values():
        part.zero_()
    try:
        return answers(found, batch)
    finally:
        for name, part in learned.items():
            part.copy_(before[name])


def durations(found: Trained, seed: int) -> Batch:
    """One fresh sequence of each of the ten durations, none seen in training."""
    batch = found.task.draw(200, generator(seed, "gallery", "timer"), "test")
    dial = batch.inputs[:, :, 1].amax(0)
    chosen = [int((dial - tenth / 10).abs().argmin()) for tenth in range(1, 11)]
    return Batch(batch.inputs[:, chosen], batch.targets[:, chosen], batch.mask)


def exhibit(seed: int) -> Exhibit:
    """An LSTM that is trained until it solves the timer, and a vanilla net that is given a budget."""
    learned = trained("lstm", "timer:start", LAG, BUDGET, seed)
    not_learned = trained("vanilla", "timer:start", LAG, VANILLA_BUDGET, seed)
    batch = durations(learned, seed)
    wrong = int(learned.task.wrong(learned.model(batch.inputs, batch.mask), batch).sum())
    rows: list[dict[str, Any]] = [
        {
            "start": int(batch.inputs[:, k, 0].argmax()),
            "dial": round(float(batch.inputs[:, k, 1].amax()), 1),
            "wanted": int(batch.targets[:, k, 0].sum()),
            "lstm": rounded(answers(learned, batch)[:, k]),
            "zeros": rounded(from_zeros(learned, batch)[:, k]),
            "vanilla": rounded(answers(not_learned, batch)[:, k]),
        }
        for k in range(batch.size)
    ]
    return Exhibit(
        name="timer",
        title="Sequence in, sequence out",
        story=(
            "A pulse says start, a number says for how long: from then on the output shall be on for up "
            f"to {LAG:,} steps, and then off. Nothing comes in meanwhile; the net itself must keep the "
            f"time. An LSTM learns it ({learned.says}), and of these ten sequences, none of them seen "
            f"before, answers {batch.size - wrong} right to within 1% of the full duration. A tanh net "
            f"trained by plain gradient descent does not ({not_learned.says}). A net also starts "
            "somewhere: the states before the first step are learned with the weights, and from zeros "
            "the same net answers otherwise."
        ),
        where="Both nets are trained when this page is made; the slider chooses among ten sequences.",
        shows=("lstm", "vanilla"),
        figure=_figure(rows),
        data={
            "on": ON,
            "sequences": rows,
            "lstm": f"LSTM: {learned.says}",
            "vanilla": f"tanh net, plain descent: {not_learned.says}",
        },
    )


def _figure(rows: list[dict[str, Any]]) -> Chart:
    chosen = rows[len(rows) // 2]
    count = len(chosen["lstm"])
    wanted = [ON if chosen["start"] <= t < chosen["start"] + chosen["wanted"] else 0.0 for t in range(count)]
    lines = {"wanted": wanted, "LSTM": chosen["lstm"], "tanh net, plain descent": chosen["vanilla"]}
    table = pd.DataFrame(
        {"step": t, "what": what, "output": value}
        for what, line in lines.items()
        for t, value in enumerate(line)
    )
    given = pd.DataFrame(
        {"step": [chosen["start"]], "says": [f"start, for {chosen['dial']:g} of {LAG:,} steps"]}
    )
    colours = alt.Scale(domain=list(lines), range=["#0072B2", "#E69F00", "#767676"])
    outputs = alt.Chart(table).mark_line(strokeWidth=1.6).encode(
        alt.X("step:Q", scale=alt.Scale(nice=False)), alt.Y("output:Q"),
        alt.Color("what:N", title=None, scale=colours),
    )  # fmt: skip
    pulse = alt.Chart(given).mark_rule(strokeDash=[3, 3]).encode(x="step:Q")
    text = alt.Chart(given).mark_text(align="left", dx=5, y=8).encode(x="step:Q", text="says:N")
    return alt.layer(outputs, pulse, text).properties(width=460, height=200)
