"""The LSTM recurrence: forward and back through time, compiled or by torch.

With gates i, f, g, o and cells as `cell` writes them, the way back is, from dE/dh_t = [given from outside] +
sum over gates R' d_(t+1) and dE/dc_t = dE/dh_t o_t (1 - tanh(c_t)^2) + f_(t+1) dE/dc_(t+1),

    d_o = dE/dh_t tanh(c_t) o_t (1 - o_t),     d_i = dE/dc_t g_t i_t (1 - i_t),
    d_f = dE/dc_t c_(t-1) f_t (1 - f_t),       d_g = dE/dc_t i_t (1 - g_t^2)

(Gers, Schmidhuber & Cummins 2000, without their truncation). Each pass takes one recurrent product a step for
each gate; the gradients of the weights are single products over all T * B rows of d.

torch's LSTM is the reference, serves other devices and dtypes, and every second derivative.

Shapes: T steps, B sequences, D inputs, H units, S supervised steps; the gates stacked as torch stacks them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from longlag.methods.parts.backend import Backend, arrays, at_steps, compiled, true_steps

Found = tuple[Tensor, ...]
Passed = tuple[np.ndarray[Any, Any], ...]


def lstm_recurrence(
    inputs: Tensor,
    input_weight: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    initial: Tensor,
    initial_cell: Tensor,
    mask: Tensor | None = None,
    backend: Backend = "auto",
) -> Tensor:
    """States h [S, B, H] at the steps where `mask` [T] is true (all T without it); differentiable.

    inputs [T, B, D], input_weight [4H, D], recurrent [4H, H], bias [4H], initial and initial_cell [H].
    """
    steps = true_steps(mask)
    parts = (inputs, input_weight, recurrent, bias, initial, initial_cell)
    if not compiled(inputs, backend):
        return at_steps(_torch_states(*parts), steps)
    going_back = torch.is_grad_enabled() and any(part.requires_grad for part in parts)
    states: Tensor = _Recurrence.apply(*parts, steps, going_back)
    return states


def lstm_vjp(parts: Sequence[Tensor], mask: Tensor | None = None) -> tuple[Tensor, Callable[[Tensor], Found]]:
    """What `lstm_recurrence` gives, outside autograd, and the map of dE/dstates [S, B, H] to the gradients.

    `parts` are the six tensors of `lstm_recurrence`; the gradients those of all but the inputs.
    """
    steps = true_steps(mask)
    states, passed = _forward(parts, len(parts[0]))

    def pullback(output_gradients: Tensor) -> Found:
        shapes = (*(tuple(part.shape) for part in parts[1:]), (0, 0, 0))
        return _backward(passed, steps, output_gradients, shapes)[:-1]

    return at_steps(states, steps), pullback


def compiled_warm_up() -> None:
    """Compile the float32 kernels, or load them from Numba's cache, so that no training step pays for it."""
    _kernels().warm_up()


def _torch_states(
    inputs: Tensor,
    input_weight: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    initial: Tensor,
    initial_cell: Tensor,
) -> Tensor:
    """All states [T, B, H], by torch."""
    start = [part.expand(1, inputs.shape[1], -1).contiguous() for part in (initial, initial_cell)]
    # torch adds two biases; a second trainable one would only double the rate of the first
    weights = [input_weight, recurrent, bias, torch.zeros_like(bias)]
    states: Tensor = torch.lstm(inputs, start, weights, True, 1, 0.0, False, False, False)[0]
    return states


class _Recurrence(torch.autograd.Function):
    """`lstm_recurrence` for autograd, compiled."""

    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> Tensor:
        *parts, steps, going_back = arguments
        states, ctx.passed = _forward(parts, len(parts[0]) if going_back else 1)
        ctx.save_for_backward(*parts)
        ctx.steps = steps
        return at_steps(states, steps)

    @staticmethod
    def backward(ctx: Any, output_gradients: Tensor) -> tuple[Tensor | None, ...]:
        parts, needed = ctx.saved_tensors, ctx.needs_input_grad[:6]
        if torch.is_grad_enabled():
            return (*_differentiable(parts, needed, ctx.steps, output_gradients), None, None)
        shapes = (*(tuple(part.shape) for part in parts[1:]), parts[0].shape if needed[0] else (0, 0, 0))
        *weights, inputs = _backward(ctx.passed, ctx.steps, output_gradients, shapes)
        return inputs if needed[0] else None, *weights, None, None


def _forward(parts: Sequence[Tensor], held: int) -> tuple[Tensor, Passed]:
    """The states [T, B, H], and what the way back needs where `held` is T; 1 holds nothing for it."""
    given = arrays(*parts)
    length, size, _ = given[0].shape
    units = len(given[4])
    states, cells, squashed, gates = (
        np.empty((n, size, units), given[0].dtype) for n in (length + 1, held + 1, held, 4 * held)
    )
    gates = gates.reshape(4, held, size, units)
    _kernels().forward(*given, states, cells, squashed, gates)
    return torch.from_numpy(states)[1:], (*given[:3], states, cells, squashed, gates)


def _backward(
    passed: Passed,
    steps: np.ndarray[Any, Any] | None,
    output_gradients: Tensor,
    shapes: Sequence[tuple[int, ...]],
) -> Found:
    """The gradients, of `shapes`: of the five weights and, unless that is empty, of the inputs."""
    found = [np.empty(shape, passed[0].dtype) for shape in shapes]
    steps = np.arange(len(passed[0])) if steps is None else steps
    _kernels().backward(*passed, steps, *arrays(output_gradients), *found)
    return tuple(torch.from_numpy(array) for array in found)


def _differentiable(
    parts: tuple[Tensor, ...],
    needed: tuple[bool, ...],
    steps: np.ndarray[Any, Any] | None,
    output_gradients: Tensor,
) -> list[Tensor | None]:
    """The gradients of `parts`, as what can be differentiated again."""
    # oneDNN's LSTM has no second derivative
    mkldnn: Any = torch.backends.mkldnn
    before = mkldnn.enabled
    mkldnn.enabled = False
    try:
        states = at_steps(_torch_states(*parts), steps)
        wanted = [part for part, need in zip(parts, needed, strict=True) if need]
        found = iter(torch.autograd.grad(states, wanted, output_gradients, create_graph=True))
    finally:
        mkldnn.enabled = before
    return [next(found) if need else None for need in needed]


@cache
def _kernels() -> Any:
    """The compiled backend, imported when first needed: Numba takes a while to import."""
    from longlag.methods.parts.lstm import lstm_numba

    return lstm_numba
