"""The scan by both kernels against a loop of numpy's in double precision, and against finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from longlag.methods.parts.scan.scan import scan

KINDS = {torch.float32: 2e-6, torch.float64: 1e-13, torch.complex64: 4e-6, torch.complex128: 1e-13}
DOUBLES = [torch.float64, torch.complex128]
RATES = ["varying", "steady"]
SHAPES = [(30, 7, 20), (100, 4, 3), (1, 1, 1), (9, 33, 5)]


def problem(length: int, size: int, units: int, rates: str, kind: torch.dtype, seed: int = 0) -> list[Tensor]:
    """Rates of absolute values from .7 to 1.05, normal drives and initial states."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.complex128 if kind.is_complex else None)

    shape = (length, size, units) if rates == "varying" else (units,)
    a = normal(*shape)
    a = a.sgn() * (0.7 + 0.35 * a.abs().clamp(max=1))
    return [part.to(kind).requires_grad_() for part in (a, normal(length, size, units), normal(units))]


def masked(length: int, which: str) -> np.ndarray[Any, Any] | None:
    return {
        "all": None,
        "last": np.array([length - 1]),
        "scattered": np.arange(0, length, 3),
        "none": np.arange(0),
    }[which]


def written_out(
    rates: Tensor, drives: Tensor, initial: Tensor, given_back: Tensor, steps: np.ndarray[Any, Any] | None
) -> list[np.ndarray[Any, Any]]:
    """States, and what `given_back` [S, B, H] is in rates, drives and initial state: one number at a time."""
    a, b, start, g = (
        part.detach().numpy().astype(np.complex128) for part in (rates, drives, initial, given_back)
    )
    length, size, units = b.shape
    chosen = list(range(length)) if steps is None else list(steps)
    h, full = np.zeros_like(b), np.broadcast_to(a, b.shape)
    to_a, to_b, to_start = np.zeros_like(a), np.zeros_like(b), np.zeros_like(start)
    for s in range(size):
        for i in range(units):
            state = start[i]
            for t in range(length):
                state = h[t, s, i] = full[t, s, i] * state + b[t, s, i]
            # dE/db_t = sum over later t' of g_t' times the conjugate of what b_t is multiplied by on its way
            for place, last in enumerate(chosen):
                weight = g[place, s, i]
                for t in range(last, -1, -1):
                    to_b[t, s, i] += weight
                    where = (i,) if a.ndim == 1 else (t, s, i)
                    to_a[where] += weight * np.conj(h[t - 1, s, i] if t else start[i])
                    weight *= np.conj(full[t, s, i])
                to_start[i] += weight
    return [h[chosen], to_a, to_b, to_start]


def close(ours: Tensor, truth: np.ndarray[Any, Any], tolerance: float) -> None:
    found = ours.detach().numpy().astype(np.complex128)
    assert found.shape == truth.shape
    assert np.linalg.norm(found - truth) <= tolerance * (np.linalg.norm(truth) or 1.0)


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("rates", RATES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("which", ["all", "last", "scattered", "none"])
@pytest.mark.parametrize("backend", ["torch", "compiled"])
def test_states_and_gradients_are_those_of_the_sums_written_out(
    kind: torch.dtype, rates: str, shape: tuple[int, ...], which: str, backend: Any
) -> None:
    parts, steps = problem(*shape, rates, kind), masked(shape[0], which)
    states = scan(*parts, steps, backend)
    given_back = torch.randn(states.shape, generator=torch.Generator().manual_seed(1)).to(kind)
    truth = written_out(*parts, given_back, steps)
    found = [states, *torch.autograd.grad(states, parts, given_back)]
    for ours, right in zip(found, truth, strict=True):
        close(ours, right, 20 * KINDS[kind])


@settings(deadline=None, max_examples=50)
@given(
    length=st.integers(1, 12),
    size=st.integers(1, 9),
    units=st.integers(1, 20),
    chosen=st.sets(st.integers(0, 11)),
    rates=st.sampled_from(RATES),
    kind=st.sampled_from(DOUBLES),
    seed=st.integers(0, 99),
)
def test_any_shape_and_steps(
    length: int, size: int, units: int, chosen: set[int], rates: str, kind: torch.dtype, seed: int
) -> None:
    parts = problem(length, size, units, rates, kind, seed)
    steps = np.array(sorted({step % length for step in chosen}), np.int64)
    states = scan(*parts, steps, "compiled")
    given_back = states.detach().clone()
    found = [states, *torch.autograd.grad(states, parts, given_back)]
    for ours, right in zip(found, written_out(*parts, given_back, steps), strict=True):
        close(ours, right, 1e-11)


@pytest.mark.parametrize("kind", DOUBLES, ids=str)
@pytest.mark.parametrize("rates", RATES)
@pytest.mark.parametrize("which", ["last", "scattered"])
def test_derivatives_by_finite_differences(kind: torch.dtype, rates: str, which: str) -> None:
    parts, steps = problem(5, 2, 3, rates, kind), masked(5, which)
    assert torch.autograd.gradcheck(lambda *p: scan(*p, steps, "compiled"), parts)
    assert torch.autograd.gradgradcheck(lambda *p: scan(*p, steps, "compiled"), parts)


@pytest.mark.parametrize("rates", RATES)
def test_a_sequence_is_the_same_bit_for_bit_whoever_it_ran_beside(rates: str) -> None:
    a, b, start = (part.detach() for part in problem(20, 13, 11, rates, torch.float32))
    together = scan(a, b, start, backend="compiled")
    for s in range(13):
        one = a if a.ndim == 1 else a[:, s : s + 1]
        assert torch.equal(scan(one, b[:, s : s + 1], start, backend="compiled")[:, 0], together[:, s])


def test_memory_laid_out_otherwise_gives_the_same() -> None:
    parts = problem(8, 4, 3, "varying", torch.complex128)
    turned = [part.transpose(0, 1).contiguous().transpose(0, 1) for part in parts[:2]] + [parts[2]]
    other = [part.conj().resolve_conj().conj() for part in turned]
    both = []
    for given_parts in (parts, other):
        states = scan(*given_parts, backend="compiled")
        both.append([states, *torch.autograd.grad(states.abs().sum(), parts)])
    for plain, laid_out in zip(*both, strict=True):
        torch.testing.assert_close(laid_out, plain, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("asked", range(3))
def test_gradients_only_where_asked(asked: int) -> None:
    parts = [part.detach() for part in problem(4, 2, 5, "varying", torch.float32)]
    parts[asked].requires_grad_()
    scan(*parts, backend="compiled").sum().backward()
    assert [part.grad is not None for part in parts] == [place == asked for place in range(3)]


@pytest.mark.parametrize("where", range(3))
def test_a_nan_shows_in_states_and_gradients(where: int) -> None:
    parts = problem(4, 3, 5, "varying", torch.float32)
    with torch.no_grad():
        parts[where].view(-1)[0] = torch.nan
    states = scan(*parts, backend="compiled")
    assert states[-1].isnan().any()
    states.square().sum().backward()
    assert parts[1].grad is not None
    assert parts[1].grad.isnan().any()


def test_a_weight_changed_before_going_back_is_noticed() -> None:
    parts = problem(4, 2, 3, "steady", torch.float64)
    loss = scan(*parts, backend="compiled").sum()
    with torch.no_grad():
        parts[0].add_(1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_the_compiled_passes_say_what_they_cannot_do() -> None:
    parts = problem(2, 2, 2, "varying", torch.bfloat16)
    with pytest.raises(ValueError, match="bfloat16"):
        scan(*parts, backend="compiled")
    assert scan(*parts).dtype == torch.bfloat16
