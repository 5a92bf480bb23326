"""The Levenberg-Marquardt rule, backtracking and the line search on hand-worked cases."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from longlag.methods.parts.hessian_free.damping import (
    backtrack,
    levenberg_marquardt,
    line_search,
    reduction_ratio,
)

ONE = torch.ones(1)


@pytest.mark.parametrize(
    ("ratio", "after"),
    [(0.24, 3.0), (0.25, 2.0), (0.5, 2.0), (0.75, 2.0), (0.76, 4 / 3), (-1.0, 3.0), (-math.inf, 3.0)],
)
def test_the_levenberg_marquardt_rule(ratio: float, after: float) -> None:
    assert levenberg_marquardt(2.0, ratio) == pytest.approx(after)


def test_the_reduction_ratio() -> None:
    assert reduction_ratio(before=3.0, after=2.5, predicted=-1.0) == 0.5
    assert reduction_ratio(before=3.0, after=4.0, predicted=-1.0) == -1.0
    assert reduction_ratio(before=3.0, after=math.nan, predicted=-1.0) == -math.inf
    assert reduction_ratio(before=3.0, after=2.0, predicted=0.5) == -math.inf


@pytest.mark.parametrize(
    ("losses", "chosen"),
    [
        ([5.0, 4.0, 3.0], 2),  # the last is best: two evaluations say so
        ([1.0, 3.0, 2.0, 4.0], 2),  # a local minimum on the way back is kept
        ([3.0, 2.0, math.nan], 1),
        ([3.0, math.inf, math.nan, 4.0], 3),
        ([1.0, 2.0, 3.0], 0),
    ],
)
def test_backtracking(losses: list[float], chosen: int) -> None:
    iterates = [torch.tensor([float(i)]) for i in range(len(losses))]
    asked = []

    def evaluate(step: Tensor) -> float:
        asked.append(int(step))
        return losses[int(step)]

    if chosen == 3:
        # beyond the last, an earlier finite one that is better is still found past the bad ones
        assert backtrack(evaluate, iterates) == (0, 3.0)
        return
    assert backtrack(evaluate, iterates) == (chosen, losses[chosen])
    assert asked == sorted(asked, reverse=True)


def test_backtracking_asks_no_more_once_the_loss_rises() -> None:
    asked = []

    def evaluate(step: Tensor) -> float:
        asked.append(int(step))
        return [0.0, 2.0, 1.0][int(step)]

    backtrack(evaluate, [torch.tensor([float(i)]) for i in range(3)])
    assert asked == [2, 1]


def test_backtracking_where_nothing_is_finite() -> None:
    assert backtrack(lambda _: math.nan, [ONE, ONE]) == (0, math.inf)


def test_the_line_search_takes_the_whole_step_where_it_may() -> None:
    def evaluate(_: Tensor) -> float:
        raise AssertionError("the loss at rate 1 is known")

    assert line_search(evaluate, ONE, before=1.0, after=0.98, slope=-2.0) == (1.0, 0.98)


def test_the_line_search_shrinks_until_the_decrease_suffices() -> None:
    # L(a) = a^2 - .7 a + 1 from a = 0 along 1: needs a^2 - .7 a <= -.007 a, a <= .693: .64 = .8^2
    def loss(step: Tensor) -> float:
        return float(step**2 - 0.7 * step + 1)

    rate, after = line_search(loss, ONE, before=1.0, after=loss(ONE), slope=-0.7)
    assert rate == pytest.approx(0.64)
    assert after == pytest.approx(0.64**2 - 0.7 * 0.64 + 1)


def test_the_line_search_walks_back_from_a_loss_that_is_not_finite() -> None:
    def loss(step: Tensor) -> float:
        return math.nan if float(step) > 0.5 else 1 - float(step)

    rate, _ = line_search(loss, ONE, before=1.0, after=math.nan, slope=-1.0)
    assert rate == pytest.approx(0.8**4)


@pytest.mark.parametrize("bad", [math.nan, math.inf, 2.0])
def test_the_line_search_fails_where_nothing_descends(bad: float) -> None:
    assert line_search(lambda _: bad, ONE, before=1.0, after=bad, slope=-1.0) == (0.0, 1.0)


def test_the_line_search_fails_uphill() -> None:
    assert line_search(lambda _: 0.0, ONE, before=1.0, after=0.0, slope=1.0) == (0.0, 1.0)


@given(values=st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=60))
def test_no_step_to_a_loss_that_is_not_lower_is_ever_taken(values: list[float]) -> None:
    losses = iter(values)
    rate, loss = line_search(
        lambda _: next(losses, math.nan), ONE, before=0.0, after=next(losses), slope=-1.0
    )
    assert (rate == 0 and loss == 0) or (0 < rate <= 1 and math.isfinite(loss) and loss < 0)
