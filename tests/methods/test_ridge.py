"""The accumulated ridge regression against scikit-learn, and against what can be worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from longlag.methods.parts.echo_state.ridge import NormalEquations


def problem(rows: int, features: int, outputs: int, seed: int = 0, far: float = 0.0) -> tuple:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, features)) * np.logspace(-2, 1, features) + far
    y = x @ rng.standard_normal((features, outputs)) + 3.0 + 0.1 * rng.standard_normal((rows, outputs))
    return torch.from_numpy(x), torch.from_numpy(y)


def accumulated(x: torch.Tensor, y: torch.Tensor, pieces: int = 1) -> NormalEquations:
    equations = NormalEquations(x.shape[1], y.shape[1])
    for a, b in zip(x.chunk(pieces), y.chunk(pieces), strict=True):
        equations.add(a, b)
    return equations


@given(st.integers(1, 6), st.floats(1e-6, 1e3), st.floats(-50, 50))
@settings(deadline=None, max_examples=30)
def test_is_scikit_learns_ridge_after_its_scaler(pieces: int, penalty: float, far: float) -> None:
    x, y = problem(80, 6, 3, far=far)
    found = accumulated(x, y, pieces).solve(penalty)
    scaler = StandardScaler().fit(x)
    expected = Ridge(alpha=penalty * 80, solver="svd").fit(scaler.transform(x), y)
    fitted = x @ found.weights + found.intercept
    np.testing.assert_allclose(fitted, expected.predict(scaler.transform(x)), rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(found.weights.T, expected.coef_ / scaler.scale_, rtol=1e-6, atol=1e-8)


def test_worked_by_hand() -> None:
    """On centred states of unit variance and targets W'x + c, a penalty of 1 halves W and leaves c."""
    w = torch.arange(1.0, 9.0, dtype=torch.float64).reshape(4, 2)
    states = torch.cat([2 * torch.eye(4, dtype=torch.float64), -2 * torch.eye(4, dtype=torch.float64)])
    found = accumulated(states, states @ w + 3.0).solve(1.0)
    torch.testing.assert_close(found.weights, w / 2)
    torch.testing.assert_close(found.intercept, torch.full((2,), 3.0, dtype=torch.float64))


def test_intercept_is_not_penalised() -> None:
    x, y = problem(50, 3, 2)
    found = accumulated(x, y).solve(1e12)
    np.testing.assert_allclose(found.weights, 0.0, atol=1e-7)
    np.testing.assert_allclose(found.intercept, y.mean(0), rtol=1e-6)


def test_tiny_penalty_far_from_zero() -> None:
    """States about 1000 that differ by .001: sums about zero would keep no digit of their variance."""
    x, _ = problem(400, 4, 1)
    x = 1000.0 + 1e-3 * x / x.std(0)
    weights = torch.tensor([[1.0], [-2.0], [3.0], [0.5]], dtype=torch.float64)
    found = accumulated(x, x @ weights, 8).solve(1e-13)
    torch.testing.assert_close(found.weights, weights, rtol=1e-6, atol=0)


def test_constant_and_twin_features() -> None:
    """A unit that never moves and two that move alike must not spoil the fit."""
    x, y = problem(100, 3, 2)
    crowded = torch.cat([x, x[:, :1], torch.full((100, 1), 0.7, dtype=torch.float64)], 1)
    found = accumulated(crowded, y, 3).solve(1e-13)
    plain = accumulated(x, y).solve(1e-13)
    assert (found.weights[-1] == 0).all()
    torch.testing.assert_close(
        crowded @ found.weights + found.intercept, x @ plain.weights + plain.intercept, rtol=1e-6, atol=1e-6
    )


def test_more_features_than_rows() -> None:
    x, y = problem(10, 30, 1)
    found = accumulated(x, y).solve(1e-13)
    torch.testing.assert_close(x @ found.weights + found.intercept, y, rtol=1e-4, atol=1e-4)


def test_what_is_no_number_surfaces() -> None:
    x, y = problem(10, 3, 1)
    x[4, 1] = torch.inf
    assert accumulated(x, y).solve(1e-6).weights.isnan().all()


def test_flops() -> None:
    equations = accumulated(*problem(60, 5, 2))
    assert equations.add_cost(7) == 2 * 7 * 5 * (5 + 2)
    assert equations.solve(1.0).flops == pytest.approx(5**3 / 3 + 2 * 5**2 * 2)


def test_survives_a_checkpoint() -> None:
    x, y = problem(60, 5, 2)
    equations = accumulated(x[:30], y[:30])
    restored = NormalEquations(5, 2)
    restored.load_state_dict(equations.state_dict())
    restored.add(x[30:], y[30:])
    expected = accumulated(x, y, 2).solve(0.1)
    torch.testing.assert_close(restored.solve(0.1).weights, expected.weights, rtol=1e-12, atol=0)
