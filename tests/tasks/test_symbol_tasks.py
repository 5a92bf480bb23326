"""Temporal order, permutation, memorisation, copying and the long-lag rows of symbols."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor

from bench import BadInput, Batch, Task
from tasks.copy_memory import CopyMemory
from tasks.distractors import Distractors
from tasks.long_lag import LongLag
from tasks.memorisation import Memorisation
from tasks.random_permutation import RandomPermutation
from tasks.temporal_order import TemporalOrder

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


def certain(batch: Batch, classes: int) -> Tensor:
    """Outputs that are right."""
    return 20.0 * torch.nn.functional.one_hot(batch.targets, classes)


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
        assert length - 1 - second >= math.floor(0.4 * length)
    assert task.minimal_lag == TemporalOrder(lag, "ms11").minimal_lag


def test_mixed_lengths_are_uniform_in_training_and_in_every_question() -> None:
    task = TemporalOrder(69, "p13_mixed")
    for split in ("train", "test"):
        generator = stream(0)
        lengths = np.bincount([task.draw(1, generator, split).length for _ in range(4000)])[50:]
        assert len(lengths) == 20  # 50 ... 69
        assert stats.chisquare(lengths).pvalue > 1e-3
    assert TemporalOrder(200, "p13_mixed").minimal_lag == 80
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


def test_selective_copy_spreads_its_symbols_evenly() -> None:
    batch = CopyMemory(21, "selective").sample(8000, stream(0))
    filled = (batch.inputs.argmax(-1) < 8).double().mean(1)[:30]
    assert filled.numpy() == pytest.approx(1 / 3, abs=0.02)


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
