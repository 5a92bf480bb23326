"""Nesterov's momentum against numpy and a closed form; decay and momentum against their definitions."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from longlag import Network, Recipe, SquaredError
from longlag.bench.contract import FlatParameter
from longlag.methods.parts.optimisers import AdamOrMomentum, PlainDescent
from longlag.methods.parts.tanh.cell import TanhCell
from longlag.methods.parts.updates import AcceleratedGradient, Adam, Descent

BLANK = Recipe(cell=print, initialiser=print, optimiser=print, units=1, batch_size=1)


def rosenbrock(x):
    return (1 - x[0]) ** 2 + 5 * (x[1] - x[0] ** 2) ** 2


def rosenbrock_gradient(x):
    return np.array([-2 * (1 - x[0]) - 20 * x[0] * (x[1] - x[0] ** 2), 10 * (x[1] - x[0] ** 2)])


def closure_of(function, parameter, optimizer):
    def closure():
        optimizer.zero_grad()
        loss = function(parameter)
        loss.backward()
        return loss.detach()

    return closure


def minimise(function, optimizer, parameter, updates):
    path = []
    for _ in range(updates):
        optimizer.step(closure_of(function, parameter, optimizer))
        path.append(parameter.detach().numpy().copy())
    return np.array(path)


def test_accelerated_gradient_is_sutskevers_recursion():
    theta, v, path = np.array([-1.2, 1.0]), np.zeros(2), []
    for k in range(60):
        mu = 0.9 if k < 20 else 0.995
        v = mu * v - 1e-3 * rosenbrock_gradient(theta + mu * v)
        theta = theta + v
        path.append(theta)
    parameter = nn.Parameter(torch.tensor([-1.2, 1.0], dtype=torch.float64))
    optimizer = AcceleratedGradient(parameter, 1e-3, 0.995, early_updates=20)
    np.testing.assert_allclose(minimise(rosenbrock, optimizer, parameter, 60), path, rtol=1e-12)


@settings(max_examples=25, deadline=None)
@given(mu=st.floats(0.0, 0.99), curvature=st.floats(0.1, 9.0))
def test_on_a_quadratic_it_follows_the_closed_form(mu, curvature):
    # x_(k+1) = (1 - eps c) (x_k + mu (x_k - x_(k-1))), so x_k = a r^k + b s^k with r, s the roots
    shrink = 1 - 0.1 * curvature
    r, s = np.roots([1, -shrink * (1 + mu), shrink * mu]).astype(complex)
    k = np.arange(1, 31)
    if abs(r - s) < 1e-3:
        return
    x1 = shrink
    a = (x1 - s) / (r - s)
    expected = (a * r**k + (1 - a) * s**k).real
    parameter = nn.Parameter(torch.ones(1, dtype=torch.float64))
    optimizer = AcceleratedGradient(parameter, 0.1, mu, early_updates=0)
    path = minimise(lambda x: 0.5 * curvature * (x**2).sum(), optimizer, parameter, 30)
    np.testing.assert_allclose(path[:, 0], expected, atol=1e-8)


def test_the_gradient_is_taken_ahead_and_the_parameters_come_back():
    parameter = nn.Parameter(torch.tensor([1.0], dtype=torch.float64))
    optimizer = AcceleratedGradient(parameter, 0.1, 0.5, early_updates=0)
    seen = []

    def square(x):
        seen.append(x.item())
        return (x**2).sum()

    path = minimise(square, optimizer, parameter, 2)[:, 0]
    assert path[0] == pytest.approx(0.8)  # v = -0.2
    assert seen == pytest.approx([1.0, 0.7])  # theta + mu v = 0.8 - 0.1
    assert path[1] == pytest.approx(0.8 + (-0.1 - 0.1 * 2 * 0.7))


def test_the_first_thousand_updates_have_momentum_nine_tenths():
    parameter = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = AcceleratedGradient(parameter, 1e-3, 0.0)
    path = minimise(lambda x: x.sum(), optimizer, parameter, 1003)[:, 0]
    speeds = -np.diff(path) / 1e-3
    assert speeds[900] == pytest.approx(10, rel=1e-6)  # 1 / (1 - .9)
    assert speeds[998] == pytest.approx(10, rel=1e-6)
    assert speeds[999] == pytest.approx(1)


def test_a_gradual_momentum_nears_its_end_by_the_same_factor_every_update():
    mus = [1 - 0.1 * 0.02 ** (k / 40) if k < 40 else 0.998 for k in range(60)]
    v, speeds = 0.0, []
    for mu in mus:
        v = mu * v - 1e-3
        speeds.append(v)
    parameter = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = AcceleratedGradient(parameter, 1e-3, 0.998, early_updates=40, gradual=True)
    path = minimise(lambda x: x.sum(), optimizer, parameter, 60)[:, 0]
    np.testing.assert_allclose(path, np.cumsum(speeds), rtol=1e-12)


def test_a_step_returns_the_closures_loss_and_needs_one():
    parameter = nn.Parameter(torch.tensor([3.0]))
    optimizer = AcceleratedGradient(parameter, 0.1, 0.9)
    assert optimizer.step(closure_of(lambda x: (x**2).sum(), parameter, optimizer)) == 9
    with pytest.raises(ValueError, match="closure"):
        optimizer.step()


def test_a_frozen_parameter_does_not_move():
    moving, frozen = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    for parameter in (moving, frozen):
        optimizer = AcceleratedGradient(parameter, 0.1, 0.9)
        for _ in range(3):
            optimizer.step(closure_of(lambda x: (x**2).sum(), moving, optimizer))
            moving.grad = moving.grad if parameter is moving else None
    assert torch.equal(frozen, torch.ones(2))
    assert (moving < 1).all()


def nesterov(parameter):
    return AcceleratedGradient(parameter, 1e-3, 0.99, early_updates=5)


def decaying_adam(parameter):
    return Adam(parameter, 0.01, 4.0)


@pytest.mark.parametrize("make", [nesterov, decaying_adam])
def test_training_continues_from_a_state_dictionary_as_if_uninterrupted(make):
    start = torch.tensor([-1.2, 1.0], dtype=torch.float64)
    parameter = nn.Parameter(start.clone())
    whole = minimise(rosenbrock, make(parameter), parameter, 20)
    parameter = nn.Parameter(start.clone())
    first = make(parameter)
    minimise(rosenbrock, first, parameter, 3)
    saved = copy.deepcopy(first.state_dict())
    resumed = nn.Parameter(parameter.detach().clone())
    second = make(resumed)
    second.load_state_dict(saved)
    assert np.array_equal(minimise(rosenbrock, second, resumed, 17), whole[3:])


def test_the_rate_halves_after_as_many_updates_as_said():
    parameter = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = Descent(parameter, 0.5, halving=100.0)
    path = minimise(lambda x: x.sum(), optimizer, parameter, 101)[:, 0]
    steps = -np.diff(np.concatenate([[0.0], path]))
    np.testing.assert_allclose(steps, 0.5 / (1 + np.arange(101) / 100), rtol=1e-9)
    assert steps[100] == pytest.approx(0.25)


def one_update(change, **hyperparameters):
    """The rule's optimiser after some updates of a small net, and the gradients it saw."""
    torch.manual_seed(0)
    net = Network(TanhCell(1, 2), 1)
    optimizer = change.apply(BLANK, **hyperparameters).optimiser(net, None)
    target, seen, path = torch.ones(3, 2, 1), [], [net.readout.weight.detach().numpy().copy()]
    for _ in range(4):
        optimizer.zero_grad()
        SquaredError()(net(torch.ones(3, 2, 1)), target).backward()
        optimizer.step()
        seen.append(net.readout.weight.grad.numpy().copy())
        path.append(net.readout.weight.detach().numpy().copy())
    return seen, path


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_momentum_descent_accumulates_a_velocity(momentum):
    settled = {"optimiser": "descent", "descent_rate": 0.1, "momentum": momentum, "halving": 1e9}
    gradients, path = one_update(AdamOrMomentum(), **settled)
    velocity, theta = 0.0, path[0]
    for gradient, reached in zip(gradients, path[1:], strict=True):
        velocity = momentum * velocity + gradient
        theta = theta - 0.1 * velocity
        np.testing.assert_allclose(reached, theta, rtol=1e-5, atol=1e-7)


def test_plain_descent_steps_along_the_gradient():
    gradients, path = one_update(PlainDescent(), learning_rate=0.1)
    assert any(np.abs(g).max() > 1e-3 for g in gradients)
    for gradient, before, after in zip(gradients, path[:-1], path[1:], strict=True):
        np.testing.assert_allclose(after, before - 0.1 * gradient, rtol=1e-5, atol=1e-7)


def test_adam_takes_steps_of_its_rate_at_first():
    # bias-corrected, the first update is rate * sign(gradient) (Kingma & Ba 2015, section 2.1)
    gradients, path = one_update(AdamOrMomentum(), optimiser="adam", adam_rate=0.01, halving=1e9)
    np.testing.assert_allclose(path[1] - path[0], -0.01 * np.sign(gradients[0]), rtol=1e-4)


OURS_AND_TORCHS = {
    "descent": (lambda p: Descent(p, 0.1), lambda p: torch.optim.SGD([p], lr=0.1)),
    "momentum": (lambda p: Descent(p, 0.1, 0.9), lambda p: torch.optim.SGD([p], lr=0.1, momentum=0.9)),
    "Adam": (lambda p: Adam(p, 0.01), lambda p: torch.optim.Adam([p], lr=0.01, fused=True)),
}


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize("flat", [True, False], ids=["compiled", "torch"])
@pytest.mark.parametrize("name", OURS_AND_TORCHS)
@settings(max_examples=15, deadline=None)
@given(size=st.integers(1, 70), seed=st.integers(0, 99))
def test_updates_are_torchs_own(name, flat, kind, size, seed):
    ours, torchs = OURS_AND_TORCHS[name]
    torch.manual_seed(seed)
    weight, other = (nn.Parameter(torch.randn(size, dtype=kind)) for _ in range(2))
    weight.data.copy_(other.data)
    parameter = FlatParameter([weight]) if flat else weight
    mine, theirs = ours(parameter), torchs(other)
    for _ in range(20):
        other.grad = torch.randn(size, dtype=kind)
        weight.grad = other.grad.clone()
        mine.step()
        theirs.step()
    # A unit in the last place, an update: torch's vector and scalar loops differ by as much.
    torch.testing.assert_close(parameter.detach(), other.detach(), rtol=0, atol=60 * torch.finfo(kind).eps)


@settings(max_examples=15, deadline=None)
@given(size=st.integers(1, 70), seed=st.integers(0, 99))
def test_an_accelerated_gradient_is_the_same_compiled(size, seed):
    torch.manual_seed(seed)
    start, target = torch.randn(size), torch.randn(size)
    flat, plain = FlatParameter([nn.Parameter(start.clone())]), nn.Parameter(start.clone())
    for parameter in (flat, plain):
        optimizer = AcceleratedGradient(parameter, 0.01, 0.9)
        for _ in range(20):

            def closure(parameter=parameter, optimizer=optimizer):
                optimizer.zero_grad()
                slopes = (parameter.detach() - target) * 2
                if parameter is flat:
                    flat.clear()
                    flat.grad.copy_(slopes)
                else:
                    parameter.grad = slopes
                return slopes.square().sum()

            optimizer.step(closure)
    torch.testing.assert_close(flat.detach(), plain.detach(), rtol=0, atol=1e-5)
