"""Parity, against a finite automaton that reads one bit after another."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from longlag import Batch
from longlag.tasks.parity import Parity

sizes = st.integers(1, 20)
seeds = st.integers(0, 2**40)


def stream(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def bits_of(variant: str, row: np.ndarray) -> list[bool]:
    """The bits of one sequence [T]; all of them must be what the variant allows."""
    if variant != "b94":
        assert set(row.tolist()) <= {0.0, 1.0}
        return [value == 1 for value in row]
    assert (np.abs(np.abs(row) - 1) <= 0.2 + 1e-6).all()
    return [value > 0 for value in row]


def odd(bits: list[bool]) -> bool:
    """What a machine with two states says: it changes its mind at every one."""
    state = False
    for bit in bits:
        if bit:
            state = not state
    return state


@pytest.mark.parametrize("variant", Parity.variants)
@settings(max_examples=40)
@given(lag=st.integers(2, 130), size=sizes, seed=seeds)
def test_the_answer_is_whether_the_ones_are_odd(variant: str, lag: int, size: int, seed: int) -> None:
    task = Parity(lag, variant)
    batch = task.sample(size, stream(seed))
    shortest = {"o18": lag, "o18_mixed": 1, "b94": lag // 2}[variant]
    assert shortest <= batch.length <= lag
    assert task.minimal_lag == shortest - 1
    assert batch.mask.nonzero().tolist() == [[batch.length - 1]]
    for b in range(size):
        assert bool(batch.targets[0, b, 0]) == odd(bits_of(variant, batch.inputs[:, b, 0].numpy()))


@pytest.mark.parametrize("variant", Parity.variants)
@settings(max_examples=20)
@given(lag=st.integers(20, 130), size=sizes, seed=seeds)
def test_of_a_twin_only_the_last_six_bits_are_drawn(variant: str, lag: int, size: int, seed: int) -> None:
    batch = Parity(lag, variant).twin().sample(size, stream(seed))
    for b in range(size):
        bits = bits_of(variant, batch.inputs[:, b, 0].numpy())
        assert not any(bits[:-6])
        assert bool(batch.targets[0, b, 0]) == odd(bits)


def test_a_twin_shows_all_patterns_of_its_six_bits() -> None:
    batch = Parity(40).twin().sample(4000, stream(0))
    shown = batch.inputs[-6:, :, 0].T.int().tolist()
    assert len({tuple(row) for row in shown}) == 64


@pytest.mark.parametrize("variant", Parity.variants)
def test_who_misses_one_bit_knows_nothing(variant: str) -> None:
    task = Parity(30, variant)
    for seed in range(20):
        batch = task.sample(500, stream(seed))
        for missed in {0, batch.length // 2, batch.length - 1}:
            rows = [bits_of(variant, row) for row in batch.inputs[..., 0].T.numpy()]
            said = [odd(row[:missed] + row[missed + 1 :]) for row in rows]
            right = sum(
                answer == bool(goal) for answer, goal in zip(said, batch.targets.flatten(), strict=True)
            )
            assert stats.binomtest(right, 500).pvalue > 1e-5


@pytest.mark.parametrize("variant", Parity.variants)
def test_bits_are_fair_and_lengths_and_noise_uniform(variant: str) -> None:
    task, generator = Parity(40, variant), stream(1)
    batches: list[Batch] = [task.sample(20, generator) for _ in range(1500)]
    ones = sum(int((batch.inputs > 0.5).sum()) for batch in batches)
    assert stats.binomtest(ones, sum(batch.inputs.numel() for batch in batches)).pvalue > 1e-4
    lengths = np.array([batch.length for batch in batches])
    assert lengths.max() == 40
    if variant != "o18":
        assert stats.chisquare(np.bincount(lengths)[task.shortest :]).pvalue > 1e-4
    if variant == "b94":
        values = torch.cat([batch.inputs.flatten() for batch in batches]).numpy()
        noise = np.where(values > 0, values - 1, values + 1)
        assert stats.kstest(noise[:20_000], stats.uniform(-0.2, 0.4).cdf).pvalue > 1e-4


@pytest.mark.parametrize("variant", Parity.variants)
def test_one_half_is_the_trivial_answer(variant: str) -> None:
    task = Parity(25, variant)
    batch = task.sample(4000, stream(3))
    halves = torch.zeros_like(batch.targets)
    assert float(task.loss(halves, batch.targets)) == pytest.approx(math.log(2))
    assert task.chance_loss == math.log(2)
    assert float(task.wrong(halves, batch).double().mean()) == pytest.approx(task.chance, abs=0.03)
