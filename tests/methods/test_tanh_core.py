"""The tanh core against torch.nn.RNN, finite differences and dense Jacobians, on both backends."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from longlag.methods.parts.tanh.cell import TanhCell
from longlag.methods.parts.tanh.passes import (
    backward_states,
    forward_states,
    tangent_states,
    weight_gradients,
)
from longlag.methods.parts.tanh.tanh_core import Tape, tanh_recurrence

BACKENDS = ["torch", "compiled"]
TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-10}
NAMES = ("input", "input_weight", "recurrent", "bias", "initial")


def problem(length, size, width, units, kind=torch.float64, drive=1.0, seed=0):
    """Inputs and weights; `drive` scales what comes in, and so how far the units saturate."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    parts = (
        draw(length, size, width),
        draw(units, width) * drive / width**0.5,
        draw(units, units) / units**0.5,
        draw(units) * drive,
        draw(units),
    )
    return [part.to(kind).requires_grad_() for part in parts]


def masks(length):
    last, every, scattered = (torch.zeros(length, dtype=torch.bool) for _ in range(3))
    last[-1] = True
    every[:] = True
    scattered[::3] = True
    return {"last": last, "every": every, "scattered": scattered, "none given": None}


def from_torch_rnn(parts, mask):
    """The same function by torch.nn.RNN."""
    inputs, input_weight, recurrent, bias, initial = parts
    rnn = nn.RNN(inputs.shape[-1], len(bias), dtype=inputs.dtype)
    weights = {
        "weight_ih_l0": input_weight,
        "weight_hh_l0": recurrent,
        "bias_ih_l0": bias,
        "bias_hh_l0": torch.zeros_like(bias),
    }
    states = initial.expand(1, inputs.shape[1], -1)
    out, _ = torch.func.functional_call(rnn, weights, (inputs, states.contiguous()))
    return out if mask is None else out[mask]


def distance(ours, theirs):
    return float((ours - theirs).detach().double().norm() / theirs.detach().double().norm())


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(30, 7, 3, 20), (100, 20, 4, 50), (12, 5, 40, 16), (1, 1, 1, 1)])
@pytest.mark.parametrize("which", ["last", "every", "scattered", "none given"])
def test_equals_torch_rnn(backend, kind, shape, which):
    # In saturated units 1 - h^2 is all rounding: see the next test
    mask = masks(shape[0])[which]
    parts = problem(*shape, kind=kind, drive=0.3)
    ours = tanh_recurrence(*parts, mask, backend=backend)
    theirs = from_torch_rnn(parts, mask)
    assert distance(ours, theirs) < TOLERANCE[kind]
    weight = torch.randn(ours.shape, dtype=kind, generator=torch.Generator().manual_seed(1))
    for name, mine, other in zip(
        NAMES,
        torch.autograd.grad((ours * weight).sum(), parts),
        torch.autograd.grad((theirs * weight).sum(), parts),
        strict=True,
    ):
        # one step's rounding each on its way back through all steps, in both
        allowed = 10 if name == "initial" and kind == torch.float32 else 1
        assert distance(mine, other) < allowed * TOLERANCE[kind], name


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("drive", [0.3, 2.0])
@pytest.mark.parametrize("seed", range(3))
def test_float32_loses_no_more_digits_than_torch_rnn_does(backend, drive, seed):
    """Against float64, also where float32 results differ from each other by more than 1e-6."""
    exact = problem(60, 7, 3, 20, drive=drive, seed=seed)
    rounded = [p.detach().float().requires_grad_() for p in exact]
    mask = masks(60)["last"]

    def gradients(function, parts):
        return torch.autograd.grad((function(parts, mask) ** 2).sum(), parts)

    truth = gradients(from_torch_rnn, exact)
    theirs = gradients(from_torch_rnn, rounded)
    ours = gradients(lambda p, m: tanh_recurrence(*p, m, backend=backend), rounded)
    for name, t, mine, other in zip(NAMES, truth, ours, theirs, strict=True):
        assert distance(mine, t) < 2 * distance(other, t) + 1e-6, name


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("which", ["last", "scattered"])
@pytest.mark.parametrize("width", [2, 20])
def test_gradcheck(backend, which, width):
    parts = problem(5, 3, width, 4)
    mask = masks(5)[which]
    assert torch.autograd.gradcheck(lambda *p: tanh_recurrence(*p, mask, backend=backend), parts)


@settings(deadline=None, max_examples=30)
@given(
    length=st.integers(1, 12),
    size=st.integers(1, 6),
    width=st.integers(1, 20),
    units=st.integers(1, 20),
    chosen=st.integers(1, 2**12 - 1),
    seed=st.integers(0, 99),
)
def test_backends_agree(length, size, width, units, chosen, seed):
    mask = torch.tensor([bool(chosen >> t & 1) for t in range(length)])
    parts = problem(length, size, width, units, seed=seed)
    outcomes = []
    for backend in BACKENDS:
        tape = Tape()
        states = tanh_recurrence(*parts, mask, tape, backend)
        gradients = torch.autograd.grad((states**2).sum(), parts)
        outcomes.append((states, *gradients, tape.states, tape.deltas, tape.state_gradients))
    for reference, compiled in zip(*outcomes, strict=True):
        torch.testing.assert_close(compiled, reference, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_state_gradients_are_those_of_autograd(backend):
    """A plain loop whose states keep their gradients."""
    inputs, input_weight, recurrent, bias, initial = parts = problem(9, 4, 3, 6)
    mask = masks(9)["scattered"]
    tape = Tape()
    (tanh_recurrence(*parts, mask, tape, backend) ** 3).sum().backward()
    state, states = initial.expand(4, -1), []
    for step in inputs:
        state = torch.tanh(step @ input_weight.T + state @ recurrent.T + bias)
        state.retain_grad()
        states.append(state)
    (torch.stack(states)[mask] ** 3).sum().backward()
    expected = torch.stack([s.grad for s in states])
    torch.testing.assert_close(tape.state_gradients, expected, rtol=1e-10, atol=1e-13)
    torch.testing.assert_close(tape.states[1:], torch.stack(states), rtol=1e-10, atol=1e-13)
    torch.testing.assert_close(tape.deltas, expected * (1 - torch.stack(states) ** 2), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("backend", BACKENDS)
def test_tangent_and_backward_are_the_jacobian_and_its_transpose(backend):
    parts = [p.detach() for p in problem(6, 3, 2, 5)]
    inputs, _, recurrent, _, _ = parts
    states = forward_states(*parts, backend=backend)
    moves = [torch.randn_like(p) for p in parts[1:]]
    drive = inputs @ moves[0].T + states[:-1] @ moves[1].T + moves[2]
    moved = tangent_states(recurrent, states, drive, moves[3], backend)

    def run(*weights):
        return forward_states(inputs, *weights, backend="torch")

    step = 1e-6
    ahead = run(*(w + step * m for w, m in zip(parts[1:], moves, strict=True)))
    behind = run(*(w - step * m for w, m in zip(parts[1:], moves, strict=True)))
    torch.testing.assert_close(moved, (ahead - behind) / (2 * step), rtol=1e-6, atol=1e-8)

    given_back = torch.randn_like(states[1:])
    deltas, _ = backward_states(recurrent, states, given_back, backend=backend)
    gradients = (*weight_gradients(deltas, states, inputs, backend), deltas[0].sum(0) @ recurrent)
    inner = sum((g * m).sum() for g, m in zip(gradients, moves, strict=True))
    torch.testing.assert_close(inner, (given_back * moved[1:]).sum(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("where", range(5))
def test_a_nan_shows_in_states_and_gradients(backend, where):
    parts = problem(4, 3, 2, 5, torch.float32)
    with torch.no_grad():
        parts[where].view(-1)[0] = float("nan")
    states = tanh_recurrence(*parts, backend=backend)
    assert states[-1].isnan().any()
    states.sum().backward()
    assert parts[2].grad.isnan().any()


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_exploding_gradient_shows(backend):
    parts = problem(60, 2, 1, 4, torch.float32)
    with torch.no_grad():
        for part in parts:
            part.zero_()
        parts[2].copy_(10 * torch.eye(4))
    states = tanh_recurrence(*parts, masks(60)["last"], backend=backend)
    states.sum().backward()
    assert not parts[4].grad.isfinite().any()


@pytest.mark.parametrize("backend", BACKENDS)
def test_gradients_only_where_asked(backend):
    parts = [p.detach() for p in problem(4, 2, 3, 5)]
    parts[2].requires_grad_()
    tanh_recurrence(*parts, backend=backend).sum().backward()
    assert parts[2].grad is not None
    assert parts[0].grad is None


def test_memory_laid_out_otherwise_gives_the_same():
    parts = problem(8, 4, 3, 6)
    turned = [
        parts[0].transpose(0, 1).contiguous().transpose(0, 1),
        parts[1].T.contiguous().T,
        parts[2].T.contiguous().T,
        parts[3],
        parts[4],
    ]
    expanded = torch.ones((), dtype=torch.float64).expand(8, 4, 6)
    results = []
    for given_parts in (parts, turned):
        states = tanh_recurrence(*given_parts, backend="compiled")
        results.append((states, *torch.autograd.grad(states, given_parts, expanded)))
    for plain, other in zip(*results, strict=True):
        torch.testing.assert_close(other, plain, rtol=1e-12, atol=1e-14)


def test_the_compiled_backend_says_what_it_cannot_do():
    parts = problem(2, 2, 2, 2, torch.bfloat16)
    with pytest.raises(ValueError, match="bfloat16"):
        tanh_recurrence(*parts, backend="compiled")
    assert tanh_recurrence(*parts).dtype == torch.bfloat16


def test_two_passes_before_going_back_do_not_mix():
    parts = problem(5, 3, 2, 4)
    first, second = tanh_recurrence(*parts), tanh_recurrence(*(2 * p for p in parts))
    alone = torch.autograd.grad(tanh_recurrence(*parts).sum(), parts)
    both = torch.autograd.grad(first.sum() + 0 * second.sum(), parts)
    for a, b in zip(alone, both, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=0)


def test_the_cell_records_only_when_asked():
    cell = TanhCell(3, 5)
    for parameter in cell.parameters():
        nn.init.normal_(parameter)
    inputs, mask = torch.randn(6, 4, 3), masks(6)["last"]
    cell(inputs, mask).sum().backward()
    assert cell.tape.states is None
    cell.record = True
    cell(inputs, mask).sum().backward()
    assert cell.tape.states.shape == (7, 4, 5)
    assert cell.tape.state_gradients.shape == (6, 4, 5)
    torch.testing.assert_close(cell.tape.state_gradients[-1], torch.ones(4, 5))


@pytest.mark.parametrize("which", ["last", "some", "none"])
def test_without_a_way_back_the_states_are_the_same(which):
    parts = problem(7, 3, 2, 21, torch.float32)
    mask = {"last": [6], "some": [0, 2, 3], "none": []}[which]
    chosen = torch.zeros(7, dtype=torch.bool)
    chosen[mask] = True
    with torch.no_grad():
        alone = tanh_recurrence(*parts, chosen)
    assert torch.equal(alone, tanh_recurrence(*parts, chosen).detach())
    assert alone.shape == (len(mask), 3, 21)
