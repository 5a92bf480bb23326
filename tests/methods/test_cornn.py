"""Coupled oscillators: how one swings and fades, how errors come back, what they learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from longlag.bench.plugins.registry import discover
from longlag.methods.parts.cornn.cell import CoRNNCell
from tests.methods.recall import Recall

REGISTRY = discover()


def build():
    torch.manual_seed(0)
    method = REGISTRY.method("cornn")
    return method.build(Recall(60), **method.recipes(Recall(60).sizes)[0])


def test_a_unit_that_nothing_drives_swings_as_the_equation_of_a_damped_pendulum_does() -> None:
    dt, gamma, epsilon = 1e-3, 4.0, 0.5
    cell = CoRNNCell(1, 1, dt, gamma, epsilon).double()
    cell.initial.data.fill_(0.8)
    states = cell(torch.zeros(5000, 1, 1, dtype=torch.float64))[:, 0, 0].detach()
    times = dt * torch.arange(1, 5001, dtype=torch.float64)
    swing = math.sqrt(gamma - epsilon**2 / 4)
    fading = (-epsilon / 2 * times).exp()
    closed = 0.8 * fading * ((swing * times).cos() + epsilon / (2 * swing) * (swing * times).sin())
    # Of first order: the step is a thousandth.
    assert float((states - closed).abs().max()) < 3e-3


def test_without_damping_an_error_comes_back_over_any_lag_by_the_matrix_of_a_step() -> None:
    dt, gamma = 0.125, 1.0  # exact in float32 too
    cell = CoRNNCell(1, 1, dt, gamma, 0.0).double()
    cell(torch.zeros(1000, 1, 1, dtype=torch.float64))[-1].sum().backward()
    step = np.array([[1 - dt * dt * gamma, dt], [-dt * gamma, 1.0]])
    to_state, to_velocity = np.linalg.matrix_power(step, 1000)[0]
    # Its eigenvalues lie on the unit circle.
    np.testing.assert_allclose(np.abs(np.linalg.eigvals(step)), 1.0)
    assert float(cell.initial.grad) == pytest.approx(to_state)
    assert float(cell.initial_velocity.grad) == pytest.approx(to_velocity)


@pytest.mark.parametrize("balance", [0.0, 0.5, 1.0])
def test_near_rest_a_balanced_unit_is_pulled_by_what_its_own_weight_leaves_of_gamma(balance: float) -> None:
    dt, gamma, epsilon = 0.06, 66.0, 15.0
    method, settings = REGISTRY.method("cornn"), REGISTRY.method("cornn").recipes(Recall(60).sizes)[0]
    swing = {"dt": dt, "gamma": gamma, "epsilon": epsilon, "balance": balance, "init_scale": 1e-9}
    cell = method.build(Recall(60), **settings | swing).network.recurrent.double()
    # Small enough that tanh is straight, large enough for the weights in single precision.
    cell.initial.data.fill_(1e-6)
    states = cell(torch.zeros(300, 1, Recall(60).input_size, dtype=torch.float64))[:, 0, 0].detach()
    pull = (1 - balance) * gamma
    step = np.array([[1 - dt * dt * pull, dt * (1 - dt * epsilon)], [-dt * pull, 1 - dt * epsilon]])
    closed = [1e-6 * np.linalg.matrix_power(step, t)[0, 0] for t in range(1, 301)]
    np.testing.assert_allclose(states, closed, atol=1e-12)
    # An e-th is left after 4 steps without a balance; all of it, at any time, at a balance of 1.
    assert abs(closed[20]) < 1e-8 if balance == 0 else balance < 1 or closed[-1] == pytest.approx(1e-6)


def test_unbalanced_weights_are_the_classical_ones() -> None:
    settings = REGISTRY.method("cornn").recipes(Recall(60).sizes)[2]
    model = REGISTRY.method("cornn").build(Recall(60), **settings)
    cell, bound = model.network.recurrent, 1 / math.sqrt(settings["units"])
    for block in (*cell.recurrent_blocks(), *cell.input_blocks(), model.network.readout.weight):
        assert 0.8 * bound < float(block.detach().abs().max()) <= bound
    assert not torch.any(model.network.readout.bias)


def test_the_swing_is_held_and_belongs_to_the_checkpoint() -> None:
    model = build()
    cell = model.network.recurrent
    held = cell.swing.clone()
    assert "network.recurrent.swing" in model.state_dict()
    optimizer = model.configure_optimizers()
    optimizer.step(closure=lambda: model.gradient(Recall(60).sample(10, torch.Generator().manual_seed(0))))
    assert torch.equal(cell.swing, held)


def test_everything_trains() -> None:
    model = build()
    model.gradient(Recall(60).sample(5, torch.Generator().manual_seed(0)))
    for name, parameter in model.network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.count_nonzero(parameter.grad) > 0, name


def test_it_bridges_a_lag() -> None:
    task, draws = Recall(60), torch.Generator().manual_seed(1)
    model = build()
    optimizer = model.configure_optimizers()
    for _ in range(600):
        batch = task.sample(model.batch_size, draws)
        optimizer.step(closure=lambda batch=batch: model.gradient(batch))
    test = task.sample(500, torch.Generator().manual_seed(2))
    with torch.no_grad():
        wrong = task.wrong(model(test.inputs, test.mask), test).float().mean()
    assert wrong < 0.05  # always answering the mean is wrong on .8
