"""Recurrences with compiled passes against torch's layers or their equations written out, in float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from longlag.methods.parts.cornn.cell import CORNN
from longlag.methods.parts.gru.cell import GRU
from longlag.methods.parts.lem.cell import LEM
from longlag.methods.parts.orthogonal.cell import MODRELU
from longlag.methods.parts.recurrence import Recurrence
from longlag.methods.parts.relu.cell import RELU
from longlag.methods.parts.slstm.cell import SLSTM

TOLERANCE = {torch.float32: 2e-6, torch.float64: 1e-10}
SHAPES = [(30, 7, 3, 20), (100, 20, 4, 8), (12, 5, 40, 16), (9, 130, 2, 33), (1, 1, 1, 1)]


def relu_by_torch(inputs: Tensor, into: Tensor, within: Tensor, bias: Tensor, initial: Tensor) -> Tensor:
    layer = nn.RNN(inputs.shape[-1], len(bias), nonlinearity="relu", dtype=inputs.dtype)
    weights = {
        "weight_ih_l0": into,
        "weight_hh_l0": within,
        "bias_ih_l0": bias,
        "bias_hh_l0": torch.zeros_like(bias),
    }
    start = initial.expand(1, inputs.shape[1], -1).contiguous()
    return torch.func.functional_call(layer, weights, (inputs, start))[0]  # type: ignore[no-any-return]


def gru_by_torch(inputs: Tensor, into: Tensor, within: Tensor, bias: Tensor, initial: Tensor) -> Tensor:
    layer = nn.GRU(inputs.shape[-1], len(initial), dtype=inputs.dtype)
    weights = {
        "weight_ih_l0": into,
        "weight_hh_l0": within,
        "bias_ih_l0": bias,
        "bias_hh_l0": torch.zeros_like(bias),
    }
    start = initial.expand(1, inputs.shape[1], -1).contiguous()
    return torch.func.functional_call(layer, weights, (inputs, start))[0]  # type: ignore[no-any-return]


def lem_written_out(
    inputs: Tensor,
    into: Tensor,
    within: Tensor,
    bias: Tensor,
    span: Tensor,
    initial_memory: Tensor,
    initial: Tensor,
) -> Tensor:
    """Rusch et al. 2022, equation 3, one product at a time."""
    W, R, b = (whole.chunk(4) for whole in (into, within, bias))
    z, y, states = initial_memory, initial, []
    for u in inputs:
        p, q = (span / (1 + torch.exp(-(u @ W[g].T + y @ R[g].T + b[g]))) for g in (0, 1))
        z = (1 - p) * z + p * torch.tanh(u @ W[2].T + y @ R[2].T + b[2])
        y = (1 - q) * y + q * torch.tanh(u @ W[3].T + z @ R[3].T + b[3])
        states.append(y)
    return torch.stack(states)


def cornn_written_out(
    inputs: Tensor,
    into: Tensor,
    within: Tensor,
    bias: Tensor,
    swing: Tensor,
    initial_velocity: Tensor,
    initial: Tensor,
) -> Tensor:
    """Rusch & Mishra 2021, equation 3, with the damping of the velocity before."""
    (dt, gamma, epsilon), (by_state, by_velocity) = swing, within.chunk(2)
    z, y, states = initial_velocity, initial, []
    for u in inputs:
        pull = torch.tanh(y @ by_state.T + z @ by_velocity.T + u @ into.T + bias)
        z, before = z + dt * pull - dt * gamma * y - dt * epsilon * z, y
        y = before + dt * z
        states.append(y)
    return torch.stack(states)


def slstm_written_out(
    inputs: Tensor, into: Tensor, within: Tensor, bias: Tensor, initial_cell: Tensor, initial: Tensor
) -> Tensor:
    """Beck et al. 2024, equations 8 to 17, without the scale that keeps exponentials small."""
    c, h, n, states = initial_cell, initial, torch.ones_like(initial_cell), []
    for u in inputs:
        i, f, z, o = (u @ into.T + h @ within.T + bias).chunk(4, -1)
        i, f, z, o = i.exp(), f.sigmoid(), z.tanh(), o.sigmoid()
        c, n = f * c + i * z, f * n + i
        h = o * c / n
        states.append(h)
    return torch.stack(states)


def modrelu_written_out(
    inputs: Tensor, into: Tensor, within: Tensor, bias: Tensor, initial: Tensor
) -> Tensor:
    """Of a positive sum the size is itself, of a negative one its opposite: two rectifiers, side by side."""
    state, states = initial, []
    for u in inputs:
        z = u @ into.T + state @ within.T
        state = torch.where(z > 0, (z + bias).clamp(min=0), -(bias - z).clamp(min=0))
        states.append(state)
    return torch.stack(states)


@dataclass(frozen=True)
class Known:
    """A recurrence, what it should be, and the shapes of its weights for D inputs and H units.

    Those of the places `shares` (the inputs' is 0) are drawn from (0, 1), the others are normal.
    """

    recurrence: Recurrence
    truth: Callable[..., Tensor]
    shapes: Callable[[int, int], list[tuple[int, ...]]]
    shares: tuple[int, ...] = ()


KNOWN = {
    "gru": Known(GRU, gru_by_torch, lambda d, h: [(3 * h, d), (3 * h, h), (3 * h,), (h,)]),
    "relu": Known(RELU, relu_by_torch, lambda d, h: [(h, d), (h, h), (h,), (h,)]),
    "modrelu": Known(MODRELU, modrelu_written_out, lambda d, h: [(h, d), (h, h), (h,), (h,)]),
    "cornn": Known(
        CORNN, cornn_written_out, lambda d, h: [(h, d), (2 * h, h), (h,), (3, h), (h,), (h,)], (4,)
    ),
    "slstm": Known(SLSTM, slstm_written_out, lambda d, h: [(4 * h, d), (4 * h, h), (4 * h,), (h,), (h,)]),
    "lem": Known(
        LEM, lem_written_out, lambda d, h: [(4 * h, d), (4 * h, h), (4 * h,), (1, h), (h,), (h,)], (4,)
    ),
}
each = pytest.mark.parametrize("known", KNOWN.values(), ids=KNOWN)


def problem(
    known: Known,
    length: int,
    size: int,
    width: int,
    units: int,
    kind: torch.dtype = torch.float64,
    seed: int = 0,
) -> list[Tensor]:
    """Inputs and weights, the latter such that their products are of the size of the inputs."""
    generator = torch.Generator().manual_seed(seed)
    shapes = [(length, size, width), *known.shapes(width, units)]
    drawn = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    parts = [part / part.shape[1] ** 0.5 if part.ndim == 2 else part for part in drawn]
    parts = [part.sigmoid() if place in known.shares else part for place, part in enumerate(parts)]
    return [part.to(kind).requires_grad_() for part in parts]


def masks(length: int) -> dict[str, Tensor | None]:
    last, every, scattered = (torch.zeros(length, dtype=torch.bool) for _ in range(3))
    last[-1] = True
    every[:] = True
    scattered[::3] = True
    return {"last": last, "every": every, "scattered": scattered, "none given": None}


def run(known: Known, parts: list[Tensor], mask: Tensor | None = None, backend: Any = "compiled") -> Tensor:
    return known.recurrence.states(parts[0], parts[1:], mask, backend)


def true(known: Known, parts: list[Tensor], mask: Tensor | None = None) -> Tensor:
    states = known.truth(*parts)
    return states if mask is None else states[mask]


def distance(ours: Tensor, theirs: Tensor) -> float:
    size = theirs.detach().double().norm()
    # A layer none of whose units is on has no gradient to compare with.
    return float((ours - theirs).detach().double().norm() / (size if size > 0 else 1.0))


@each
@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("which", ["last", "every", "scattered", "none given"])
@pytest.mark.parametrize("backend", ["torch", "compiled"])
def test_states_and_gradients_are_the_true_ones(
    known: Known, kind: torch.dtype, shape: tuple[int, ...], which: str, backend: str
) -> None:
    mask = masks(shape[0])[which]
    parts = problem(known, *shape, kind=kind)
    exact = [part.detach().double().requires_grad_() for part in parts]
    ours, truth = run(known, parts, mask, backend), true(known, exact, mask)
    assert ours.shape == truth.shape
    # of a hundred steps, each of which rounds
    allowed = 20 * TOLERANCE[kind]
    assert distance(ours, truth) < allowed
    weight = torch.randn(ours.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    mine = torch.autograd.grad((ours * weight.to(kind)).sum(), parts)
    for place, (found, right) in enumerate(
        zip(mine, torch.autograd.grad((truth * weight).sum(), exact), strict=True)
    ):
        assert distance(found, right) < 10 * allowed, place


@each
@settings(deadline=None, max_examples=40)
@given(
    length=st.integers(1, 12),
    size=st.integers(1, 20),
    width=st.integers(1, 20),
    units=st.integers(1, 40),
    chosen=st.integers(0, 2**12 - 1),
    seed=st.integers(0, 99),
)
def test_any_shape_and_mask(
    known: Known, length: int, size: int, width: int, units: int, chosen: int, seed: int
) -> None:
    mask = torch.tensor([bool(chosen >> t & 1) for t in range(length)])
    parts = problem(known, length, size, width, units, seed=seed)
    both = run(known, parts, mask), true(known, parts, mask)
    outcomes = [(states, *torch.autograd.grad((states**2).sum(), parts)) for states in both]
    for ours, theirs in zip(*outcomes, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-11)


@each
@pytest.mark.parametrize("which", ["last", "scattered"])
@pytest.mark.parametrize("width", [2, 20])
def test_gradients_by_finite_differences(known: Known, which: str, width: int) -> None:
    parts, mask = problem(known, 5, 3, width, 4), masks(5)[which]
    assert torch.autograd.gradcheck(lambda *p: run(known, list(p), mask), parts)


@each
def test_second_derivatives(known: Known) -> None:
    parts, mask = problem(known, 4, 2, 2, 3), masks(4)["scattered"]
    assert torch.autograd.gradgradcheck(lambda *p: run(known, list(p), mask), parts)


@each
def test_the_way_back_without_autograd_is_the_same(known: Known) -> None:
    parts, mask = problem(known, 20, 7, 3, 11, torch.float32), masks(20)["scattered"]
    states = run(known, parts, mask)
    given_back = torch.randn(states.shape, generator=torch.Generator().manual_seed(1))
    expected = torch.autograd.grad(states, parts[1:], given_back)
    arrays = [part.detach().numpy() for part in parts[1:]]
    bare, pullback = known.recurrence.vjp(parts[0].detach(), arrays, mask)
    found = [torch.full_like(part, torch.nan) for part in parts[1:]]
    pullback(given_back, [part.numpy() for part in found])
    assert torch.equal(bare, states.detach())
    for mine, other in zip(found, expected, strict=True):
        assert torch.equal(mine, other)


@each
def test_without_a_way_back_the_states_are_the_same(known: Known) -> None:
    parts, mask = problem(known, 30, 5, 3, 6, torch.float32), masks(30)["scattered"]
    with torch.no_grad():
        quiet = run(known, parts, mask)
    assert torch.equal(quiet, run(known, parts, mask))
    assert not quiet.requires_grad


@each
def test_a_nan_shows_in_states_and_gradients(known: Known) -> None:
    for where in range(len(problem(known, 1, 1, 1, 1))):
        parts = problem(known, 4, 3, 2, 5, torch.float32)
        with torch.no_grad():
            parts[where].view(-1)[0] = float("nan")
        states = run(known, parts)
        assert states[-1].isnan().any(), where
        states.sum().backward()
        assert parts[2].grad is not None
        assert parts[2].grad.isnan().any(), where


@each
def test_a_sequence_is_the_same_bit_for_bit_whoever_it_ran_beside(known: Known) -> None:
    parts = [p.detach() for p in problem(known, 20, 13, 3, 11, torch.float32)]
    together = run(known, parts)
    for b in range(13):
        alone = run(known, [parts[0][:, b : b + 1], *parts[1:]])
        assert torch.equal(alone[:, 0], together[:, b])


@each
def test_memory_laid_out_otherwise_gives_the_same(known: Known) -> None:
    parts = problem(known, 8, 4, 3, 6)
    turned = [parts[0].transpose(0, 1).contiguous().transpose(0, 1)]
    turned += [part.T.contiguous().T if part.ndim == 2 else part for part in parts[1:]]
    expanded = torch.ones((), dtype=torch.float64).expand(8, 4, 6)
    results = []
    for given_parts in (parts, turned):
        states = run(known, given_parts)
        results.append((states, *torch.autograd.grad(states, given_parts, expanded)))
    for plain, other in zip(*results, strict=True):
        assert torch.equal(other, plain)


@each
def test_gradients_only_where_asked(known: Known) -> None:
    parts = [p.detach() for p in problem(known, 4, 2, 3, 5)]
    parts[2].requires_grad_()
    run(known, parts).sum().backward()
    assert [part.grad is not None for part in parts] == [place == 2 for place in range(len(parts))]


@each
def test_two_passes_before_going_back_do_not_mix(known: Known) -> None:
    parts = problem(known, 5, 3, 2, 4)
    first, second = run(known, parts), run(known, [2 * p for p in parts])
    alone = torch.autograd.grad(run(known, parts).sum(), parts)
    both = torch.autograd.grad(first.sum() + 0 * second.sum(), parts)
    for a, b in zip(alone, both, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=0)


@each
def test_a_weight_changed_before_going_back_is_noticed(known: Known) -> None:
    parts = problem(known, 4, 2, 3, 5)
    loss = run(known, parts).sum()
    with torch.no_grad():
        parts[2].add_(1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@each
def test_the_compiled_passes_say_what_they_cannot_do(known: Known) -> None:
    parts = problem(known, 2, 2, 2, 2, torch.bfloat16)
    with pytest.raises(ValueError, match="bfloat16"):
        run(known, parts)
    assert run(known, parts, backend="auto").dtype == torch.bfloat16
