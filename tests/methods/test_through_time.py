"""State noise and a horizon for the way back: every cell against its equations written out, in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from longlag import Recurrent
from longlag.methods.parts.cornn.cell import CoRNNCell
from longlag.methods.parts.gru.cell import GRUCell
from longlag.methods.parts.lem.cell import LEMCell
from longlag.methods.parts.lstm.cell import LSTMCell
from longlag.methods.parts.orthogonal.cell import ModReLUCell
from longlag.methods.parts.relu.cell import ReLUCell
from longlag.methods.parts.slstm.cell import SLSTMCell
from longlag.methods.parts.tanh.cell import TanhCell

T, B, D, H = 11, 3, 2, 5
State = tuple[Tensor, ...]
Step = Callable[[Any, Tensor, State], State]
"""(cell, what goes into every gate from outside [G, B, H], what was) -> what is, the state h first."""


def gates_hear(layer: Any, outside: Tensor, state: Tensor) -> list[Tensor]:
    """What goes into every gate, one [B, H] each, where all of them hear one state."""
    return [part + state @ R.T for part, R in zip(outside, layer.recurrent_blocks(), strict=True)]


def tanh(layer: Any, outside: Tensor, was: State) -> State:
    return (torch.tanh(*gates_hear(layer, outside, was[0])),)


def relu(layer: Any, outside: Tensor, was: State) -> State:
    (z,) = gates_hear(layer, outside, was[0])
    return (torch.where(z > 0, z, 0.0),)


def modrelu(layer: Any, outside: Tensor, was: State) -> State:
    # Its bias is inside the nonlinearity, and not in the sum.
    (z,) = gates_hear(layer, outside - layer.bias, was[0])
    return (torch.where(z > 0, (z + layer.bias).clamp(min=0), -(layer.bias - z).clamp(min=0)),)


def lstm(layer: Any, outside: Tensor, was: State) -> State:
    h, c = was
    i, f, g, o = gates_hear(layer, outside, h)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def gru(layer: Any, outside: Tensor, was: State) -> State:
    (h,) = was
    R_r, R_z, R_n = layer.recurrent_blocks()
    r, z = torch.sigmoid(outside[0] + h @ R_r.T), torch.sigmoid(outside[1] + h @ R_z.T)
    return (z * h + (1 - z) * torch.tanh(outside[2] + r * (h @ R_n.T)),)


def lem(layer: Any, outside: Tensor, was: State) -> State:
    y, z = was
    R_p, R_q, R_z, R_y = layer.recurrent_blocks()
    p = layer.span * torch.sigmoid(outside[0] + y @ R_p.T)
    q = layer.span * torch.sigmoid(outside[1] + y @ R_q.T)
    z = (1 - p) * z + p * torch.tanh(outside[2] + y @ R_z.T)
    return (1 - q) * y + q * torch.tanh(outside[3] + z @ R_y.T), z


def cornn(layer: Any, outside: Tensor, was: State) -> State:
    y, z = was
    (dt, gamma, epsilon), (R_y, R_z) = layer.swing, layer.recurrent_blocks()
    z = z + dt * (torch.tanh(outside[0] + y @ R_y.T + z @ R_z.T) - gamma * y - epsilon * z)
    return y + dt * z, z


def slstm(layer: Any, outside: Tensor, was: State) -> State:
    h, c, n = was
    i, f, z, o = gates_hear(layer, outside, h)
    c = torch.sigmoid(f) * c + torch.exp(i) * torch.tanh(z)
    n = torch.sigmoid(f) * n + torch.exp(i)
    return torch.sigmoid(o) * c / n, c, n


CELLS: dict[type[Recurrent], tuple[Step, Callable[[Any], State]]] = {
    TanhCell: (tanh, lambda cell: (cell.initial,)),
    ReLUCell: (relu, lambda cell: (cell.initial,)),
    ModReLUCell: (modrelu, lambda cell: (cell.initial,)),
    LSTMCell: (lstm, lambda cell: (cell.initial, cell.initial_cell)),
    GRUCell: (gru, lambda cell: (cell.initial,)),
    LEMCell: (lem, lambda cell: (cell.initial, cell.initial_memory)),
    CoRNNCell: (cornn, lambda cell: (cell.initial, cell.initial_velocity)),
    SLSTMCell: (slstm, lambda cell: (cell.initial, cell.initial_cell, torch.ones_like(cell.initial))),
}
every = pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.__name__)


def written_out(
    layer: Any, inputs: Tensor, noise: Tensor | None = None, horizon: int | None = None
) -> Tensor:
    """The states [T, B, H], one step after the other; what is carried is cut off where a block begins."""
    step, begin = CELLS[type(layer)]
    length, size, _ = inputs.shape
    was: State = tuple(part.expand(size, -1) for part in begin(layer))
    starts = set() if horizon is None else set(range(length - horizon, 0, -horizon))
    states = []
    for t, u in enumerate(inputs):
        if t in starts:
            was = tuple(part.detach() for part in was)
        outside = torch.stack([
            u @ W.T + b for W, b in zip(layer.input_blocks(), layer.biases(), strict=True)
        ])  # fmt: skip
        was = step(layer, outside if noise is None else outside + noise[:, t], was)
        states.append(was[0])
    return torch.stack(states)


def made(cell: type[Recurrent], units: int = H, seed: int = 1) -> Any:
    torch.manual_seed(seed)
    layer = cell(D, units).double()
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.6)
    return layer


def masked(*steps: int, length: int = T) -> Tensor:
    mask = torch.zeros(length, dtype=torch.bool)
    mask[list(steps)] = True
    return mask


MASKS = {"last": masked(-1), "every": masked(*range(T)), "some": masked(0, 2, 3, 6, 9)}


def found(layer: Any, states: Tensor, back: Callable[[Tensor], Any]) -> list[Tensor]:
    """The states, and the gradients of all weights from errors that differ from number to number."""
    for parameter in layer.parameters():
        parameter.grad = None
    back(torch.linspace(-1, 2, states.numel(), dtype=states.dtype).view(states.shape))
    return [states.detach(), *(parameter.grad.clone() for parameter in layer.parameters())]


def ours(layer: Any, inputs: Tensor, mask: Tensor, **given_: Any) -> list[Tensor]:
    states, back = layer.vjp(inputs, mask, **given_)
    return found(layer, states, back)


def theirs(layer: Any, inputs: Tensor, mask: Tensor, **given_: Any) -> list[Tensor]:
    states = written_out(layer, inputs, **given_)[mask]
    # A weight that no error reaches has a gradient of zero.
    nothing = sum(parameter.sum() * 0 for parameter in layer.parameters())
    return found(layer, states, lambda errors: torch.autograd.backward([states + nothing], [errors]))


@pytest.fixture(params=["compiled", "torch"])
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    from longlag.bench.contract.kernels import KERNELS_VARIABLE, kernels_asked

    monkeypatch.setenv(KERNELS_VARIABLE, request.param)
    kernels_asked.cache_clear()
    yield request.param
    monkeypatch.undo()
    kernels_asked.cache_clear()


@every
@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("which", MASKS)
@pytest.mark.parametrize("horizon", [None, 1, 2, 4, T - 1, T, T + 5])
@pytest.mark.parametrize("noisy", [False, True], ids=["still", "noisy"])
def test_states_and_gradients_are_those_of_the_equations(
    cell: type[Recurrent], which: str, horizon: int | None, noisy: bool
) -> None:
    layer, inputs, mask = made(cell), torch.randn(T, B, D, dtype=torch.float64), MASKS[which]
    noise = torch.randn(len(layer.input_blocks()), T, B, H, dtype=torch.float64) if noisy else None
    mine = ours(layer, inputs, mask, noise=noise, horizon=horizon)
    for one, other in zip(mine, theirs(layer, inputs, mask, noise=noise, horizon=horizon), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11)


@every
@settings(deadline=None, max_examples=20)
@given(
    length=st.integers(1, 40),
    horizon=st.integers(1, 45),
    units=st.integers(1, 20),
    chosen=st.sets(st.integers(0, 39), max_size=6),
)
def test_any_length_horizon_and_mask(
    cell: type[Recurrent], length: int, horizon: int, units: int, chosen: set[int]
) -> None:
    layer, mask = made(cell, units), masked(*(step % length for step in chosen), length=length)
    inputs = torch.randn(length, B, D, dtype=torch.float64)
    mine = ours(layer, inputs, mask, horizon=horizon)
    for one, other in zip(mine, theirs(layer, inputs, mask, horizon=horizon), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-10)


@every
def test_a_horizon_of_the_whole_sequence_changes_no_bit(cell: type[Recurrent]) -> None:
    layer = made(cell).float()
    inputs = torch.randn(T, B, D)
    for mask in MASKS.values():
        plain = ours(layer, inputs, mask)
        for horizon in (T, 10 * T):
            for one, other in zip(ours(layer, inputs, mask, horizon=horizon), plain, strict=True):
                assert torch.equal(one, other)


@every
def test_a_gradient_by_finite_differences_with_the_same_noise(cell: type[Recurrent]) -> None:
    layer, inputs, mask = made(cell), torch.randn(6, 2, D, dtype=torch.float64), masked(2, 5, length=6)
    noise = torch.randn(len(layer.input_blocks()), 6, 2, H, dtype=torch.float64)
    errors = torch.linspace(-1, 2, 2 * 2 * H, dtype=torch.float64).view(2, 2, H)

    def value() -> float:
        return float((layer.vjp(inputs, mask, noise=noise)[0] * errors).sum())

    gradients = ours(layer, inputs, mask, noise=noise)[1:]
    for (name, weight), gradient in zip(layer.named_parameters(), gradients, strict=True):
        flat = weight.data.view(-1)
        for i in range(len(flat)):
            ends = []
            for step in (1e-5, -1e-5):
                flat[i] += step
                ends.append(value())
                flat[i] -= step
            assert float(gradient.view(-1)[i]) == pytest.approx((ends[0] - ends[1]) / 2e-5, abs=1e-6), name


@every
def test_within_a_horizon_no_earlier_step_is_heard_of(cell: type[Recurrent]) -> None:
    """The gradient of an answer at the end is that of the last steps alone, begun where they begin."""
    layer, mask = made(cell), masked(-1)
    inputs = torch.randn(T, B, D, dtype=torch.float64)
    gradients = ours(layer, inputs, mask, horizon=4)[1:]
    for (name, _), gradient in zip(layer.named_parameters(), gradients, strict=True):
        if name.startswith("initial"):
            assert torch.equal(gradient, torch.zeros_like(gradient)), name
        else:
            assert gradient.abs().sum() > 0, name
