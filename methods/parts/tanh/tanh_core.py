"""One tanh recurrence for every remedy: h_t = tanh(W_in u_t + W h_(t-1) + b), forward and back through time.

    backward:   e_t = [dE/dh_t given from outside] + W^T d_(t+1),     d_t = (1 - h_t^2) e_t

Each pass takes one recurrent product a step; the states are stored once, and the gradients of the
weights are single products over all T * B rows of d (Werbos 1990). d_t are the `deltas`, dE/d(drive of
step t); e_t are the `state_gradients`, the whole dE/dh_t.

`tanh_recurrence` is the differentiable function. `forward_states`, `backward_states`,
`tangent_states` and `weight_gradients` are its pieces, plain functions outside autograd. All run on
torch (any device, any float: the reference) or, for float32 and float64 on the CPU, on the compiled
kernels of `tanh_numba`; `backend` forces either.

Shapes: T steps, B sequences, D inputs, H units, S supervised steps. `states` is [T+1, B, H] and begins
with the initial state, so that states[t] goes into step t and states[t + 1] comes out of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

if TYPE_CHECKING:
    import numpy as np

Backend = Literal["auto", "torch", "numba"]
Weights = tuple[Tensor, Tensor, Tensor, Tensor]


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
    backend: Backend = "auto",
) -> Tensor:
    """States [S, B, H] at the steps where `mask` [T] is true (all T without it); differentiable once.

    inputs [T, B, D], input_weight [H, D], recurrent [H, H], bias [H], initial [H]. A `tape` is filled
    as the passes run.
    """
    steps = None if mask is None else mask.nonzero().squeeze(1)
    states: Tensor = _Recurrence.apply(inputs, input_weight, recurrent, bias, initial, steps, tape, backend)
    return states


def tanh_vjp(
    inputs: Tensor,
    input_weight: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    initial: Tensor,
    mask: Tensor | None = None,
    tape: Tape | None = None,
    backend: Backend = "auto",
) -> tuple[Tensor, Callable[[Tensor], Weights]]:
    """What `tanh_recurrence` gives, outside autograd, and the map of dE/dstates [S, B, H] to the gradients.

    These are of input_weight, recurrent, bias and initial, in this order.
    """
    steps = None if mask is None else mask.nonzero().squeeze(1)
    inputs = inputs.contiguous()
    states = forward_states(inputs, input_weight, recurrent, bias, initial, backend)

    def pullback(output_gradients: Tensor) -> Weights:
        deltas, kept = backward_states(recurrent, states, output_gradients, steps, tape is not None, backend)
        if tape is not None:
            tape.states, tape.deltas, tape.state_gradients = states, deltas, kept
        return *weight_gradients(deltas, states, inputs, backend), deltas[0].sum(0) @ recurrent

    return _chosen(states, steps), pullback


def forward_states(
    inputs: Tensor,
    input_weight: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    initial: Tensor,
    backend: Backend = "auto",
) -> Tensor:
    """The states [T+1, B, H], the initial one first; arguments as in `tanh_recurrence`."""
    length, size, _ = inputs.shape
    states = inputs.new_empty(length + 1, size, len(bias))
    if _compiled(inputs, backend):
        _kernels().forward(*_arrays(inputs, input_weight.T, recurrent.T, bias, initial), states.numpy())
        return states
    states[0] = initial
    torch.matmul(inputs, input_weight.T, out=states[1:])
    states[1:] += bias
    transposed = recurrent.T
    for t in range(length):
        states[t + 1].addmm_(states[t], transposed).tanh_()
    return states


def backward_states(
    recurrent: Tensor,
    states: Tensor,
    output_gradients: Tensor,
    steps: Tensor | None = None,
    keep_state_gradients: bool = False,
    backend: Backend = "auto",
) -> tuple[Tensor, Tensor | None]:
    """The deltas [T, B, H] and, if kept, the state_gradients [T, B, H].

    output_gradients [S, B, H] is what reaches the states at `steps` [S] (rising; all T without it)
    from outside the recurrence.
    """
    length = len(states) - 1
    if steps is None:
        steps = torch.arange(length)
    deltas = torch.empty_like(states[1:])
    state_gradients = torch.empty_like(deltas) if keep_state_gradients else None
    if _compiled(states, backend):
        kept = state_gradients if state_gradients is not None else states.new_empty(0, 0, 0)
        _kernels().backward(
            *_arrays(recurrent, states, steps, output_gradients), deltas.numpy(), kept.numpy()
        )
        return deltas, state_gradients
    given = {int(step): gradient for step, gradient in zip(steps, output_gradients, strict=True)}
    carried = torch.zeros_like(states[0])
    for t in range(length - 1, -1, -1):
        if t < length - 1:
            carried = deltas[t + 1] @ recurrent
        if t in given:
            carried = carried + given[t]
        if state_gradients is not None:
            state_gradients[t] = carried
        deltas[t] = carried * (1 - states[t + 1] ** 2)
    return deltas, state_gradients


def tangent_states(
    recurrent: Tensor, states: Tensor, drive: Tensor, initial: Tensor, backend: Backend = "auto"
) -> Tensor:
    """How the states move, [T+1, B, H], when the drives move by `drive` [T, B, H] (Pearlmutter 1994).

    Rh_t = (1 - h_t^2) (drive_t + W Rh_(t-1)), Rh_(-1) = `initial` [H]. For a move of the weights by V,
    drive_t = V_in u_t + V h_(t-1) + v_b, one product over all steps.
    """
    moved = torch.empty_like(states)
    if _compiled(states, backend):
        _kernels().tangent(*_arrays(recurrent.T, states, drive, initial), moved.numpy())
        return moved
    moved[0] = initial
    transposed = recurrent.T
    for t in range(len(drive)):
        moved[t + 1] = (drive[t] + moved[t] @ transposed) * (1 - states[t + 1] ** 2)
    return moved


def weight_gradients(
    deltas: Tensor, states: Tensor, inputs: Tensor, backend: Backend = "auto"
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of input_weight [H, D], recurrent [H, H] and bias [H], each one sum over T * B rows."""
    units, width = deltas.shape[-1], inputs.shape[-1]
    flat = deltas.reshape(-1, units)
    recurrent = flat.T @ states[:-1].reshape(-1, units)
    if _compiled(deltas, backend) and width <= _kernels().NARROW:
        input_weight, bias = deltas.new_empty(width, units), deltas.new_empty(units)
        _kernels().input_products(*_arrays(deltas, inputs), input_weight.numpy(), bias.numpy())
        return input_weight.T, recurrent, bias
    return flat.T @ inputs.reshape(-1, width), recurrent, flat.sum(0)


def compiled_warm_up() -> None:
    """Compile the float32 kernels, or load them from Numba's cache, so that no training step pays for it."""
    _kernels().warm_up()


class _Recurrence(torch.autograd.Function):
    """`tanh_recurrence` for autograd."""

    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        input_weight: Tensor,
        recurrent: Tensor,
        bias: Tensor,
        initial: Tensor,
        steps: Tensor | None,
        tape: Tape | None,
        backend: Backend,
    ) -> Tensor:
        inputs = inputs.contiguous()
        states = forward_states(inputs, input_weight, recurrent, bias, initial, backend)
        ctx.save_for_backward(inputs, input_weight, recurrent, states, steps)
        ctx.tape, ctx.backend = tape, backend
        if tape is not None:
            tape.states, tape.deltas, tape.state_gradients = states, None, None
        return _chosen(states, steps)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, output_gradients: Tensor) -> tuple[Tensor | None, ...]:
        inputs, input_weight, recurrent, states, steps = ctx.saved_tensors
        needs_input, *needs_weights, needs_initial = ctx.needs_input_grad[:5]
        tape, backend = ctx.tape, ctx.backend
        deltas, state_gradients = backward_states(
            recurrent, states, output_gradients, steps, tape is not None, backend
        )
        if tape is not None:
            tape.deltas, tape.state_gradients = deltas, state_gradients
        weights: tuple[Tensor | None, ...] = (None, None, None)
        if any(needs_weights):
            weights = weight_gradients(deltas, states, inputs, backend)
        initial = deltas[0].sum(0) @ recurrent if needs_initial else None
        return deltas @ input_weight if needs_input else None, *weights, initial, None, None, None


def _chosen(states: Tensor, steps: Tensor | None) -> Tensor:
    """The states after `steps`, as a view where they lie side by side."""
    if steps is None or len(steps) == len(states) - 1:
        return states[1:]
    if len(steps) and int(steps[-1]) - int(steps[0]) == len(steps) - 1:
        return states[int(steps[0]) + 1 : int(steps[-1]) + 2]
    return states[1:].index_select(0, steps)


def _compiled(tensor: Tensor, backend: Backend) -> bool:
    able = tensor.device.type == "cpu" and tensor.dtype in (torch.float32, torch.float64)
    if backend == "numba" and not able:
        raise ValueError(f"no compiled kernel for {tensor.dtype} on {tensor.device.type}")
    return able and backend != "torch"


def _arrays(*tensors: Tensor) -> tuple[np.ndarray[Any, Any], ...]:
    return tuple(tensor.detach().contiguous().numpy() for tensor in tensors)


@cache
def _kernels() -> Any:
    """The compiled backend, imported when first needed: Numba takes a while to import."""
    from longlag.methods.parts.tanh import tanh_numba

    return tanh_numba
