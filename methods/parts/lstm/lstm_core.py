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

from longlag.bench.contract import Kernels
from longlag.methods.parts.backend import Array, arrays, at_steps, compiled, true_steps, wanted

Passed = tuple[Array, ...]


def lstm_recurrence(
    inputs: Tensor,
    input_weight: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    initial: Tensor,
    initial_cell: Tensor,
    mask: Tensor | None = None,
    backend: Kernels = "auto",
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


def lstm_vjp(
    inputs: Tensor, weights: Passed, mask: Tensor | None = None
) -> tuple[Tensor, Callable[[Tensor, Sequence[Array]], None]]:
    """What `lstm_recurrence` gives, outside autograd, and the way back of dE/dstates [S, B, H].

    `weights` are the arrays of its five weights; their gradients fill the arrays that the way back is given,
    of the same shapes.
    """
    steps = true_steps(mask)
    states, passed = _forward((*arrays(inputs), *weights), len(inputs))

    def pullback(output_gradients: Tensor, found: Sequence[Array]) -> None:
        _backward(passed, steps, output_gradients, found, np.empty((0, 0, 0), passed[0].dtype))

    return at_steps(states, steps), pullback


def compiled_warm_up() -> None:
    """Compile the float32 kernels, or load them from Numba's cache, so that no training step pays for it."""
    if wanted():
        _kernels(np.dtype(np.float32))


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
        states, ctx.passed = _forward(arrays(*parts), len(parts[0]) if going_back else 1)
        ctx.save_for_backward(*parts)
        ctx.steps = steps
        return at_steps(states, steps)

    @staticmethod
    def backward(ctx: Any, output_gradients: Tensor) -> tuple[Tensor | None, ...]:
        parts, needed = ctx.saved_tensors, ctx.needs_input_grad[:6]
        if torch.is_grad_enabled():
            return (*_differentiable(parts, needed, ctx.steps, output_gradients), None, None)
        weights = [part.new_empty(part.shape) for part in parts[1:]]
        inputs = parts[0].new_empty(parts[0].shape if needed[0] else (0, 0, 0))
        _backward(ctx.passed, ctx.steps, output_gradients, arrays(*weights), *arrays(inputs))
        return inputs if needed[0] else None, *weights, None, None


def _forward(given: Passed, held: int) -> tuple[Tensor, Passed]:
    """The states [T, B, H], and what the way back needs where `held` is T; 1 holds nothing for it."""
    length, size, _ = given[0].shape
    units = len(given[4])
    states, cells, squashed, gates = (
        np.empty((n, size, units), given[0].dtype) for n in (length + 1, held + 1, held, 4 * held)
    )
    gates = gates.reshape(4, held, size, units)
    _kernels(states.dtype).forward(*given, states, cells, squashed, gates)
    return torch.from_numpy(states)[1:], (*given[:3], states, cells, squashed, gates)


def _backward(
    passed: Passed, steps: Array | None, output_gradients: Tensor, found: Sequence[Array], to_inputs: Array
) -> None:
    """Fill the gradients: of the five weights and, unless that is empty, of the inputs."""
    steps = np.arange(len(passed[0])) if steps is None else steps
    _kernels(passed[0].dtype).backward(*passed, steps, *arrays(output_gradients), *found, to_inputs)


def _differentiable(
    parts: tuple[Tensor, ...],
    needed: tuple[bool, ...],
    steps: Array | None,
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
def _kernels(kind: np.dtype[Any]) -> Any:
    """The compiled kernels for arrays of `kind`, imported when first needed: that takes a while."""
    from longlag.methods.parts import compiled as loops
    from longlag.methods.parts.lstm import lstm_numba

    return loops.ready(lstm_numba, kind)
