"""The compiled functions of units against extended precision, and the products against float64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from longlag.methods.parts import products
from longlag.methods.parts.compiled import logistic, tanh

KINDS = [np.float32, np.float64]


def of(function, values):
    out = values.copy()
    function(out)
    return out


def everywhere(kind, bound):
    small = np.logspace(-37, 1, 10_001)
    return np.concatenate([np.linspace(-bound, bound, 200_001), small, -small]).astype(kind)


def units_off(values, exact):
    """How many units in the last place."""
    return np.abs(values - exact) / np.spacing(np.abs(exact).astype(values.dtype))


@pytest.mark.parametrize("kind", KINDS)
def test_tanh_is_good_to_three_units_in_the_last_place(kind):
    values = everywhere(kind, 25)
    out = of(tanh, values)
    assert units_off(out, np.tanh(values.astype(np.longdouble))).max() <= 3
    assert np.abs(out).max() == 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_logistic_function_is_good_to_three_units_in_the_last_place(kind):
    values = everywhere(kind, 86)
    out = of(logistic, values)
    assert units_off(out, 1 / (1 + np.exp(-values.astype(np.longdouble)))).max() <= 3
    assert out.max() == 1


@pytest.mark.parametrize("kind", KINDS)
def test_functions_of_what_is_not_finite_or_hardly_a_number(kind):
    large, tiny = np.finfo(kind).max, np.finfo(kind).smallest_subnormal
    values = np.array([np.nan, np.inf, -np.inf, large, -large, 0, tiny, -tiny] * 10, kind)
    np.testing.assert_array_equal(of(tanh, values), np.tanh(values))
    expected = np.array([np.nan, 1, 0, 1, 0, 0.5, 0.5, 0.5] * 10)
    np.testing.assert_allclose(of(logistic, values), expected, rtol=0, atol=2 * np.finfo(kind).tiny)


@njit
def _fill(a, b, p, q, start, out):
    rows, across = out.shape
    sources = (
        products.plain(a.reshape(-1), products.NONE, b.shape[0], b.reshape(-1), products.NONE),
        products.plain(p.reshape(-1), products.NONE, q.shape[0], q.reshape(-1), products.NONE),
    )
    products.fill(out.reshape(-1), products.NONE, rows, across, start, products.NONE, sources)


@njit
def _add_outer(a, b, out):
    (depth, rows), across = a.shape, b.shape[1]
    flat = out.reshape(-1), a.reshape(-1), b.reshape(-1)
    products.add_outer(
        flat[0], products.NONE, rows, across, depth, flat[1], products.NONE, flat[2], products.NONE
    )


@njit
def _add_rows(b, out):
    products.add_rows(out, products.NONE, b.shape[1], b.shape[0], b.reshape(-1), products.NONE)


SIZES = st.integers(1, 40)


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=60)
@given(rows=SIZES, across=SIZES, depth=st.integers(0, 40), more=st.integers(0, 40), seed=st.integers(0, 99))
def test_products_of_any_shape(kind, rows, across, depth, more, seed):
    rng = np.random.default_rng(seed)
    a, b, p, q, start = (
        rng.standard_normal(shape).astype(kind)
        for shape in ((rows, depth), (depth, across), (rows, more), (more, across), across)
    )
    room = np.full(rows * across + 2, 7.0, kind)
    out = room[1:-1].reshape(rows, across)
    _fill(a, b, p, q, start, out)
    exact = [x.astype(np.float64) for x in (a, b, p, q, start)]
    tolerance = 100 * np.finfo(kind).eps
    expected = exact[4] + exact[0] @ exact[1] + exact[2] @ exact[3]
    np.testing.assert_allclose(out, expected, rtol=0, atol=tolerance)
    assert room[0] == room[-1] == 7  # nothing beside it was written

    _add_outer(p.T.copy(), q, out)
    np.testing.assert_allclose(out, expected + exact[2] @ exact[3], rtol=0, atol=2 * tolerance)
    assert room[0] == room[-1] == 7
    total = start.copy()
    _add_rows(b, total)
    np.testing.assert_allclose(total, exact[4] + exact[1].sum(0), rtol=0, atol=tolerance)


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_sum_loses_few_digits(kind):
    rng = np.random.default_rng(0)
    a, b = (rng.random((20_000, units)).astype(kind) for units in (5, 9))
    out, total = np.zeros((5, 9), kind), np.zeros(9, kind)
    _add_outer(a, b, out)
    _add_rows(b, total)
    for mine, exact in ((out, a.astype(np.longdouble).T @ b), (total, b.astype(np.longdouble).sum(0))):
        np.testing.assert_allclose(mine, exact.astype(np.float64), rtol=100 * np.finfo(kind).eps)
