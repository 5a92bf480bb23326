"""The scan: h_t = a_t h_(t-1) + b_t, number by number, from an initial state that all sequences share.

A recurrence without a matrix and without a nonlinearity, in real or complex numbers. Its way back is another
one: with e_t = [dE/dh_t given from outside] + conj(a_(t+1)) e_(t+1),

    dE/db_t = e_t,    dE/da_t = e_t conj(h_(t-1))

(Martin & Cundy 2018, section 2.2). What makes rates and drives of inputs, and outputs of states, is
torch's to differentiate.

Shapes: T steps, B sequences, H units, S supervised steps.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from longlag.bench.contract import Kernels
from longlag.methods.parts.backend import Array, arrays, at_steps, compiled, wanted


def scan(
    rates: Tensor,
    drives: Tensor,
    initial: Tensor,
    steps: Array | None = None,
    backend: Kernels = "auto",
) -> Tensor:
    """States [S, B, H] at `steps` [S], rising (all T without them); differentiable, also twice.

    drives [T, B, H]; rates of the same shape, or [H] where they are the same at all steps; initial [H].
    """
    if not compiled(drives.real, backend):
        return at_steps(by_torch(rates, drives, initial), steps)
    states: Tensor = _Scan.apply(steps, rates, drives, initial)
    return states


def by_torch(rates: Tensor, drives: Tensor, initial: Tensor) -> Tensor:
    """The states [T, B, H] in torch's operations, a step at a time."""
    each = rates if rates.ndim > 1 else [rates] * len(drives)
    state, states = initial.expand(drives.shape[1], -1), []
    for rate, drive in zip(each, drives, strict=True):
        state = rate * state + drive
        states.append(state)
    return torch.stack(states)


def warm_up(kind: type[np.number[Any]] = np.float32) -> None:
    """Compile the kernels for a `kind` of number, or load them from Numba's cache."""
    if wanted():
        _ready(np.dtype(kind))


class _Scan(torch.autograd.Function):
    """The compiled scan for autograd."""

    @staticmethod
    def forward(ctx: Any, steps: Array | None, rates: Tensor, drives: Tensor, initial: Tensor) -> Tensor:
        length, size, units = drives.shape
        each, given, start = arrays(rates, drives, initial)
        # One row for all steps where they share it.
        ctx.each = np.tile(each, size)[None] if each.ndim == 1 else each.reshape(length, -1)
        ctx.states = np.empty((length + 1, size * units), given.dtype)
        ctx.states[0] = np.tile(start, size)
        _ready(given.dtype).forward(ctx.each, given.reshape(length, -1), ctx.states)
        ctx.save_for_backward(rates, drives, initial)
        ctx.steps = steps
        return at_steps(torch.from_numpy(ctx.states[1:].reshape(length, size, units)), steps)

    @staticmethod
    def backward(ctx: Any, output_gradients: Tensor) -> tuple[Any, ...]:
        # also where only the arrays are used: this is what notices weights changed in between
        parts, needed = ctx.saved_tensors, ctx.needs_input_grad[1:]
        if torch.is_grad_enabled():
            again = at_steps(by_torch(*parts), ctx.steps)
            asked = [part for part, need in zip(parts, needed, strict=True) if need]
            found = iter(torch.autograd.grad(again, asked, output_gradients, create_graph=True))
            return (None, *(next(found) if need else None for need in needed))
        rates, drives, _ = parts
        length, size, units = drives.shape
        steps = np.arange(length) if ctx.steps is None else ctx.steps
        (given,) = arrays(output_gradients)
        to_rates, to_drives = np.empty_like(ctx.each), np.empty((length, size * units), given.dtype)
        to_initial = np.empty(size * units, given.dtype)
        kernels = _ready(given.dtype)
        flat = given.reshape(len(steps), size * units)
        kernels.backward(ctx.each, ctx.states, steps, flat, to_rates, to_drives, to_initial)
        shared = torch.from_numpy(to_rates).view(-1, size, units)
        return (
            None,
            shared.sum((0, 1)) if rates.ndim == 1 else shared,
            torch.from_numpy(to_drives).view(length, size, units),
            torch.from_numpy(to_initial).view(size, units).sum(0),
        )


@cache
def _ready(kind: np.dtype[Any]) -> Any:
    """The compiled passes for arrays of `kind`, imported when first needed: that takes a while."""
    from longlag.methods.parts import compiled as loops
    from longlag.methods.parts.scan import scan_numba

    return loops.ready(scan_numba, kind)
