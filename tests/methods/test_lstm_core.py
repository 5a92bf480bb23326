"""The LSTM core against torch.nn.LSTM, finite differences and float64, compiled and by torch."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from longlag.methods.parts.lstm.lstm_core import lstm_recurrence

TOLERANCE = {torch.float32: 2e-6, torch.float64: 1e-10}
NAMES = ("inputs", "input_weight", "recurrent", "bias", "initial", "initial_cell")
SHAPES = [(30, 7, 3, 20), (100, 20, 4, 8), (12, 5, 40, 16), (9, 130, 2, 33), (1, 1, 1, 1)]


def problem(length, size, width, units, kind=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    parts = (
        draw(length, size, width),
        draw(4 * units, width) / width**0.5,
        draw(4 * units, units) / units**0.5,
        draw(4 * units),
        draw(units),
        draw(units),
    )
    return [part.to(kind).requires_grad_() for part in parts]


def masks(length):
    last, every, scattered = (torch.zeros(length, dtype=torch.bool) for _ in range(3))
    last[-1] = True
    every[:] = True
    scattered[::3] = True
    return {"last": last, "every": every, "scattered": scattered, "none given": None}


def from_torch_lstm(parts, mask):
    """The same function by torch.nn.LSTM."""
    inputs, input_weight, recurrent, bias, initial, initial_cell = parts
    lstm = nn.LSTM(inputs.shape[-1], len(initial), dtype=inputs.dtype)
    weights = {
        "weight_ih_l0": input_weight,
        "weight_hh_l0": recurrent,
        "bias_ih_l0": bias,
        "bias_hh_l0": torch.zeros_like(bias),
    }
    start = [part.expand(1, inputs.shape[1], -1).contiguous() for part in (initial, initial_cell)]
    out, _ = torch.func.functional_call(lstm, weights, (inputs, tuple(start)))
    return out if mask is None else out[mask]


def distance(ours, theirs):
    return float((ours - theirs).detach().double().norm() / theirs.detach().double().norm())


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("which", ["last", "every", "scattered", "none given"])
@pytest.mark.parametrize("backend", ["auto", "torch", "compiled"])
def test_equals_torch_lstm(kind, shape, which, backend):
    mask = masks(shape[0])[which]
    parts = problem(*shape, kind=kind)
    ours, theirs = lstm_recurrence(*parts, mask, backend), from_torch_lstm(parts, mask)
    assert ours.shape == theirs.shape
    assert distance(ours, theirs) < TOLERANCE[kind]
    weight = torch.randn(ours.shape, dtype=kind, generator=torch.Generator().manual_seed(1))
    found = [torch.autograd.grad((states * weight).sum(), parts) for states in (ours, theirs)]
    for name, mine, other in zip(NAMES, *found, strict=True):
        # what reaches the start has been rounded at every step, in both
        allowed = 10 if name.startswith("initial") and kind == torch.float32 else 1
        assert distance(mine, other) < allowed * TOLERANCE[kind], name


@settings(deadline=None, max_examples=40)
@given(
    length=st.integers(1, 12),
    size=st.integers(1, 20),
    width=st.integers(1, 20),
    units=st.integers(1, 40),
    chosen=st.integers(0, 2**12 - 1),
    seed=st.integers(0, 99),
)
def test_any_shape_and_mask_equals_torch_lstm(length, size, width, units, chosen, seed):
    mask = torch.tensor([bool(chosen >> t & 1) for t in range(length)])
    parts = problem(length, size, width, units, seed=seed)
    both = lstm_recurrence(*parts, mask, "compiled"), from_torch_lstm(parts, mask)
    outcomes = [(states, *torch.autograd.grad((states**2).sum(), parts)) for states in both]
    for ours, theirs in zip(*outcomes, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("which", ["last", "scattered"])
@pytest.mark.parametrize("width", [2, 20])
def test_gradcheck(which, width):
    parts, mask = problem(5, 3, width, 4), masks(5)[which]
    assert torch.autograd.gradcheck(lambda *p: lstm_recurrence(*p, mask, "compiled"), parts)


def test_second_derivatives():
    parts, mask = problem(4, 2, 2, 3), masks(4)["scattered"]
    assert torch.autograd.gradgradcheck(lambda *p: lstm_recurrence(*p, mask, "compiled"), parts)


def test_second_derivatives_in_float32_are_those_of_float64():
    found = []
    for kind in (torch.float32, torch.float64):
        parts = problem(6, 3, 2, 4, kind)
        first = torch.autograd.grad(lstm_recurrence(*parts).pow(2).sum(), parts[2], create_graph=True)[0]
        found.append(torch.autograd.grad(first.pow(2).sum(), parts))
    for ours, exact in zip(*found, strict=True):
        assert distance(ours, exact) < 1e-4


def test_float32_loses_no_more_digits_than_torch_lstm_does():
    """Against float64, in the middle of several draws: a single one may cancel in either."""
    mask, lost = masks(60)["last"], {"ours": [], "theirs": []}

    def gradients(function, parts):
        return torch.autograd.grad((function(parts, mask) ** 2).sum(), parts)

    for seed in range(15):
        exact = problem(60, 7, 3, 20, seed=seed)
        rounded = [p.detach().float().requires_grad_() for p in exact]
        truth = gradients(from_torch_lstm, exact)
        ours = gradients(lambda p, m: lstm_recurrence(*p, m, "compiled"), rounded)
        lost["ours"].append([distance(g, t) for g, t in zip(ours, truth, strict=True)])
        theirs = gradients(from_torch_lstm, rounded)
        lost["theirs"].append([distance(g, t) for g, t in zip(theirs, truth, strict=True)])
    mine, other = (torch.tensor(lost[who]).median(0).values for who in ("ours", "theirs"))
    assert (mine < 1.6 * other).all(), dict(zip(NAMES, zip(mine, other, strict=True), strict=True))


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize("bias", [-60.0, -15.0, -6.0, 20.0, 40.0])
def test_a_gate_far_from_a_half_keeps_its_relative_digits(kind, bias):
    """Without weights c_1 = write tanh(b_new): one write gate after the other, closed or open."""
    bound = torch.tensor([bias, -80.0, 0.5, 100.0], dtype=kind)
    zero = torch.zeros(1, dtype=kind)
    weight = zero.expand(4, 1)
    states = lstm_recurrence(zero.view(1, 1, 1), weight, weight, bound, zero, zero, None, "compiled")
    expected = torch.tanh(torch.sigmoid(bound[:1].double()) * torch.tanh(bound[2:3].double()))
    torch.testing.assert_close(states[0, 0].double(), expected, rtol=20 * torch.finfo(kind).eps, atol=0)


def test_gates_saturate_exactly():
    """A keep gate at +40 in float32 is 1 and learns nothing; infinite drives do not become NaN."""
    bound = torch.tensor([-torch.inf, torch.inf, torch.inf, torch.inf]).requires_grad_()
    zero = torch.zeros(1)
    start, weight = torch.tensor([0.7]), zero.expand(4, 1)
    states = lstm_recurrence(torch.zeros(50, 1, 1), weight, weight, bound, zero, start, None, "compiled")
    torch.testing.assert_close(states[-1, 0], torch.tanh(start), rtol=1e-6, atol=0)
    states.sum().backward()
    assert bound.grad.isfinite().all()
    assert bound.grad[1] == 0


@pytest.mark.parametrize("where", range(6))
def test_a_nan_shows_in_states_and_gradients(where):
    parts = problem(4, 3, 2, 5, torch.float32)
    with torch.no_grad():
        parts[where].view(-1)[0] = float("nan")
    states = lstm_recurrence(*parts, backend="compiled")
    assert states[-1].isnan().any()
    states.sum().backward()
    assert parts[2].grad.isnan().any()


def test_an_exploding_gradient_shows():
    parts = problem(60, 2, 1, 4, torch.float32)
    with torch.no_grad():
        for part in parts:
            part.zero_()
        parts[2].fill_(1e6)
    states = lstm_recurrence(*parts, masks(60)["last"], "compiled")
    states.sum().backward()
    assert not parts[4].grad.isfinite().any()


def test_a_sequence_is_the_same_bit_for_bit_whoever_it_ran_beside():
    parts = [p.detach() for p in problem(20, 13, 3, 11, torch.float32)]
    together = lstm_recurrence(*parts, backend="compiled")
    for b in range(13):
        alone = lstm_recurrence(parts[0][:, b : b + 1], *parts[1:], backend="compiled")
        assert torch.equal(alone[:, 0], together[:, b])


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_results_are_the_same_bit_for_bit_wherever_they_lie(kind):
    parts = problem(20, 13, 3, 11, kind)
    results = []
    for shift in (0, 1, 3):
        moved = []
        for part in parts:
            room = torch.empty(part.numel() + shift, dtype=kind)[shift:].view(part.shape)
            moved.append(room.copy_(part.detach()).requires_grad_())
        states = lstm_recurrence(*moved, backend="compiled")
        results.append((states, *torch.autograd.grad((states**2).sum(), moved)))
    for first, *others in zip(*results, strict=True):
        assert all(torch.equal(first, other) for other in others)


def test_memory_laid_out_otherwise_gives_the_same():
    parts = problem(8, 4, 3, 6)
    turned = [
        parts[0].transpose(0, 1).contiguous().transpose(0, 1),
        parts[1].T.contiguous().T,
        parts[2].T.contiguous().T,
        *parts[3:],
    ]
    expanded = torch.ones((), dtype=torch.float64).expand(8, 4, 6)
    results = []
    for given_parts in (parts, turned):
        states = lstm_recurrence(*given_parts, backend="compiled")
        results.append((states, *torch.autograd.grad(states, given_parts, expanded)))
    for plain, other in zip(*results, strict=True):
        assert torch.equal(other, plain)


def test_gradients_only_where_asked():
    parts = [p.detach() for p in problem(4, 2, 3, 5)]
    parts[2].requires_grad_()
    lstm_recurrence(*parts, backend="compiled").sum().backward()
    assert parts[2].grad is not None
    assert all(parts[i].grad is None for i in (0, 1, 3, 4, 5))


def test_going_back_twice_gives_the_same():
    parts = problem(7, 3, 2, 4)
    loss = lstm_recurrence(*parts, backend="compiled").pow(2).sum()
    first = torch.autograd.grad(loss, parts, retain_graph=True)
    for one, other in zip(first, torch.autograd.grad(loss, parts), strict=True):
        assert torch.equal(one, other)


def test_two_passes_before_going_back_do_not_mix():
    parts = problem(5, 3, 2, 4)
    first, second = lstm_recurrence(*parts), lstm_recurrence(*(2 * p for p in parts))
    alone = torch.autograd.grad(lstm_recurrence(*parts).sum(), parts)
    both = torch.autograd.grad(first.sum() + 0 * second.sum(), parts)
    for a, b in zip(alone, both, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=0)


def test_without_gradients_the_states_are_the_same():
    parts = problem(30, 5, 3, 6)
    with torch.no_grad():
        quiet = lstm_recurrence(*parts, masks(30)["scattered"], "compiled")
    assert torch.equal(quiet, lstm_recurrence(*parts, masks(30)["scattered"], "compiled"))
    assert not quiet.requires_grad


def test_a_weight_changed_before_going_back_is_noticed():
    parts = problem(4, 2, 3, 5)
    loss = lstm_recurrence(*parts, backend="compiled").sum()
    with torch.no_grad():
        parts[2].add_(1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_the_compiled_backend_says_what_it_cannot_do():
    parts = problem(2, 2, 2, 2, torch.bfloat16)
    with pytest.raises(ValueError, match="bfloat16"):
        lstm_recurrence(*parts, backend="compiled")
    assert lstm_recurrence(*parts).dtype == torch.bfloat16
