"""Omega against its definition in dense float64 Jacobians, with autograd and finite differences."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from longlag import BadInput, Batch, Network, SquaredError
from longlag.methods.parts.lstm.cell import LSTMCell
from longlag.methods.parts.omega import Omega, RegularisedTanhUnits, omega
from longlag.methods.parts.tanh.cell import TanhCell

T, B, D, H = 7, 3, 2, 5


def network(seed=0, kind=torch.float64):
    torch.manual_seed(seed)
    net = Network(TanhCell(D, H), 1).to(kind)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    return net


def batch(mask, kind=torch.float64):
    return Batch(torch.randn(T, B, D, dtype=kind), torch.randn(int(mask.sum()), B, 1, dtype=kind), mask)


def dense_omega(recurrent, states, errors, form):
    """The definition, one Jacobian at a time; a function of `recurrent` alone."""
    terms = []
    for k in range(T):
        for b in range(B):
            error = errors[k, b]
            if error @ error < 1e-20:
                continue
            jacobian = torch.diag(1 - states[k + 1, b] ** 2) @ recurrent
            ratio = torch.linalg.norm(error @ jacobian) / torch.linalg.norm(error)
            terms.append((ratio**2 - 1) ** 2 if form == "code" else (ratio - 1) ** 2)
    if not terms:
        return recurrent.sum() * 0
    # the code takes a mean over steps and sequences, the paper's equation a sum over steps
    return torch.stack(terms).mean() if form == "code" else torch.stack(terms).sum() / B


def states_and_errors(net, data):
    """By a plain loop that autograd goes back through."""
    cell = net.recurrent
    states = [cell.initial.detach().expand(B, -1).clone().requires_grad_()]
    for step in data.inputs:
        drive = step @ cell.input_weight.T + cell.bias
        states.append(torch.tanh(drive + states[-1] @ cell.recurrent_weight.T))
    loss = SquaredError()(net.readout(torch.stack(states[1:])[data.mask]), data.targets)
    errors = torch.autograd.grad(loss, states[1:])
    return torch.stack(states).detach(), torch.stack(errors)


def masks():
    last, scattered = torch.zeros(2, T, dtype=torch.bool)
    last[-1] = True
    scattered[::2] = True
    return [last, scattered]


@pytest.mark.parametrize("form", ["code", "paper"])
@pytest.mark.parametrize("mask", masks(), ids=["last", "scattered"])
@pytest.mark.parametrize("seed", range(3))
def test_added_gradient_is_the_immediate_derivative_of_the_definition(form, mask, seed):
    net = network(seed)
    data = batch(mask)
    penalty = Omega(1.7, form)
    penalty.prepare(net)
    SquaredError()(net(data.inputs, data.mask), data.targets).backward()
    before = {name: p.grad.clone() for name, p in net.named_parameters()}
    value = penalty.add_gradient(net, data)

    weights = net.recurrent.recurrent_weight.detach().clone().requires_grad_()
    states, errors = states_and_errors(net, data)
    expected = dense_omega(weights, states, errors, form)
    (gradient,) = torch.autograd.grad(expected, weights)
    torch.testing.assert_close(value, 1.7 * expected.detach(), rtol=1e-10, atol=1e-14)
    for name, parameter in net.named_parameters():
        added = 1.7 * gradient if name == "recurrent.recurrent_weight" else 0
        torch.testing.assert_close(parameter.grad, before[name] + added, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("form", ["code", "paper"])
def test_gradient_is_that_of_finite_differences(form):
    net = network()
    states, errors = states_and_errors(net, batch(masks()[0]))
    deltas = errors * (1 - states[1:] ** 2)
    recurrent = net.recurrent.recurrent_weight.detach()
    _, gradient = omega(recurrent, deltas, errors, form)
    step = 1e-6
    for i in range(H):
        for j in range(H):
            move = torch.zeros(H, H, dtype=torch.float64)
            move[i, j] = step
            ahead, _ = omega(recurrent + move, deltas, errors, form)
            behind, _ = omega(recurrent - move, deltas, errors, form)
            assert gradient[i, j] == pytest.approx(float(ahead - behind) / (2 * step), rel=1e-6, abs=1e-8)


def test_vanished_errors_take_no_part():
    net = network()
    states, errors = states_and_errors(net, batch(masks()[1]))
    errors[:3, 0] *= 1e-12
    errors[2, 1] = 0
    recurrent = net.recurrent.recurrent_weight.detach()
    value, gradient = omega(recurrent, errors * (1 - states[1:] ** 2), errors)
    weights = recurrent.clone().requires_grad_()
    expected = dense_omega(weights, states, errors, "code")
    torch.testing.assert_close(value, expected.detach(), rtol=1e-10, atol=0)
    torch.testing.assert_close(gradient, torch.autograd.grad(expected, weights)[0], rtol=1e-10, atol=1e-14)


def test_nothing_left_to_keep_is_no_penalty():
    value, gradient = omega(torch.eye(H), torch.zeros(T, B, H), torch.zeros(T, B, H))
    assert value == 0
    assert (gradient == 0).all()


def test_a_nan_shows():
    errors = torch.ones(T, B, H)
    errors[0, 0, 0] = float("nan")
    value, gradient = omega(torch.eye(H), errors, errors)
    assert value.isnan()
    assert gradient.isnan().any()


@settings(deadline=None, max_examples=25)
@given(scale=st.floats(1e-6, 1e6), seed=st.integers(0, 50))
def test_a_rotation_keeps_errors_and_the_loss_scale_does_not_matter(scale, seed):
    """Linear units (h = 0): a rotation costs nothing, twice a rotation (4 - 1)^2."""
    generator = torch.Generator().manual_seed(seed)
    rotation, _ = torch.linalg.qr(torch.randn(H, H, generator=generator, dtype=torch.float64))
    errors = scale * torch.randn(T, B, H, generator=generator, dtype=torch.float64)
    assert float(omega(rotation, errors, errors)[0]) == pytest.approx(0, abs=1e-20)
    assert float(omega(2 * rotation, errors, errors)[0]) == pytest.approx(9)
    assert float(omega(2 * rotation, errors, errors, "paper")[0]) == pytest.approx(T)


def test_float32_on_the_compiled_core():
    net, exact = network(kind=torch.float32), network()
    mask = masks()[0]
    data = batch(mask)
    gradients = []
    for each, kind in ((net, torch.float32), (exact, torch.float64)):
        each.load_state_dict({k: v.to(kind) for k, v in net.state_dict().items()})
        Omega(1.0).prepare(each)
        SquaredError()(each(data.inputs.to(kind), mask), data.targets.to(kind)).backward()
        Omega(1.0).add_gradient(each, data)
        gradients.append(each.recurrent.recurrent_weight.grad.double())
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-6)


def test_another_cell_is_bad_input():
    with pytest.raises(BadInput, match="tanh units, not for a LSTMCell"):
        Omega(1.0).prepare(Network(LSTMCell(D, H), 1))


def test_a_pass_without_gradients_leaves_the_tape_alone():
    net = network()
    Omega(1.0).prepare(net)
    data = batch(masks()[0])
    with torch.no_grad():
        net(data.inputs, data.mask)
    assert net.recurrent.tape.states is None
    with pytest.raises(RuntimeError, match="backward pass"):
        Omega(1.0).add_gradient(net, data)


def test_the_cell_and_its_penalty_are_claimed_together():
    assert RegularisedTanhUnits().parts == ("cell", "penalty")
