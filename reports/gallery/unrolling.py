"""Unrolling: the gradient of the last error with respect to every earlier state.

The net is drawn as it is, and unrolled: a copy a step, all with the same weights. The error's way back
multiplies by W^T diag(1 - h^2) at every copy; a memory cell's by its keep gate. All norms are of the
project's own cells; that the recurrent weights' gradient is the sum over its copies is computed, not said.
"""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd
import torch
from torch import Tensor

from longlag.methods.parts.lstm import gates
from longlag.methods.parts.lstm.cell import LSTMCell
from longlag.methods.parts.tanh.tanh_core import Tape, tanh_recurrence
from longlag.reports.gallery.exhibit import Chart, Exhibit

STEPS, UNITS, INPUTS, SEQUENCES = 100, 50, 2, 20
RADII = [round(0.5 + 0.05 * k, 2) for k in range(21)]
_LEAST = 1e-300


def tanh_norms(radius: float, seed: int) -> list[float]:
    """|dE/dh_(T-k)| / |dE/dh_T| of a tanh net for k = 0 ... STEPS, as a mean over sequences."""
    tape = Tape()
    weights, inputs, wanted = _net(radius, seed)
    into, recurrent, bias, initial = weights
    states = tanh_recurrence(inputs, into, recurrent, bias, initial, tape=tape)
    torch.autograd.backward((states[-1] * wanted).sum())
    assert tape.state_gradients is not None
    norms = tape.state_gradients.norm(dim=2).mean(1).flip(0)
    return _shares(norms)


def copies_add_up(seed: int) -> tuple[float, float]:
    """The norm of the recurrent weights' gradient, and how far the sum over its copies is from it."""
    tape = Tape()
    weights, inputs, wanted = _net(1.0, seed)
    into, recurrent, bias, initial = weights
    states = tanh_recurrence(inputs, into, recurrent, bias, initial, tape=tape)
    torch.autograd.backward((states[-1] * wanted).sum())
    assert tape.deltas is not None
    assert tape.states is not None
    copies = [delta.T @ before for delta, before in zip(tape.deltas, tape.states, strict=False)]
    whole = weights[1].grad
    assert whole is not None
    return float(whole.norm()), float((sum(copies[1:], copies[0]) - whole).norm())


def lstm_norms(keep: Tensor, seed: int) -> list[float]:
    """|dE/dc_(T-k)| / |dE/dc_T|, k = 0 ... STEPS, of memory cells with keep-gate biases `keep` [H]."""
    generator = torch.Generator().manual_seed(seed)
    cell = LSTMCell(INPUTS, UNITS, keep, -keep).double()
    with torch.no_grad():
        for weight in (cell.input_weight, cell.recurrent_weight):
            weight.copy_(
                (2 * torch.rand(weight.shape, generator=generator, dtype=torch.float64) - 1) / UNITS**0.5
            )
    inputs = torch.randn(STEPS + 1, SEQUENCES, INPUTS, generator=generator, dtype=torch.float64)
    wanted = torch.randn(UNITS, generator=generator, dtype=torch.float64)
    found = torch.zeros(STEPS + 1, dtype=torch.float64)
    for sequence in range(SEQUENCES):
        state, kept = torch.zeros(UNITS, dtype=torch.float64), torch.zeros(UNITS, dtype=torch.float64)
        cells = []
        for given in inputs[:, sequence]:
            state, kept = _step(cell, given, state, kept)
            kept.retain_grad()
            cells.append(kept)
        torch.autograd.backward((state * wanted).sum())
        found += torch.stack([each.grad.norm() for each in reversed(cells) if each.grad is not None])
    return _shares(found)


def _step(cell: LSTMCell, given: Tensor, state: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
    """One step of `cell`'s equations for one sequence, which leaves the cells in autograd's sight."""
    drive = cell.input_weight @ given + cell.recurrent_weight @ state + cell.bias
    write, keep, new, read = torch.split(drive, UNITS)
    kept = keep.sigmoid() * kept + write.sigmoid() * new.tanh()
    return read.sigmoid() * kept.tanh(), kept


def _net(radius: float, seed: int) -> tuple[list[Tensor], Tensor, Tensor]:
    """Weights of a tanh net, the recurrent ones of this spectral radius; inputs; an error's gradient."""
    generator = torch.Generator().manual_seed(seed)
    into = 0.1 * torch.randn(UNITS, INPUTS, generator=generator, dtype=torch.float64)
    recurrent = torch.randn(UNITS, UNITS, generator=generator, dtype=torch.float64)
    recurrent *= radius / torch.linalg.eigvals(recurrent).abs().max()
    nothing = torch.zeros(UNITS, dtype=torch.float64)
    weights = [part.requires_grad_() for part in (into, recurrent, nothing, nothing.clone())]
    inputs = torch.randn(STEPS + 1, SEQUENCES, INPUTS, generator=generator, dtype=torch.float64)
    return weights, inputs, torch.randn(UNITS, generator=generator, dtype=torch.float64)


def _shares(norms: Tensor) -> list[float]:
    return [max(float(norm), _LEAST) for norm in norms / norms[0]]


def exhibit(seed: int) -> Exhibit:
    """The norms of tanh nets of all radii, and of three ways to begin a memory cell."""
    tanh = [tanh_norms(radius, seed) for radius in RADII]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        spread = gates.chrono(UNITS, float(STEPS))
    cells: list[dict[str, Any]] = [
        {"label": "LSTM, keep gates open half", "norms": lstm_norms(torch.zeros(UNITS), seed)},
        {"label": "LSTM, keep bias 3", "norms": lstm_norms(torch.full((UNITS,), 3.0), seed)},
        {"label": "LSTM, time scales up to 100 steps", "norms": lstm_norms(spread, seed)},
    ]
    whole, apart = copies_add_up(seed)
    return Exhibit(
        name="unrolling",
        title="Unrolling in time",
        story=(
            "A recurrent net that runs for a hundred steps is a feed-forward net of a hundred layers, "
            "all with the same weights. What the last error says of an early state has come back through "
            "all copies between, and each has multiplied it: by less than one, and it vanishes, by more, "
            "and it explodes. The spectral radius of the recurrent weights sets the factor; there is one "
            "value at which it neither shrinks nor grows, and training does not stay there. A memory "
            "cell multiplies by its keep gate instead, which can stand at nearly one."
        ),
        where="Computed before, with the project's own cells in double precision; the slider chooses.",
        shows=("vanilla", "careful_init", "lstm"),
        figure=_figure(tanh, cells),
        data={
            "radii": RADII,
            "distances": list(range(STEPS + 1)),
            "tanh": tanh,
            "lstm": cells,
            "check": (
                f"Checked here: the recurrent weights' gradient (norm {whole:.4g}) and the sum of what its "
                f"{STEPS + 1} copies give differ by {apart:.1g}."
            ),
        },
    )


def _figure(tanh: list[list[float]], cells: list[dict[str, Any]]) -> Chart:
    shown = {f"tanh, radius {RADII[k]:g}": tanh[k] for k in (0, 8, 10, 12, 20)}
    shown |= {each["label"]: each["norms"] for each in cells}
    rows = pd.DataFrame(
        {"net": net, "steps back": k, "gradient": norm}
        for net, norms in shown.items()
        for k, norm in enumerate(norms)
    )
    chart: Chart = (
        alt.Chart(rows)
        .mark_line(clip=True)
        .encode(
            alt.X("steps back:Q", scale=alt.Scale(domain=[0, STEPS], nice=False)),
            alt.Y("gradient:Q", title="gradient, of the last state's",
                  scale=alt.Scale(type="log", domain=[1e-12, 1e6], clamp=True), axis=alt.Axis(format=".0e")),
            alt.Color("net:N", title=None, sort=list(shown)),
            alt.StrokeDash("net:N", title=None, sort=list(shown)),
        )
        .properties(width=460, height=280)
    )  # fmt: skip
    return chart
