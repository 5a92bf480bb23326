"""One tanh recurrence for every remedy: h_t = tanh(W_in u_t + W h_(t-1) + b), differentiable through time.

Each pass takes one recurrent product a step; the states are stored once, and the gradients of the
weights are single products over all T * B rows of d (Werbos 1990): see `passes`, of which this is made.

`tanh_recurrence` is the differentiable function, `tanh_vjp` the same outside autograd. Shapes: T steps, B
sequences, D inputs, H units, S supervised steps; `states` is [T+1, B, H].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from longlag.bench.contract import Block, Kernels, blocks
from longlag.methods.parts.backend import (
    Array,
    arrays,
    at_steps,
    compiled,
    placed,
    true_steps,
)
from longlag.methods.parts.tanh.passes import backward_states, forward_states, kernels, weight_gradients
from longlag.methods.parts.through_time import back_in_blocks, noise_array

Passed = tuple[Array, ...]


@dataclass
class Tape:
    """What the last pass left: states [T+1, B, H]; from its way back deltas, state_gradients [T, B, H]."""

    states: Tensor | None = None
    deltas: Tensor | None = None
    state_gradients: Tensor | None = None


def tanh_recurrence(
    inputs: Tensor,
    input_weight: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    initial: Tensor,
    mask: Tensor | None = None,
    tape: Tape | None = None,
    backend: Kernels = "auto",
    noise: Tensor | None = None,
    horizon: int | None = None,
) -> Tensor:
    """States [S, B, H] at the steps where `mask` [T] is true (all T without it); differentiable once.

    inputs [T, B, D], input_weight [H, D], recurrent [H, H], bias [H], initial [H]. A `tape` is filled
    as the passes run. Where there is no way back, the compiled kernels hold no more than what is given. Of
    `noise` [1, T, B, H] and `horizon` see `Recurrent.vjp`.
    """
    parts, steps = (inputs, input_weight, recurrent, bias, initial), true_steps(mask)
    going_back = torch.is_grad_enabled() and any(part.requires_grad for part in parts)
    quiet = tape is None and noise is None and not going_back
    if quiet and steps is not None and compiled(inputs, backend):
        given = arrays(*parts)
        kept = placed((len(steps), inputs.shape[1], len(bias)), given[0].dtype, steps)
        kernels(kept.dtype).supervised_states(*given, steps, kept)
        return torch.from_numpy(kept)
    states: Tensor = _Recurrence.apply(*parts, steps, tape, backend, noise, horizon)
    return states


def tanh_vjp(
    inputs: Tensor,
    weights: Passed,
    mask: Tensor | None = None,
    tape: Tape | None = None,
    noise: Tensor | None = None,
    horizon: int | None = None,
) -> tuple[Tensor, Callable[[Tensor, Sequence[Array]], None]]:
    """What `tanh_recurrence` gives, outside autograd, and the way back of dE/dstates [S, B, H].

    Compiled only. `weights` are the arrays of its four weights; their gradients fill the arrays that the way
    back is given, of the same shapes.
    """
    steps = true_steps(mask)
    states, passed = _compiled_states((*arrays(inputs), *weights), tape, noise)

    def pullback(output_gradients: Tensor, found: Sequence[Array]) -> None:
        _compiled_gradients(passed, output_gradients, steps, tape, found, horizon=horizon)

    return at_steps(states[1:], steps), pullback


class _Recurrence(torch.autograd.Function):
    """`tanh_recurrence` for autograd."""

    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> Tensor:
        *parts, steps, tape, backend, noise, horizon = arguments
        ctx.steps, ctx.tape, ctx.arrays, ctx.horizon = steps, tape, None, horizon
        if compiled(parts[0], backend):
            states, ctx.arrays = _compiled_states(arrays(*parts), tape, noise)
            ctx.save_for_backward(*parts)
        else:
            inputs, input_weight, recurrent, bias, initial = parts
            states = forward_states(inputs, input_weight, recurrent, bias, initial, "torch", noise)
            ctx.save_for_backward(*parts, states)
            if tape is not None:
                tape.states, tape.deltas, tape.state_gradients = states, None, None
        return at_steps(states[1:], steps)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, output_gradients: Tensor) -> tuple[Tensor | None, ...]:
        # also where only the arrays are used: this is what notices weights changed in between
        saved, needs_input = ctx.saved_tensors, ctx.needs_input_grad[0]
        if ctx.arrays is None:
            found = _torch_gradients(saved, output_gradients, ctx.steps, ctx.tape, needs_input, ctx.horizon)
        else:
            weights = [weight.new_empty(weight.shape) for weight in saved[1:]]
            inputs = saved[0].new_empty(saved[0].shape) if needs_input else None
            into = None if inputs is None else arrays(inputs)[0]
            given = (output_gradients, ctx.steps, ctx.tape, arrays(*weights), into, ctx.horizon)
            _compiled_gradients(ctx.arrays, *given)
            found = [inputs, *weights]
        return (*found, None, None, None, None, None)


def _compiled_states(given: Passed, tape: Tape | None, noise: Tensor | None = None) -> tuple[Tensor, Passed]:
    """The states [T+1, B, H], and what their way back needs; `given` are inputs and weights."""
    length, size, _ = given[0].shape
    filled = np.empty((length + 1, size, len(given[3])), given[0].dtype)
    kernels(filled.dtype).forward(*given, noise_array(noise, filled.dtype), filled)
    states = torch.from_numpy(filled)
    if tape is not None:
        tape.states, tape.deltas, tape.state_gradients = states, None, None
    return states, (*given[:3], filled)


def _compiled_gradients(
    passed: Passed,
    output_gradients: Tensor,
    steps: Array | None,
    tape: Tape | None,
    found: Sequence[Array],
    to_inputs: Array | None = None,
    horizon: int | None = None,
) -> None:
    """Fill the gradients of the four weights, and of the inputs where theirs is given and not empty."""
    inputs, input_weight, recurrent, states = passed
    nothing = np.empty((0, 0, 0), states.dtype)
    deltas = state_gradients = nothing
    if tape is not None:
        deltas, state_gradients = np.empty_like(states[1:]), np.empty_like(states[1:])
        tape.deltas, tape.state_gradients = torch.from_numpy(deltas), torch.from_numpy(state_gradients)
    steps = np.arange(len(inputs)) if steps is None else steps
    (given,) = arrays(output_gradients)
    others = (nothing if to_inputs is None else to_inputs, deltas, state_gradients)
    kernel = kernels(states.dtype).gradients
    if horizon is None:
        kernel(*passed, steps, given, *found, *others)
        return
    for other in others:
        other[...] = 0

    def back(block: Block, into: Sequence[Array]) -> None:
        some, at = slice(block.first, block.last), slice(block.begin, block.end)
        part = (inputs[at], input_weight, recurrent, states[block.begin : block.end + 1])
        kernel(*part, steps[some] - block.begin, given[some], *into, *(other[at] for other in others))

    back_in_blocks(back, steps, len(inputs), horizon, found, 1)


def _torch_gradients(
    saved: tuple[Tensor, ...],
    output_gradients: Tensor,
    steps: Array | None,
    tape: Tape | None,
    needs_input: bool,
    horizon: int | None,
) -> list[Tensor | None]:
    """The gradients of inputs (only if needed), weights, bias and initial state, by torch."""
    inputs, input_weight, recurrent, _, _, states = saved
    steps = np.arange(len(inputs)) if steps is None else steps
    deltas, state_gradients = torch.zeros_like(states[1:]), torch.zeros_like(states[1:])
    for block in blocks(steps, len(inputs), horizon):
        some, at = slice(block.first, block.last), slice(block.begin, block.end)
        part = states[block.begin : block.end + 1]
        deltas[at], errors = backward_states(
            recurrent, part, output_gradients[some], steps[some] - block.begin, True, "torch"
        )
        assert errors is not None
        state_gradients[at] = errors
    if tape is not None:
        tape.deltas, tape.state_gradients = deltas, state_gradients
    weights = weight_gradients(deltas, states, inputs, "torch")
    return [deltas @ input_weight if needs_input else None, *weights, deltas[0].sum(0) @ recurrent]
