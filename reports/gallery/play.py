"""Play the adding task: values and marks go by, and at the end the two marked ones are to be averaged.

The same sequences are answered by trained nets beside the reader.
"""

from __future__ import annotations

import altair as alt
import pandas as pd
import torch

from longlag.bench.contract import Batch
from longlag.bench.contract.seeds import generator
from longlag.reports.formats import number
from longlag.reports.gallery.colours import METHOD
from longlag.reports.gallery.exhibit import AGAIN, Chart, Exhibit, command
from longlag.reports.gallery.training import how_it_went, rounded, trained
from longlag.tasks.adding import TOLERANCE

TASK, LAG, BUDGET, SEQUENCES = "adding:ms11", 20, 2e10, 12
METHODS = ("vanilla", "careful_init", "lstm", "echo_state")
COMMAND = command(METHODS, TASK, LAG, BUDGET)
_WIDE = 300


def exhibit(seed: int) -> Exhibit:
    """A dozen sequences, and what four nets answer."""
    nets = [trained(method, TASK, LAG, BUDGET, seed) for method in METHODS]
    batch = as_shown(nets[0].task.draw(SEQUENCES, generator(seed, "gallery", "play"), "test"))
    with torch.no_grad():
        outputs = {net.method: net.model(batch.inputs, batch.mask) for net in nets}
    right = {net.method: SEQUENCES - int(net.task.wrong(outputs[net.method], batch).sum()) for net in nets}
    return Exhibit(
        name="play",
        title="Play it yourself",
        story=(
            f"Values between 0 and 1 go by, {LAG} or a few more. Two are marked. When the last is gone, "
            f"give the mean of the two; an answer counts as right within {TOLERANCE:g}. That is the adding "
            f"task. The nets were trained on other sequences, each with {number(BUDGET)} FLOPs and its "
            f"first recipe: {how_it_went(nets)} They see each of these once, as you do."
        ),
        where="The nets are trained when this page is made; what you answer stays in the page.",
        compared=AGAIN,
        command=COMMAND,
        figure=_figure({net.method: (right[net.method], net.says) for net in nets}),
        data={
            "tolerance": TOLERANCE,
            "values": rounded(batch.inputs[:, :, 0].T, 2),
            "marks": batch.inputs[:, :, 1].T.int().tolist(),
            "wanted": rounded(batch.targets[0, :, 0]),
            "answers": {method: rounded(given[0, :, 0]) for method, given in outputs.items()},
            "says": {net.method: net.says for net in nets},
        },
    )


def as_shown(batch: Batch) -> Batch:
    """The batch with its values rounded to the two digits that a reader sees, and their exact means."""
    values, marks = (100 * batch.inputs[:, :, 0]).round() / 100, batch.inputs[:, :, 1]
    means = (values * marks).sum(0) / 2
    return Batch(torch.stack([values, marks], 2), means.view_as(batch.targets), batch.mask)


def _figure(right: dict[str, tuple[int, str]]) -> Chart:
    rows = pd.DataFrame(
        {"method": name, "right": count, "says": f"{count} right; {says}"}
        for name, (count, says) in right.items()
    )
    base = alt.Chart(rows).encode(alt.Y("method:N", title=None, sort=list(right)))
    bars = base.mark_bar().encode(
        alt.X("right:Q", title=f"right, of {SEQUENCES}", scale=alt.Scale(domain=[0, SEQUENCES])),
        alt.Color(
            "method:N", legend=None, scale=alt.Scale(domain=list(right), range=[METHOD[m] for m in right])
        ),
    )
    # beside the bars, so that a short one is told of too
    told = base.mark_text(align="left", x=_WIDE + 8).encode(text="says:N")
    return alt.layer(bars, told).properties(width=_WIDE, height=130)
