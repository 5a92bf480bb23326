"""Permutation, memorisation, copying and the long-lag rows of symbols."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor

from longlag import Batch, Task
from longlag.tasks.copy_memory import CopyMemory
from longlag.tasks.distractors import Distractors
from longlag.tasks.long_lag import LongLag
from longlag.tasks.memorisation import Memorisation
from longlag.tasks.random_permutation import RandomPermutation
from longlag.tasks.temporal_order import TemporalOrder

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


def certain(batch: Batch, classes: int) -> Tensor:
    """Outputs that are right."""
    return 20.0 * torch.nn.functional.one_hot(batch.targets, classes)


@pytest.mark.parametrize("variant", RandomPermutation.variants)
@settings(max_examples=25)
@given(lag=st.integers(1, 120), size=sizes, seed=seeds)
def test_random_permutation(variant: str, lag: int, size: int, seed: int) -> None:
    task = RandomPermutation(lag, variant)
    batch = task.sample(size, stream(seed))
    assert batch.length == lag + 1
    for b, row in enumerate(rows(batch)):
        assert row[0] in (0, 1)
        assert all(2 <= symbol < 100 for symbol in row[1:])
        following = [*row[1:], row[0]]
        goals = batch.targets[:, b].tolist()
        assert goals == (following if variant == "ms11" else following[-1:])
    last = batch.mask.nonzero().flatten().tolist()
    assert last == (list(range(lag + 1)) if variant == "ms11" else [lag])


def test_the_symbols_of_random_permutation_are_drawn_independently() -> None:
    # As in the published code, and unlike a permutation: symbols repeat, even at lags below their number.
    between = RandomPermutation(90).sample(2000, stream(0)).inputs.argmax(-1)[1:]
    assert stats.chisquare(np.bincount(between.flatten(), minlength=100)[2:]).pvalue > 1e-3
    same = float((between[1:] == between[:-1]).double().mean())
    assert same == pytest.approx(1 / 98, abs=1e-3)


@pytest.mark.parametrize(
    ("task", "shown", "kinds"),
    [(Memorisation, 5, 2), (Memorisation, 10, 5), (CopyMemory, 10, 8)],
    ids=["mem5", "mem20", "copy"],
)
@settings(max_examples=25)
@given(lag=st.integers(1, 120), size=sizes, seed=seeds)
def test_recall(task: type[Task], shown: int, kinds: int, lag: int, size: int, seed: int) -> None:
    variant = {(5, 2): "mem5", (10, 5): "mem20", (10, 8): "a16"}[shown, kinds]
    batch = task(lag, variant).sample(size, stream(seed))
    blank, trigger = kinds, kinds + 1
    assert batch.length == lag + 2 * shown
    assert batch.mask.all()
    for b, row in enumerate(rows(batch)):
        assert all(symbol < kinds for symbol in row[:shown])
        assert row[shown:] == [blank] * (lag - 1) + [trigger] + [blank] * shown
        assert batch.targets[:, b].tolist() == [blank] * (lag + shown) + row[:shown]


@settings(max_examples=25)
@given(lag=st.integers(1, 120), size=sizes, seed=seeds)
def test_selective_copy(lag: int, size: int, seed: int) -> None:
    task = CopyMemory(lag, "selective")
    batch = task.sample(size, stream(seed))
    assert batch.length == lag + 20
    for b, row in enumerate(rows(batch)):
        assert row.index(9) == lag + 9
        assert row[lag + 10 :] == [8] * 10
        data = [(step, symbol) for step, symbol in enumerate(row[: lag + 9]) if symbol != 8]
        assert len(data) == 10
        assert batch.targets[:, b].tolist() == [8] * (lag + 10) + [symbol for _, symbol in data]
        assert all(lag + 10 + i - step >= task.minimal_lag for i, (step, _) in enumerate(data))


@settings(max_examples=25)
@given(lag=st.integers(1, 120), size=sizes, seed=seeds)
def test_selective_copy_of_gu_and_dao(lag: int, size: int, seed: int) -> None:
    task = CopyMemory(lag, "gd23")
    batch = task.sample(size, stream(seed))
    # 16 symbols of the vocabulary: 14 to remember, the noise and the marker.
    assert batch.inputs.shape[-1] == 16
    assert batch.mask.nonzero().flatten().tolist() == list(range(lag + 16, lag + 32))
    for b, row in enumerate(rows(batch)):
        assert len(row) == lag + 32
        assert row[lag + 16 :] == [15] * 16
        data = [(step, symbol) for step, symbol in enumerate(row[: lag + 16]) if symbol != 14]
        assert len(data) == 16
        assert all(symbol < 14 for _, symbol in data)
        assert batch.targets[:, b].tolist() == [symbol for _, symbol in data]
        kept = [lag + 16 + i - step for i, (step, _) in enumerate(data)]
        assert task.minimal_lag == 16 <= min(kept)
        assert max(kept) <= lag + 16


@pytest.mark.parametrize(
    ("variant", "kinds", "steps", "share"), [("selective", 8, 30, 1 / 3), ("gd23", 14, 37, 16 / 37)]
)
def test_selective_copy_spreads_its_symbols_evenly(
    variant: str, kinds: int, steps: int, share: float
) -> None:
    batch = CopyMemory(21, variant).sample(8000, stream(0))
    symbols = batch.inputs.argmax(-1)
    filled = (symbols < kinds).double().mean(1)[:steps]
    assert filled.numpy() == pytest.approx(share, abs=0.02)
    shown = symbols[symbols < kinds]
    assert stats.chisquare(np.bincount(shown)).pvalue > 1e-3


@settings(max_examples=25)
@given(lag=st.integers(2, 120), size=sizes, seed=seeds)
def test_noise_free_long_lag(lag: int, size: int, seed: int) -> None:
    fixed, free = LongLag(lag, "2a"), LongLag(lag, "2b")
    batch = fixed.sample(size, stream(seed))
    for b, row in enumerate(rows(batch)):
        assert row[0] in (0, 1)
        assert row[1:] == list(range(2, lag + 1))
        assert batch.targets[:, b].tolist() == [*row[1:], row[0]]
    batch = free.sample(size, stream(seed))
    assert batch.mask.nonzero().flatten().tolist() == [lag - 1]
    for b, row in enumerate(rows(batch)):
        assert len(row) == lag
        assert all(2 <= symbol <= lag for symbol in row[1:])
        assert batch.targets[:, b].tolist() == row[:1]


@pytest.mark.parametrize("variant", Distractors.variants)
@settings(max_examples=25)
@given(lag=st.integers(1, 120), size=sizes, seed=seeds)
def test_distractors(variant: str, lag: int, size: int, seed: int) -> None:
    task = Distractors(lag, variant)
    batch = task.sample(size, stream(seed))
    assert batch.inputs.shape[-1] == (lag if variant == "2c" else 50) + 4
    for b, row in enumerate(rows(batch)):
        begin, key, *between, end = row
        assert (begin, end) == (2, 3)
        assert key in (0, 1)
        assert len(between) >= lag
        assert all(symbol >= 4 for symbol in between)
        assert batch.targets[:, b].tolist() == [key]
        assert len(row) - 1 - 1 >= task.minimal_lag  # from step 1 to the last


def test_distractors_lengths_follow_the_geometric_law() -> None:
    task, generator = Distractors(3, "2c"), stream(0)
    more = np.array([task.sample(1, generator).length - 6 for _ in range(4000)])
    assert more.min() == 0
    assert more.mean() == pytest.approx(9, abs=0.6)
    assert (more == 0).mean() == pytest.approx(0.1, abs=0.02)


def trivial(task: Task, batch: Batch) -> Tensor:
    """Log probabilities of who knows all but what the task asks to remember."""
    steps, size = batch.targets.shape
    outputs = torch.full((steps, size, task.output_size), -40.0)
    if isinstance(task, Memorisation | CopyMemory):
        if task.variant == "gd23":
            return torch.zeros_like(outputs)
        kinds = task.output_size - 1
        shown = 5 if task.variant == "mem5" else 10
        outputs[:-shown, :, kinds] = 0
        outputs[-shown:, :, :kinds] = -math.log(kinds)
    elif isinstance(task, RandomPermutation | LongLag):
        outputs[-1, :, :2] = -math.log(2)
        if task.variant == "ms11":
            outputs[:-1, :, 2:] = -math.log(98)
        if task.variant == "2a":
            for step in range(steps - 1):
                outputs[step, :, step + 2] = 0
    else:
        outputs[:] = 0
    return outputs


SYMBOLIC = [
    (task, variant)
    for task in (Memorisation, CopyMemory, RandomPermutation, LongLag, Distractors, TemporalOrder)
    for variant in task.variants
]


@pytest.mark.parametrize(("kind", "variant"), SYMBOLIC)
def test_trivial_predictors(kind: type[Task], variant: str) -> None:
    task = kind(max(40, kind.lags(variant).shortest), variant)
    batch = task.sample(3000, stream(4))
    outputs = trivial(task, batch)
    assert float(task.loss(outputs, batch.targets)) == pytest.approx(task.chance_loss, rel=1e-4)
    wrong = task.wrong(outputs, batch).double().mean()
    assert float(wrong) == pytest.approx(task.chance, abs=0.03)
    assert not task.wrong(certain(batch, task.output_size), batch).any()


def test_published_constants() -> None:
    assert CopyMemory(500).chance_loss == pytest.approx(10 * math.log(8) / 520)
    assert CopyMemory(4096, "gd23").chance_loss == pytest.approx(math.log(14))
    for variant, symbols in (("mem5", 2.5), ("mem20", 8.0)):
        task = Memorisation(50, variant)
        batch = task.sample(6000, stream(0))
        assert float(task.wrong_symbols(trivial(task, batch), batch).double().mean()) == pytest.approx(
            symbols, abs=0.06
        )
    assert Memorisation(50, "mem5").chance == 31 / 32


def test_mem5_shows_all_of_its_patterns() -> None:
    batch = Memorisation(4).sample(1000, stream(0))
    assert len({tuple(row[:5]) for row in rows(batch)}) == 32
