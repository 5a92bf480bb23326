"""Induction and associative recall: what came after a symbol is asked for when it comes again."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from longlag import Batch, Task
from longlag.tasks.associative_recall import AssociativeRecall
from longlag.tasks.induction import Induction

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


@pytest.mark.parametrize("variant", Induction.variants)
@settings(max_examples=40)
@given(lag=st.integers(10, 130), size=sizes, seed=seeds)
def test_induction_asks_for_what_followed_the_special_symbol(
    variant: str, lag: int, size: int, seed: int
) -> None:
    task = Induction(lag, variant)
    batch = task.sample(size, stream(seed))
    assert batch.inputs.shape == (lag, size, 16)
    assert batch.mask.nonzero().tolist() == [[lag - 1]]
    for b, row in enumerate(rows(batch)):
        first, last = (step for step, symbol in enumerate(row) if symbol == 15)
        assert last == lag - 1
        assert batch.targets[0, b] == row[first + 1]
        assert first < lag - 3
        if variant == "early":
            assert first < lag / 10
        assert last - (first + 1) >= task.minimal_lag


@pytest.mark.parametrize(("variant", "places"), [("gd23", 37), ("early", 4)])
def test_the_special_symbol_and_the_others_are_spread_evenly(variant: str, places: int) -> None:
    batch = Induction(40, variant).sample(8000, stream(0))
    symbols = batch.inputs.argmax(-1)
    first = (symbols == 15).int().argmax(0)
    assert len(np.bincount(first)) == places
    assert stats.chisquare(np.bincount(first)).pvalue > 1e-3
    assert stats.chisquare(np.bincount(symbols[symbols != 15])).pvalue > 1e-3
    assert stats.chisquare(np.bincount(batch.targets[0])).pvalue > 1e-3


def recalled(row: list[int]) -> dict[int, int]:
    """What a reader with a dictionary answers, by the step it is asked at."""
    shown: dict[int, int] = {}
    answers: dict[int, int] = {}
    for step, (symbol, after) in enumerate(zip(row, [*row[1:], 0], strict=True)):
        if symbol in shown:
            answers[step] = shown[symbol]
        elif 1 <= symbol <= 31:
            assert 32 <= after < 64
            shown[symbol] = after - 32
    return answers


@pytest.mark.parametrize("variant", AssociativeRecall.variants)
@settings(max_examples=25)
@given(more=st.integers(0, 120), size=sizes, seed=seeds)
def test_associative_recall_asks_for_the_value_of_every_key(
    variant: str, more: int, size: int, seed: int
) -> None:
    pairs = {"a23_4": 4, "a23_8": 8, "a23_16": 16}[variant]
    lag = 4 * pairs + more
    batch = AssociativeRecall(lag, variant).sample(size, stream(seed))
    assert batch.inputs.shape == (lag, size, 64)
    steps = batch.mask.nonzero().flatten().tolist()
    assert len(steps) == pairs
    assert all(step >= 2 * pairs and step % 2 == 0 for step in steps)
    for b, row in enumerate(rows(batch)):
        keys, values = row[: 2 * pairs : 2], row[1 : 2 * pairs : 2]
        assert len(set(keys)) == len(set(values)) == pairs
        assert all(1 <= key <= 31 for key in keys)
        assert sorted(row[2 * pairs :]) == [0] * (lag - 3 * pairs) + sorted(keys)
        answers = recalled(row)
        assert list(answers) == steps
        assert batch.targets[:, b].tolist() == list(answers.values())


def test_the_gaps_follow_the_power_law() -> None:
    # Of the first key, which is drawn first: p(k) ~ k^(a - 1), a = .01, among (64 - 8) / 2 places.
    task, generator = AssociativeRecall(64), stream(0)
    first = []
    for _ in range(4000):
        row = rows(task.sample(1, generator))[0]
        first.append((row[1:].index(row[0]) + 1 - 8) // 2)
    law = np.arange(1, 29) ** -0.99
    expected = 4000 * law / law.sum()
    assert stats.chisquare(np.bincount(first, minlength=28), expected).pvalue > 1e-3


def test_later_keys_are_drawn_from_the_places_that_are_left() -> None:
    # Three places and four keys do not go; with four places the last key takes what the others leave.
    task, generator = AssociativeRecall(16), stream(0)
    weights = np.arange(1, 5) ** -0.99
    orders: dict[tuple[int, ...], int] = {}
    for _ in range(3000):
        row = rows(task.sample(1, generator))[0]
        order = tuple((row[8:].index(row[2 * i])) // 2 for i in range(4))
        orders[order] = orders.get(order, 0) + 1
    found, expected = [], []
    for order, count in orders.items():
        chance, left = 1.0, weights.sum()
        for place in order:
            chance *= weights[place] / left
            left -= weights[place]
        found.append(count)
        expected.append(3000 * chance)
    assert len(found) == 24
    assert stats.chisquare(found, np.array(expected)).pvalue > 1e-3


def test_keys_and_values_are_drawn_evenly_and_apart() -> None:
    batch = AssociativeRecall(40, "a23_8").sample(4000, stream(2))
    symbols = batch.inputs.argmax(-1)[:16]
    keys, values = symbols[0::2], symbols[1::2]
    assert stats.chisquare(np.bincount(keys.flatten())[1:]).pvalue > 1e-3
    assert stats.chisquare(np.bincount(values.flatten())[32:]).pvalue > 1e-3
    table = np.zeros((31, 32))
    np.add.at(table, (keys.flatten() - 1, values.flatten() - 32), 1)
    assert stats.chi2_contingency(table).pvalue > 1e-3


@pytest.mark.parametrize(
    ("kind", "variant"),
    [(kind, variant) for kind in (Induction, AssociativeRecall) for variant in kind.variants],
)
def test_equal_probabilities_are_the_trivial_answer(kind: type[Task], variant: str) -> None:
    task = kind(kind.lags(variant).shortest + 10, variant)
    batch = task.sample(6000, stream(4))
    outputs = torch.zeros(*batch.targets.shape, task.output_size)
    assert float(task.loss(outputs, batch.targets)) == pytest.approx(task.chance_loss)
    guesses = torch.rand(outputs.shape, generator=stream(5))
    assert float(task.wrong(guesses, batch).double().mean()) == pytest.approx(task.chance, abs=0.01)
    right = 20.0 * torch.nn.functional.one_hot(batch.targets, task.output_size)
    assert not task.wrong(right, batch).any()


def test_one_wrong_value_of_many_is_wrong() -> None:
    task = AssociativeRecall(64, "a23_8")
    batch = task.sample(8, stream(6))
    outputs = 20.0 * torch.nn.functional.one_hot(batch.targets, 32)
    for b in range(8):
        outputs[b, b] = outputs[b, b].roll(1)
    assert task.wrong(outputs, batch).all()
    assert task.wrong(outputs[:, :1], batch.narrow(1)).all()
