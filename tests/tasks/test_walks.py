"""Walks through finite data."""

import gc

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from longlag.tasks.parts.walks import Walks

counts = st.integers(1, 60)
sizes = st.lists(st.integers(1, 40), min_size=1, max_size=6)
seeds = st.integers(0, 2**40)


def stream(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(count=counts, sizes=sizes, seed=seeds)
def test_every_item_comes_once_before_any_comes_again(count: int, sizes: list[int], seed: int) -> None:
    walks, generator = Walks(count), stream(seed)
    walked = np.concatenate([walks.step(size, generator) for size in sizes])
    assert len(walked) == sum(sizes)
    for begin in range(0, len(walked), count):
        lap = walked[begin : begin + count].tolist()
        assert len(set(lap)) == len(lap)
        assert set(lap) <= set(range(count))
    often = np.bincount(walked, minlength=count)
    assert often.max() - often.min() <= 1


@given(count=counts, sizes=sizes, seed=seeds)
def test_the_seed_alone_decides_the_walk(count: int, sizes: list[int], seed: int) -> None:
    walks, generator, other = Walks(count), stream(seed), stream(seed)
    parts = []
    for size in sizes:
        parts.append(walks.step(size, generator))
        walks.step(3, other)  # somebody else's walk through the same items, in between
    assert np.array_equal(np.concatenate(parts), Walks(count).step(sum(sizes), stream(seed)))


def test_walks_are_uniform_and_a_second_lap_is_another() -> None:
    walks = Walks(5)
    laps = [walks.step(10, stream(seed)) for seed in range(4000)]
    for place in range(10):
        assert stats.chisquare(np.bincount([lap[place] for lap in laps])).pvalue > 1e-3
    assert np.mean([np.array_equal(lap[:5], lap[5:]) for lap in laps]) < 0.02  # 1 in 120 by chance


def test_a_walk_ends_with_its_generator() -> None:
    walks = Walks(5)
    for seed in range(3):
        walks.step(2, stream(seed))
    gc.collect()
    assert len(walks) == 0
