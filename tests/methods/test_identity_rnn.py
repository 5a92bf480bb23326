"""The net that begins at the identity: what it holds, what reaches back, where it begins, what bounds it."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from longlag.bench.plugins.registry import discover
from longlag.methods.parts.relu.cell import ReLUCell
from tests.methods.recall import Recall

REGISTRY = discover()
SETTINGS = {
    "identity": 1.0,
    "input_scale": 0.1,
    "readout_scale": 0.1,
    "centred": False,
    "optimiser": "adam",
    "adam_rate": 1e-3,
    "halving": 1e4,
    "threshold": 1.0,
    "units": 12,
    "batch_size": 10,
}


def build(method: str = "identity_rnn", lag: int = 20, **changed: object):
    torch.manual_seed(0)
    return REGISTRY.method(method).build(Recall(lag, 0.04), **{**SETTINGS, **changed})


@settings(deadline=None, max_examples=20)
@given(length=st.integers(1, 60), scale=st.floats(0.5, 1.0), seed=st.integers(0, 99))
def test_units_that_are_on_sum_what_comes_in(length: int, scale: float, seed: int) -> None:
    """h_T = sum over t of scale^(T - t) W_in u_t, and dh_T/du_t = scale^(T - t) W_in."""
    cell = ReLUCell(2, 3).double()
    draws = torch.Generator().manual_seed(seed)
    into = torch.rand(3, 2, generator=draws, dtype=torch.float64)
    cell.input_weight.data.copy_(into)
    cell.recurrent_weight.data.copy_(scale * torch.eye(3, dtype=torch.float64))
    inputs = (0.1 + torch.rand(length, 4, 2, generator=draws, dtype=torch.float64)).requires_grad_()
    state = cell(inputs)[-1]
    faded = scale ** torch.arange(length - 1, -1, -1, dtype=torch.float64)
    torch.testing.assert_close(state, torch.einsum("t,tbd,hd->bh", faded, inputs, into))
    (back,) = torch.autograd.grad(state[:, 1].sum(), inputs)
    torch.testing.assert_close(back, faded[:, None, None] * into[1].expand(length, 4, 2))


@pytest.mark.parametrize("identity", [1.0, 0.01])
def test_it_begins_at_a_multiple_of_the_identity_without_biases(identity: float) -> None:
    network = build(identity=identity, units=60, input_scale=0.001, readout_scale=0.5).network
    layer = network.recurrent
    assert isinstance(layer, ReLUCell)
    torch.testing.assert_close(layer.recurrent_weight.detach(), identity * torch.eye(60))
    assert torch.count_nonzero(layer.bias) == torch.count_nonzero(layer.initial) == 0
    assert layer.input_weight.std().item() == pytest.approx(0.001, rel=0.2)
    assert network.readout.weight.std().item() == pytest.approx(0.5, rel=0.4)


def test_its_gradient_is_bounded_and_keeps_its_direction() -> None:
    batch = Recall(20, 0.04).sample(10, torch.Generator().manual_seed(0))
    gradients = []
    for threshold in (1e3, 0.01):
        model = build(threshold=threshold)
        model.gradient(batch)
        gradients.append(torch.cat([p.grad.flatten() for p in model.network.parameters()]).double())
    free, bounded = gradients
    assert free.norm() > 0.01
    assert float(bounded.norm()) == pytest.approx(0.01, rel=1e-4)
    torch.testing.assert_close(bounded, free * (0.01 / free.norm()), rtol=1e-4, atol=1e-9)


def test_clipping_takes_the_place_of_the_bound() -> None:
    model = build("identity_rnn+gradient_clipping", clip_by="value", threshold=1e-3)
    model.gradient(Recall(20, 0.04).sample(10, torch.Generator().manual_seed(0)))
    largest = max(float(p.grad.abs().max()) for p in model.network.parameters())
    assert largest == pytest.approx(1e-3)


def test_its_weights_are_counted_and_its_steps_charged() -> None:
    model = build(units=7)
    batch = Recall(20, 0.04).sample(10, torch.Generator().manual_seed(0))
    assert model.weights == 7 * (7 + 2)
    assert model.cost(batch) == 6 * 7 * 9 * 20 * 10


def test_an_error_that_grows_shows() -> None:
    cell = ReLUCell(1, 2)
    cell.recurrent_weight.data.copy_(10 * torch.eye(2))
    cell.initial.data.fill_(1.0)
    states = cell(torch.zeros(60, 1, 1))
    states[-1].sum().backward()
    assert not math.isfinite(float(states[-1].detach().max()))
    assert cell.initial.grad is not None
    assert not cell.initial.grad.isfinite().any()


def test_it_bridges_a_lag() -> None:
    task, draws = Recall(100, 0.04), torch.Generator().manual_seed(1)
    model = build(lag=100, units=16, adam_rate=3e-3, halving=300.0)
    optimizer = model.configure_optimizers()
    for _ in range(600):
        batch = task.sample(model.batch_size, draws)
        optimizer.step(closure=lambda batch=batch: model.gradient(batch))
    test = task.sample(500, torch.Generator().manual_seed(2))
    with torch.no_grad():
        wrong = task.wrong(model(test.inputs, test.mask), test).float().mean()
    assert wrong < 0.05  # always answering the mean is wrong on .92
