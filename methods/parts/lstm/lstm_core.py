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

from longlag.bench.contract import Block, Kernels
from longlag.methods.parts.backend import Array, arrays, at_steps, compiled, true_steps, wanted
from longlag.methods.parts.through_time import Carried, back_in_blocks, noise_array, noisy, unrolled

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
        return at_steps(by_torch(*parts), steps)
    going_back = torch.is_grad_enabled() and any(part.requires_grad for part in parts)
    states: Tensor = _Recurrence.apply(*parts, steps, going_back)
    return states


def lstm_vjp(
    inputs: Tensor,
    weights: Passed,
    mask: Tensor | None = None,
    noise: Tensor | None = None,
    horizon: int | None = None,
) -> tuple[Tensor, Callable[[Tensor, Sequence[Array]], None]]:
    """What `lstm_recurrence` gives, outside autograd, and the way back of dE/dstates [S, B, H].

    `weights` are the arrays of its five weights; their gradients fill the arrays that the way back is given,
    of the same shapes. Of `noise` [4, T, B, H] and `horizon` see `Recurrent.vjp`.
    """
    steps = true_steps(mask)
    states, passed = _forward((*arrays(inputs), *weights), len(inputs), noise)
    nothing = np.empty((0, 0, 0), passed[0].dtype)

    def pullback(output_gradients: Tensor, found: Sequence[Array]) -> None:
        if horizon is None:
            _backward(passed, steps, output_gradients, found, nothing)
            return
        length = len(inputs)
        supervised = np.arange(length) if steps is None else steps

        def back(block: Block, into: Sequence[Array]) -> None:
            some = slice(block.first, block.last)
            within = supervised[some] - block.begin
            _backward(_part(passed, block), within, output_gradients[some], into, nothing)

        back_in_blocks(back, supervised, length, horizon, found, 2)

    return at_steps(states, steps), pullback


def compiled_warm_up() -> None:
    """Compile the float32 kernels, or load them from Numba's cache, so that no training step pays for it."""
    if wanted():
        _kernels(np.dtype(np.float32))


def by_torch(
    inputs: Tensor,
    input_weight: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    initial: Tensor,
    initial_cell: Tensor,
    *,
    noise: Tensor | None = None,
    horizon: int | None = None,
) -> Tensor:
    """All states [T, B, H], by torch; of `noise` [4, T, B, H] and `horizon` see `Recurrent.vjp`."""

    def step(drive: Tensor, carried: Carried) -> Carried:
        state, cell = carried
        write, keep, new, read = (drive + state @ recurrent.T).chunk(4, 1)
        cell = keep.sigmoid() * cell + write.sigmoid() * new.tanh()
        return read.sigmoid() * cell.tanh(), cell

    if noise is not None or horizon is not None:
        begun = tuple(part.expand(inputs.shape[1], -1) for part in (initial, initial_cell))
        return unrolled(step, noisy(inputs @ input_weight.T + bias, noise), begun, horizon)
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


def _part(passed: Passed, block: Block) -> Passed:
    """What the way back needs of the steps of a block alone."""
    inputs, input_weight, recurrent, states, cells, squashed, gates = passed
    steps, around = slice(block.begin, block.end), slice(block.begin, block.end + 1)
    gates = np.ascontiguousarray(gates[:, steps])
    return inputs[steps], input_weight, recurrent, states[around], cells[around], squashed[steps], gates


def _forward(given: Passed, held: int, noise: Tensor | None = None) -> tuple[Tensor, Passed]:
    """The states [T, B, H], and what the way back needs where `held` is T; 1 holds nothing for it."""
    length, size, _ = given[0].shape
    units = len(given[4])
    states, cells, squashed, gates = (
        np.empty((n, size, units), given[0].dtype) for n in (length + 1, held + 1, held, 4 * held)
    )
    gates = gates.reshape(4, held, size, units)
    _kernels(states.dtype).forward(*given, noise_array(noise, states.dtype), states, cells, squashed, gates)
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
        states = at_steps(by_torch(*parts), steps)
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
