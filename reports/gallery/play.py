"""Play the adding task: values and marks go by, and at the end the two marked ones are to be averaged.

The same sequences are answered by trained nets beside the reader.
"""

from __future__ import annotations

import altair as alt
import pandas as pd
import torch

from longlag.bench.contract.seeds import generator
from longlag.reports.gallery.exhibit import Chart, Exhibit
from longlag.reports.gallery.training import rounded, trained
from longlag.tasks.adding import TOLERANCE

TASK, LAG, BUDGET, SEQUENCES = "adding:ms11", 20, 2e10, 12
METHODS = ("vanilla", "careful_init", "lstm", "echo_state")


def exhibit(seed: int) -> Exhibit:
    """A dozen sequences, and what four nets answer."""
    nets = [trained(method, TASK, LAG, BUDGET, seed) for method in METHODS]
    batch = nets[0].task.draw(SEQUENCES, generator(seed, "gallery", "play"), "test")
    with torch.no_grad():
        answers = {net.method: rounded(net.model(batch.inputs, batch.mask)[0, :, 0]) for net in nets}
    right = {
        net.method: int(SEQUENCES - net.task.wrong(net.model(batch.inputs, batch.mask), batch).sum())
        for net in nets
    }
    return Exhibit(
        name="play",
        title="Play it yourself",
        story=(
            f"Values between 0 and 1 go by, {LAG} or a few more. Two are marked. When the last is gone, "
            f"give the mean of the two; an answer counts as right within {TOLERANCE:g}. That is the "
            "adding task, at a lag that every remedy bridges. The nets were trained on other sequences and "
            "see each of these once, as you do."
        ),
        where="The nets are trained when this page is made; what you answer stays in the page.",
        shows=METHODS,
        figure=_figure({net.method: (right[net.method], net.says) for net in nets}),
        data={
            "tolerance": TOLERANCE,
            "values": rounded(batch.inputs[:, :, 0].T, 2),
            "marks": batch.inputs[:, :, 1].T.int().tolist(),
            "wanted": rounded(batch.targets[0, :, 0], 4),
            "answers": answers,
            "says": {net.method: net.says for net in nets},
        },
    )


def _figure(right: dict[str, tuple[int, str]]) -> Chart:
    rows = pd.DataFrame(
        {"method": name, "right": count, "says": says} for name, (count, says) in right.items()
    )
    base = alt.Chart(rows).encode(alt.Y("method:N", title=None, sort=list(right)))
    bars = base.mark_bar(color="#0072B2").encode(
        alt.X("right:Q", title=f"right, of {SEQUENCES}", scale=alt.Scale(domain=[0, SEQUENCES]))
    )
    return alt.layer(bars, base.mark_text(align="left", x=4, color="white").encode(text="says:N")).properties(
        width=460, height=130
    )
