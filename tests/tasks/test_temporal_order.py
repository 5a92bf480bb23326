"""Temporal order, against the papers' windows."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from longlag import BadInput, Batch
from longlag.tasks.temporal_order import TemporalOrder

lags = st.integers(10, 120)
sizes = st.integers(1, 15)
seeds = st.integers(0, 2**40)


def stream(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rows(batch: Batch) -> list[list[int]]:
    """Every sequence as a list of symbols; the inputs must be one-hot."""
    assert torch.equal(batch.inputs.sum(-1), torch.ones(batch.length, batch.size))
    assert set(batch.inputs.unique().tolist()) <= {0, 1}
    columns: list[list[int]] = batch.inputs.argmax(-1).T.tolist()
    return columns


# The published windows at T = 100, as 0-based steps with both ends included. The papers say [10, 20] and
# [50, 60]; [10, 20], [33, 43] and [66, 76], from 1 to the length; [10, 20) and [50, 60); and so on.
AT_100 = {
    "hs97": [(9, 19), (49, 59)],
    "hs97_3": [(9, 19), (32, 42), (65, 75)],
    "ms11": [(10, 19), (50, 59)],
    "ms11_3": [(10, 19), (30, 39), (60, 69)],
}


@pytest.mark.parametrize("variant", AT_100)
@settings(max_examples=40)
@given(lag=lags, size=sizes, seed=seeds)
def test_temporal_order(variant: str, lag: int, size: int, seed: int) -> None:
    task = TemporalOrder(lag, variant)
    batch = task.sample(size, stream(seed))
    ends = variant.startswith("hs97")
    windows = AT_100[variant]
    assert batch.length in range(lag, lag + lag // 10 + 1) if ends else batch.length == lag
    for b, row in enumerate(rows(batch)):
        # a b c d X Y (E B)
        keys = [(step, symbol) for step, symbol in enumerate(row) if symbol in (4, 5)]
        assert len(keys) == len(windows)
        order = "".join("X" if symbol == 4 else "Y" for _, symbol in keys)
        assert int(batch.targets[0, b]) == int(order.replace("X", "0").replace("Y", "1"), 2)
        for (step, _), (low, high) in zip(keys, windows, strict=True):
            if ends:  # in positions from 1
                assert (low + 1) * lag // 100 <= step + 1 <= max(2, (high + 1) * lag / 100)
            else:
                assert low * lag // 100 <= step < (high + 1) * lag / 100
            if lag == 100:
                assert low <= step <= high
        assert batch.length - 1 - keys[-1][0] >= task.minimal_lag
        if ends:
            assert row[0] == 6
            assert row[-1] == 7
            assert 6 not in row[1:]
            assert 7 not in row[:-1]


@pytest.mark.parametrize("variant", AT_100)
def test_keys_fill_their_published_windows_and_classes_are_balanced(variant: str) -> None:
    task = TemporalOrder(100, variant)
    batch = task.sample(12_000, stream(0))
    symbols = batch.inputs.argmax(-1)
    steps = ((symbols == 4) | (symbols == 5)).any(1).nonzero().flatten().tolist()
    assert steps == [step for low, high in AT_100[variant] for step in range(low, high + 1)]
    shares = np.bincount(batch.targets[0], minlength=task.output_size) / batch.size
    assert shares == pytest.approx(1 / task.output_size, abs=0.015)
    distractors = np.bincount(symbols[25:30].flatten(), minlength=8)[:4] / (5 * batch.size)
    assert distractors == pytest.approx(0.25, abs=0.01)


@settings(max_examples=40)
@given(lag=st.integers(51, 250), size=sizes, seed=seeds)
def test_mixed_lengths_scale_the_windows(lag: int, size: int, seed: int) -> None:
    task = TemporalOrder(lag, "p13_mixed")
    batch = task.sample(size, stream(seed))
    length = batch.length
    assert 50 <= length <= lag
    assert batch.mask.nonzero().tolist() == [[length - 1]]
    for b, row in enumerate(rows(batch)):
        (first, x), (second, y) = [(step, symbol) for step, symbol in enumerate(row) if symbol in (4, 5)]
        assert length // 10 <= first < 2 * length / 10
        assert length // 2 <= second < 6 * length / 10
        assert int(batch.targets[0, b]) == 2 * (x - 4) + y - 4
        assert length - 1 - second >= max(task.minimal_lag, math.floor(0.4 * length))
    assert task.minimal_lag == TemporalOrder(50, "ms11").minimal_lag


def test_mixed_lengths_are_uniform_in_training_and_in_every_question() -> None:
    task = TemporalOrder(69, "p13_mixed")
    for split in ("train", "test"):
        generator = stream(0)
        lengths = np.bincount([task.draw(1, generator, split).length for _ in range(4000)])[50:]
        assert len(lengths) == 20  # 50 ... 69
        assert stats.chisquare(lengths).pvalue > 1e-3
    assert TemporalOrder(200, "p13_mixed").minimal_lag == 20
    with pytest.raises(BadInput, match="lags of 51 and more"):
        TemporalOrder(50, "p13_mixed")


@pytest.mark.parametrize(("variant", "published"), [("hs97", 40), ("hs97_3", 24)])
def test_the_minimal_lags_are_those_the_paper_states(variant: str, published: int) -> None:
    task, generator = TemporalOrder(100, variant), stream(0)
    assert task.minimal_lag == published
    bridged = []
    for _ in range(100):
        batch = task.sample(100, generator)
        symbols = batch.inputs.argmax(-1)
        last = ((symbols == 4) | (symbols == 5)).int().cumsum(0).argmax(0)
        bridged.append(batch.length - 1 - int(last.max()))
    assert min(bridged) == published


def test_temporal_order_wrong_rules() -> None:
    strict, loose = TemporalOrder(100, "hs97"), TemporalOrder(100, "ms11")
    for task in (strict, loose):
        batch = task.sample(3, stream(0))
        probabilities = torch.full((1, 3, 4), 0.0)
        for b, right in enumerate((0.71, 0.69, 0.3)):
            probabilities[0, b] = (1 - right) / 3
            probabilities[0, b, batch.targets[0, b]] = right
        assert task.wrong(probabilities.log(), batch).tolist() == (
            [False, True, True] if task is strict else [False, False, False]
        )
