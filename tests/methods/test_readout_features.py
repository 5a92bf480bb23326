"""Whitening and expansions against scikit-learn, numpy and their definitions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.preprocessing import PolynomialFeatures

from longlag.methods.parts.echo_state.expansions import Plain, Products, RandomTanh, Squares
from longlag.methods.parts.echo_state.whitening import Whitening


def states(rows: int, units: int, seed: int = 0, decades: float = 3.0) -> np.ndarray:
    """Correlated rows far from zero, whose components' deviations span `decades`."""
    rng = np.random.default_rng(seed)
    mixed, _ = np.linalg.qr(rng.standard_normal((units, units)))
    return rng.standard_normal((rows, units)) * np.logspace(0, -decades, units) @ mixed + 5.0


def whitening(x: np.ndarray, components: int, pieces: int = 1) -> Whitening:
    found = Whitening(x.shape[1], components)
    for piece in np.array_split(x, pieces):
        found.add(torch.from_numpy(piece))
    found.fix()
    return found


@given(st.integers(1, 8), st.integers(1, 6), st.integers(0, 100))
@settings(deadline=None, max_examples=40)
def test_whitening_is_scikit_learns(components: int, pieces: int, seed: int) -> None:
    x, fresh = states(60, 8, seed), states(5, 8, seed + 1000)
    ours = whitening(x, components, pieces)(torch.from_numpy(fresh)).numpy()
    theirs = PCA(components, whiten=True, svd_solver="full").fit(x).transform(fresh)
    signs = np.sign((ours * theirs).sum(0))
    np.testing.assert_allclose(ours * signs, theirs, rtol=1e-7, atol=1e-7)


def test_small_components_keep_their_digits() -> None:
    """Deviations over ten decades: in a matrix of squares the smallest four would be rounding."""
    x = states(200, 11, decades=10.0)
    z = whitening(x, 11, 7)(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(np.cov(z.T), np.eye(11), atol=1e-3)


def test_what_does_not_vary_becomes_zero() -> None:
    x = states(50, 3)
    x = np.concatenate([x, x[:, :1], np.full((50, 1), 2.0)], 1)
    z = whitening(x, 5)(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(np.cov(z[:, :3].T), np.eye(3), atol=1e-8)
    assert (z[:, 3:] == 0).all()
    assert (whitening(x[:1], 5).matrix == 0).all()


def test_no_more_components_than_units() -> None:
    assert whitening(states(30, 4), 9).components == 4


def test_nothing_before_it_is_fixed() -> None:
    found = Whitening(3, 2)
    found.add(torch.from_numpy(states(20, 3)))
    assert not found.fixed
    assert (found(torch.from_numpy(states(20, 3))) == 0).all()


def test_what_is_no_number_surfaces() -> None:
    x = states(20, 3)
    x[4, 1] = np.inf
    assert whitening(x, 2)(torch.from_numpy(states(2, 3))).isnan().all()


def test_whitening_survives_a_checkpoint() -> None:
    x = states(40, 5)
    half = Whitening(5, 3)
    half.add(torch.from_numpy(x[:20]))
    restored = Whitening(5, 3)
    restored.load_state_dict(half.state_dict())
    restored.add(torch.from_numpy(x[20:]))
    restored.fix()
    assert torch.equal(restored.matrix, whitening(x, 3, 2).matrix)


def test_whitening_flops() -> None:
    found = Whitening(5, 3)
    assert found.add(torch.zeros(20, 5, dtype=torch.float64)) == 2 * (6 + 20) * 6**2
    assert found.fix() == 22 * 6**3
    assert found.flops == 2 * 5 * 3


@given(st.integers(1, 7))
@settings(deadline=None)
def test_products_are_scikit_learns(width: int) -> None:
    x = states(6, width)
    made = Products(width)
    expected = PolynomialFeatures(2, include_bias=False).fit_transform(x)
    np.testing.assert_allclose(made(torch.from_numpy(x)), expected, rtol=1e-14)
    assert (made.count, made.flops) == (expected.shape[1], expected.shape[1] - width)


def test_squares_and_plain() -> None:
    x = torch.from_numpy(states(6, 4))
    np.testing.assert_array_equal(Squares(4)(x), np.concatenate([x, x**2], 1))
    assert Plain(4)(x) is x
    assert (Squares(4).count, Squares(4).flops) == (8, 4)
    assert (Plain(4).count, Plain(4).flops) == (4, 0)


def test_random_features() -> None:
    torch.manual_seed(0)
    made = RandomTanh(4, 3000, 0.5)
    x = torch.from_numpy(states(6, 4)).reshape(2, 3, 4)
    expected = np.tanh(np.einsum("abn,nf->abf", x.numpy(), made.weight.numpy()) + made.bias.numpy())
    np.testing.assert_allclose(made(x), np.concatenate([x, expected], -1), rtol=1e-12, atol=1e-14)
    assert (made.count, made.flops) == (3004, 2 * 4 * 3000)
    for drawn in (made.weight, made.bias):
        assert float(drawn.mean()) == pytest.approx(0.0, abs=0.04)
        assert float(drawn.std()) == pytest.approx(0.5, rel=0.04)
    torch.manual_seed(1)
    assert not torch.equal(RandomTanh(4, 3000, 0.5).weight, made.weight)
