"""Conjugate gradient against direct solves and the published stopping rule."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from longlag.methods.parts.hessian_free.conjugate_gradient import conjugate_gradient, stalled


def positive_definite(size: int, seed: int) -> tuple[Tensor, Tensor]:
    """A with eigenvalues from 1 to 10, and b."""
    generator = torch.Generator().manual_seed(seed)
    Q, _ = torch.linalg.qr(torch.randn(size, size, generator=generator, dtype=torch.float64))
    A = Q @ torch.diag(torch.linspace(1, 10, size, dtype=torch.float64)) @ Q.T
    return A, torch.randn(size, generator=generator, dtype=torch.float64)


def test_the_textbook_case_takes_two_steps() -> None:
    A, b = torch.tensor([[3.0, 2.0], [2.0, 6.0]]).double(), torch.tensor([2.0, 1.0]).double()
    solution = conjugate_gradient(lambda v: A @ v, b, max_iterations=10, tolerance=0)
    expected = torch.tensor([5 / 7, -1 / 14], dtype=torch.float64)
    assert solution.products == 2
    assert solution.iterations == [1, 2]
    torch.testing.assert_close(solution.iterates[-1], expected)
    assert math.isclose(solution.objective[-1], float(-0.5 * b @ expected))


@given(size=st.integers(1, 12), seed=st.integers(0, 1000), warm=st.booleans())
def test_it_reaches_the_direct_solution(size: int, seed: int, warm: bool) -> None:
    A, b = positive_definite(size, seed)
    start = torch.ones_like(b) if warm else None
    solution = conjugate_gradient(lambda v: A @ v, b, start, max_iterations=3 * size, tolerance=0)
    torch.testing.assert_close(solution.iterates[-1], torch.linalg.solve(A, b), rtol=1e-8, atol=1e-8)
    for iterate, iteration in zip(solution.iterates, solution.iterations, strict=True):
        phi = float(0.5 * iterate @ A @ iterate - b @ iterate)
        assert math.isclose(solution.objective[iteration], phi, rel_tol=1e-9, abs_tol=1e-9)


def test_preconditioning_with_the_inverse_takes_one_step() -> None:
    A, b = positive_definite(8, 1)
    solution = conjugate_gradient(
        lambda v: A @ v, b, max_iterations=20, tolerance=0, preconditioner=lambda r: torch.linalg.solve(A, r)
    )
    torch.testing.assert_close(solution.iterates[0], torch.linalg.solve(A, b))
    assert solution.iterations[0] == 1


def test_a_diagonal_system_preconditioned_with_its_diagonal_takes_one_step() -> None:
    diagonal, b = torch.tensor([1.0, 10.0, 1000.0]).double(), torch.ones(3).double()
    solution = conjugate_gradient(
        lambda v: diagonal * v, b, max_iterations=20, tolerance=0, preconditioner=diagonal
    )
    torch.testing.assert_close(solution.iterates[0], b / diagonal)


@given(seed=st.integers(0, 1000))
def test_the_model_never_rises(seed: int) -> None:
    A, b = positive_definite(10, seed)
    objective = conjugate_gradient(lambda v: A @ v, b, max_iterations=8, tolerance=0).objective
    assert all(after <= before for before, after in pairwise(objective))


def test_the_solution_itself_is_a_start_that_costs_one_product() -> None:
    solution = conjugate_gradient(lambda v: 2 * v, torch.ones(3), torch.full((3,), 0.5), max_iterations=9)
    assert solution.products == 1
    assert solution.iterations == [0]
    torch.testing.assert_close(solution.iterates[-1], torch.full((3,), 0.5))


def test_the_stopping_rule_on_hand_worked_cases() -> None:
    falling = [-float(i) for i in range(12)]  # phi_11 = -11, phi_1 = -1: relative progress 10 / 11
    assert not stalled(falling, 5e-4)
    assert stalled(falling, 0.1)  # 10 / 11 < 10 * .1
    assert not stalled(falling, 0.09)  # 10 / 11 > .9
    assert not stalled(falling[:11], 0.5)  # i = 10 is not above k = 10
    assert not stalled([0.0] * 12, 0.5)  # phi must be negative
    # from i = 200 on, k = 20: no progress over the last 10 steps, but enough over the last 20
    slow = [-1.0] * 181 + [-1.0 - 0.001 * j for j in range(1, 11)] + [-1.01] * 10
    assert len(slow) == 201
    assert stalled(slow, 5e-4)  # .01 / 1.01 = .0099 < 20 * 5e-4 = .01
    assert not stalled(slow, 4e-4)  # .0099 > .008


def test_it_stops_where_the_rule_says() -> None:
    A, b = positive_definite(40, 3)
    full = conjugate_gradient(lambda v: A @ v, b, max_iterations=40, tolerance=0).objective
    expected = next(i for i in range(len(full)) if stalled(full[: i + 1], 5e-4))
    solution = conjugate_gradient(lambda v: A @ v, b, max_iterations=40, tolerance=5e-4)
    assert solution.iterations[-1] == expected < 40


def test_iterates_are_stored_at_powers_of_1_3() -> None:
    A, b = positive_definite(30, 5)
    A = torch.linalg.matrix_power(A, 6)
    solution = conjugate_gradient(lambda v: A @ v, b, max_iterations=24, tolerance=0)
    assert solution.iterations == [1, 2, 3, 4, 5, 7, 9, 11, 14, 18, 24]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("at", [1, 3])
def test_what_is_not_finite_is_never_returned(bad: float, at: int) -> None:
    A, b = positive_definite(6, 2)
    calls = 0

    def product(v: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return A @ v if calls < at else torch.full_like(v, bad)

    solution = conjugate_gradient(product, b, max_iterations=6, tolerance=0)
    assert all(bool(iterate.isfinite().all()) for iterate in solution.iterates)
    assert solution.iterations[-1] == at - 1
    assert calls == at


def test_a_start_that_is_not_finite_gives_no_iterate() -> None:
    solution = conjugate_gradient(lambda v: v * math.nan, torch.ones(2), torch.ones(2), max_iterations=3)
    assert solution.iterates == []


def test_it_stops_at_a_direction_of_no_curvature() -> None:
    solution = conjugate_gradient(lambda v: -v, torch.ones(2), max_iterations=5)
    assert solution.iterations == [0]
