"""The seeded draws that every task is made of."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from longlag.tasks.parts.draws import geometric, integers, normals, one_hot, stretched, uniforms


def stream(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(st.integers(1, 2000), st.integers(0, 50))
def test_the_largest_uniform_stays_inside(width: int, start: int) -> None:
    edges = np.array([0, 1 - 2**-24], dtype=np.float32)
    drawn = integers(edges, start, start + width)
    assert drawn[0] == start
    assert drawn[1] == start + width - 1


def test_uniforms_are_sequence_major() -> None:
    generator = stream(3)
    parts = [uniforms(size, 37, generator) for size in (1, 19, 30)]
    assert np.array_equal(np.concatenate(parts), uniforms(50, 37, stream(3)))


def test_normals_are_normal_finite_and_symmetric() -> None:
    extremes = normals(np.array([0, 0.5 - 2**-24, 0.5, 1 - 2**-24], dtype=np.float32))
    assert np.isfinite(extremes).all()
    assert extremes[0] == -extremes[3]
    assert extremes[1] == -extremes[2]
    assert stats.kstest(normals(uniforms(200, 500, stream(0))).ravel(), "norm").pvalue > 1e-3
    grid = np.linspace(0.001, 0.999, 101).astype(np.float32)
    assert normals(grid) == pytest.approx(stats.norm.ppf(grid.astype(np.float64)), abs=2e-4)


def test_lengths_are_uniform_from_the_lag_to_a_tenth_more() -> None:
    generator = stream(0)
    lengths = [stretched(57, 1, 2, generator)[0] for _ in range(6000)]
    counts = np.bincount(lengths)[57:]
    assert len(counts) == 6  # 57 ... 62
    assert stats.chisquare(counts).pvalue > 1e-3
    assert {stretched(9, 1, 2, generator)[0] for _ in range(50)} == {9}
    _, block = stretched(57, 4, 2, generator)
    assert block.shape == (4, 62 + 2)


def test_geometric_counts_how_often_more_comes() -> None:
    generator = stream(1)
    counts = np.bincount([geometric(generator, 0.9) for _ in range(20000)], minlength=60)[:20]
    expected = 20000 * 0.9 ** np.arange(20) * 0.1
    assert np.all(abs(counts - expected) < 5 * np.sqrt(expected))


def test_one_hot_matches_torch() -> None:
    symbols = integers(uniforms(4, 9, stream(2)), 0, 6)
    expected = torch.nn.functional.one_hot(torch.from_numpy(symbols).T, 6).float()
    assert torch.equal(one_hot(symbols, 6), expected)
