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
