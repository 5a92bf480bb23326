"""Unrolling: the gradient of the last error with respect to every earlier state.

The net is drawn as it is, and unrolled: a copy a step, all with the same weights. The error's way back
multiplies by W^T diag(1 - h^2) at every copy; a memory cell's by its keep gate. Beside the tanh net stands a
linear one of the same weights, whose way back multiplies by W^T alone: what is between the two is tanh's
slope, 1 - h^2. All other norms are of the project's own cells; that the recurrent weights' gradient is the
sum over its copies is computed, not said.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import altair as alt
import pandas as pd
import torch
from torch import Tensor

from longlag.methods.parts.lstm import gates
from longlag.methods.parts.lstm.cell import LSTMCell
from longlag.methods.parts.tanh.tanh_core import Tape, tanh_recurrence
from longlag.reports.formats import number
from longlag.reports.gallery.colours import METHOD
from longlag.reports.gallery.exhibit import ON_A_TASK, Chart, Exhibit, command

COMMAND = command(("vanilla", "careful_init", "lstm"), "temporal_order:ms11", 50, 2e10)
STEPS, UNITS, INPUTS, SEQUENCES = 100, 50, 2, 20
RADII = [round(0.5 + 0.05 * k, 2) for k in range(21)]
_LEAST = 1e-300
_SEEN = [1e-12, 1e18]
"""The least and the most that is drawn of a gradient."""
_ON_PAPER, _LINEAR = (0.5, 1.0, 1.5), "#222222"
"""The radii of the figure, and the colour of the net that is nobody's."""
_POWERS = alt.Axis(format=".0e", tickCount=7, labelExpr="replace(datum.label, '+', '')")
_DASHES = [[8, 4], [1, 0], [2, 3]]


@dataclass(frozen=True)
class Way:
    """What is left of an error's gradient on its way back through a net of one spectral radius."""

    radius: float
    tanh: list[float]
    """|dE/dh_(T-k)| / |dE/dh_T| of a tanh net for k = 0 ... STEPS, as a mean over sequences."""
    linear: list[float]
    """The same of a linear net of the same weights."""
    slope: float
    """The mean of tanh's slope, 1 - h^2, over units, steps and sequences."""


def way(radius: float, seed: int) -> Way:
    """The way back through a tanh net, and through the linear net of the same weights."""
    tape = Tape()
    weights, inputs, wanted = _net(radius, seed)
    into, recurrent, bias, initial = weights
    states = tanh_recurrence(inputs, into, recurrent, bias, initial, tape=tape)
    torch.autograd.backward((states[-1] * wanted).sum())
    assert tape.state_gradients is not None
    norms = tape.state_gradients.norm(dim=2).mean(1).flip(0)
    reached, linear = wanted, [wanted.norm()]
    with torch.no_grad():
        for _ in range(STEPS):
            reached = recurrent.T @ reached
            linear.append(reached.norm())
        slope = float((1 - states**2).mean())
    return Way(radius, _shares(norms), _shares(torch.stack(linear)), slope)


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
    ways = [way(radius, seed) for radius in RADII]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        spread = gates.chrono(UNITS, float(STEPS))
    cells = {
        "LSTM, keep gates open half": lstm_norms(torch.zeros(UNITS), seed),
        "LSTM, keep bias 3": lstm_norms(torch.full((UNITS,), 3.0), seed),
        f"LSTM, time scales up to {STEPS} steps": lstm_norms(spread, seed),
    }
    whole, apart = copies_add_up(seed)
    return Exhibit(
        name="unrolling",
        title="Unrolling in time",
        story=(
            f"A recurrent net that runs for {STEPS + 1} steps is a feed-forward net of {STEPS + 1} layers, "
            "all with the same weights. What the last error says of an early state has come back through "
            "all copies between, and each has multiplied it, by the weights and by tanh's slope: by less "
            "than one, and it vanishes, by more, and it explodes. A linear net has no slope, and its factor "
            f"is the spectral radius of the recurrent weights: {_told(ways[0])}; {_told(ways[-1])}. In the "
            "tanh net the slope, which is one only where a unit is at zero, comes on top: it makes what "
            "vanishes vanish sooner, and where large weights drive the units far from zero, it is what keeps "
            "the gradient down. A memory cell multiplies by its keep gate instead, which can stand at nearly "
            "one."
        ),
        where="Computed before, with the project's own cells in double precision; the slider chooses.",
        compared=ON_A_TASK,
        command=COMMAND,
        figure=_figure(ways, cells),
        data={
            "distances": list(range(STEPS + 1)),
            "ways": [asdict(each) for each in ways],
            "lstm": [{"label": label, "norms": norms} for label, norms in cells.items()],
            "check": (
                f"Checked here: the recurrent weights' gradient (norm {whole:.4g}) and the sum of what its "
                f"{STEPS + 1} copies give differ by {apart:.1g}."
            ),
        },
    )


def _told(found: Way) -> str:
    return (
        f"at {found.radius:g}, {number(found.linear[-1])} of the gradient is left {STEPS} steps back, and in "
        f"the tanh net {number(found.tanh[-1])}, its mean slope {found.slope:.2f}"
    )


def _figure(ways: list[Way], cells: dict[str, list[float]]) -> Chart:
    some = [each for each in ways if each.radius in _ON_PAPER]
    # how each net is drawn: what it is, the colour, the dashes
    looks = [(f"tanh, radius {each.radius:g}", each.tanh, METHOD["vanilla"]) for each in some]
    looks += [(f"linear, radius {each.radius:g}", each.linear, _LINEAR) for each in some]
    looks += [(label, norms, METHOD["lstm"]) for label, norms in cells.items()]
    names = [name for name, _, _ in looks]
    rows = pd.DataFrame(
        {"net": net, "steps back": k, "gradient": norm}
        for net, norms, _ in looks
        for k, norm in enumerate(norms)
        if _SEEN[0] / 10 <= norm
    )
    dashes = [_DASHES[k % len(some)] for k in range(2 * len(some))] + _DASHES[: len(cells)]
    chart: Chart = (
        alt.Chart(rows)
        .mark_line(clip=True)
        .encode(
            alt.X("steps back:Q", scale=alt.Scale(domain=[0, STEPS], nice=False)),
            alt.Y("gradient:Q", title="gradient, of the last state's",
                  scale=alt.Scale(type="log", domain=_SEEN), axis=_POWERS),
            alt.Color("net:N", title=None, sort=names, legend=alt.Legend(symbolSize=600, labelLimit=240),
                      scale=alt.Scale(domain=names, range=[colour for _, _, colour in looks])),
            alt.StrokeDash("net:N", title=None, sort=names, scale=alt.Scale(domain=names, range=dashes)),
        )
        .properties(width=460, height=320)
    )  # fmt: skip
    return chart
