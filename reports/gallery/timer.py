"""Sequence in, sequence out: Jaeger's timer by a net that learned it and one that did not.

The published size: durations up to 1,000 steps. The LSTM starts, here as in every recipe, from states that
are learned with the weights; the same net from zeros shows what those do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import altair as alt
import pandas as pd
import torch
from torch import Tensor

from longlag.bench.contract import Batch
from longlag.bench.contract.module import RecipeModule
from longlag.bench.contract.seeds import generator
from longlag.reports.formats import number
from longlag.reports.gallery.colours import METHOD, TIMER
from longlag.reports.gallery.exhibit import AGAIN, Chart, Exhibit, command
from longlag.reports.gallery.training import Trained, rounded, trained

TASK, LAG, BUDGET = "timer:start", 1000, 3e11
METHODS = ("lstm", "vanilla")
COMMAND = command(METHODS, TASK, LAG, BUDGET)
ON = 0.5
"""The wanted output while the timer runs."""
NAMES = {"lstm": "LSTM", "vanilla": "Tanh net, plain descent"}


@torch.no_grad()
def answers(found: Trained, batch: Batch) -> Tensor:
    """The net's outputs [T, B] in units of the wanted one."""
    outputs: Tensor = found.model(batch.inputs, batch.mask)
    return ON * outputs[:, :, 0].sigmoid()


@contextmanager
def from_zeros(found: Trained) -> Iterator[None]:
    """Within it, the net starts from states that are zero, not from those it learned."""
    model = found.model
    assert isinstance(model, RecipeModule)
    learned = {
        name: part for name, part in model.network.recurrent.named_parameters() if name.startswith("initial")
    }
    before = {name: part.detach().clone() for name, part in learned.items()}
    with torch.no_grad():
        for part in learned.values():
            part.zero_()
    try:
        yield
    finally:
        with torch.no_grad():
            for name, part in learned.items():
                part.copy_(before[name])


@torch.no_grad()
def right(found: Trained, batch: Batch) -> int:
    """How many sequences it answers right."""
    return batch.size - int(found.task.wrong(found.model(batch.inputs, batch.mask), batch).sum())


def durations(found: Trained, seed: int) -> Batch:
    """One fresh sequence of each of the ten durations, none seen in training."""
    batch = found.task.draw(200, generator(seed, "gallery", "timer"), "test")
    dial = batch.inputs[:, :, 1].amax(0)
    chosen = [int((dial - tenth / 10).abs().argmin()) for tenth in range(1, 11)]
    return Batch(batch.inputs[:, chosen], batch.targets[:, chosen], batch.mask)


def exhibit(seed: int) -> Exhibit:
    """An LSTM that is trained until it solves the timer, and a vanilla net that is given a budget."""
    lstm, vanilla = (trained(method, TASK, LAG, BUDGET, seed) for method in METHODS)
    batch = durations(lstm, seed)
    learned, unlearned = answers(lstm, batch), answers(vanilla, batch)
    with from_zeros(lstm):
        zeros, zeros_right = answers(lstm, batch), right(lstm, batch)
    rows: list[dict[str, Any]] = [
        {
            "start": int(batch.inputs[:, k, 0].argmax()),
            "dial": round(float(batch.inputs[:, k, 1].amax()), 1),
            "wanted": int(batch.targets[:, k, 0].sum()),
            "lstm": rounded(learned[:, k]),
            "zeros": rounded(zeros[:, k]),
            "vanilla": rounded(unlearned[:, k]),
        }
        for k in range(batch.size)
    ]
    return Exhibit(
        name="timer",
        title="Sequence in, sequence out",
        story=(
            "A pulse says start, a number says for how long: from then on the output shall be on, which is "
            f"to say {ON:g}, for up to {LAG:,} steps, and then off, 0. Nothing comes in meanwhile; the net "
            f"itself must keep the time. Two nets had {number(BUDGET)} FLOPs at most. "
            f"{_answered(lstm, batch)} {_answered(vanilla, batch)} Right is within 1% of the full duration. "
            "A net also starts somewhere: the states before the first step are learned with the weights, and "
            f"from zeros the same LSTM answers {zeros_right} right."
        ),
        where="Both nets are trained when this page is made; the slider chooses among ten sequences.",
        compared=AGAIN,
        command=COMMAND,
        figure=_figure(rows),
        data={
            "on": ON,
            "sequences": rows,
            "lstm": f"LSTM: {lstm.says}",
            "vanilla": f"tanh net, plain descent: {vanilla.says}",
        },
    )


def _answered(found: Trained, batch: Batch) -> str:
    """How a net's training went, and how many of the sequences shown it answers right."""
    return (
        f"{NAMES[found.method]}: {found.says}; of these {batch.size} sequences, none of them seen before, it "
        f"answers {right(found, batch)} right."
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
    colours = alt.Scale(domain=list(lines), range=[*TIMER.values(), METHOD["vanilla"]])
    outputs = alt.Chart(table).mark_line(strokeWidth=1.6).encode(
        alt.X("step:Q", scale=alt.Scale(nice=False)), alt.Y("output:Q", title=f"output; on is {ON:g}"),
        alt.Color("what:N", title=None, scale=colours),
    )  # fmt: skip
    pulse = alt.Chart(given).mark_rule(strokeDash=[3, 3]).encode(x="step:Q")
    text = alt.Chart(given).mark_text(align="left", dx=5, y=8).encode(x="step:Q", text="says:N")
    return alt.layer(outputs, pulse, text).properties(width=460, height=200)
