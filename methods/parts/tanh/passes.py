"""The passes of a tanh recurrence, plain functions outside autograd: forward, back, and along a tangent.

    forward:    h_t = tanh(W_in u_t + W h_(t-1) + b)
    backward:   e_t = [dE/dh_t given from outside] + W^T d_(t+1),     d_t = (1 - h_t^2) e_t

d_t are the `deltas`, dE/d(drive of step t); e_t are the `state_gradients`, the whole dE/dh_t. All run on
torch (any device, any float: the reference) or, for float32 and float64 on the CPU, on the compiled
kernels of `tanh_numba`; `backend` forces either.

Shapes: T steps, B sequences, D inputs, H units, S supervised steps. `states` is [T+1, B, H] and begins
with the initial state, so that states[t] goes into step t and states[t + 1] comes out of it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from longlag.bench.contract import Kernels
from longlag.methods.parts.backend import Array, arrays, compiled, wanted
from longlag.methods.parts.through_time import noise_array


@cache
def kernels(kind: np.dtype[Any]) -> Any:
    """The compiled backend for arrays of `kind`, imported when first needed: that takes a while."""
    from longlag.methods.parts import compiled as loops
    from longlag.methods.parts.tanh import tanh_numba

    return loops.ready(tanh_numba, kind)


def forward_states(
    inputs: Tensor,
    input_weight: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    initial: Tensor,
    backend: Kernels = "auto",
    noise: Tensor | None = None,
) -> Tensor:
    """The states [T+1, B, H], the initial one first; arguments as in `tanh_recurrence`."""
    length, size, _ = inputs.shape
    states = inputs.new_empty(length + 1, size, len(bias))
    if compiled(inputs, backend):
        *given, filled = arrays(inputs, input_weight, recurrent, bias, initial, states)
        kernels(filled.dtype).forward(*given, noise_array(noise, filled.dtype), filled)
        return states
    states[0] = initial
    torch.matmul(inputs, input_weight.T, out=states[1:])
    states[1:] += bias
    if noise is not None:
        states[1:] += noise[0]
    transposed = recurrent.T
    for t in range(length):
        states[t + 1].addmm_(states[t], transposed).tanh_()
    return states


def backward_states(
    recurrent: Tensor,
    states: Tensor,
    output_gradients: Tensor,
    steps: Array | None = None,
    keep_state_gradients: bool = False,
    backend: Kernels = "auto",
) -> tuple[Tensor, Tensor | None]:
    """The deltas [T, B, H] and, if kept, the state_gradients [T, B, H].

    output_gradients [S, B, H] is what reaches the states at `steps` [S] (rising; all T without it)
    from outside the recurrence.
    """
    length = len(states) - 1
    if steps is None:
        steps = np.arange(length)
    deltas = torch.empty_like(states[1:])
    state_gradients = torch.empty_like(deltas) if keep_state_gradients else None
    if compiled(states, backend):
        kept = state_gradients if state_gradients is not None else states.new_empty(0, 0, 0)
        before = arrays(recurrent, states)
        kernels(before[0].dtype).backward(*before, steps, *arrays(output_gradients, deltas, kept))
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
    recurrent: Tensor, states: Tensor, drive: Tensor, initial: Tensor, backend: Kernels = "auto"
) -> Tensor:
    """How the states move, [T+1, B, H], when the drives move by `drive` [T, B, H] (Pearlmutter 1994).

    Rh_t = (1 - h_t^2) (drive_t + W Rh_(t-1)), Rh_(-1) = `initial` [H]. For a move of the weights by V,
    drive_t = V_in u_t + V h_(t-1) + v_b, one product over all steps.
    """
    moved = torch.empty_like(states)
    if compiled(states, backend):
        given = arrays(recurrent, states, drive, initial, moved)
        kernels(given[0].dtype).tangent(*given)
        return moved
    moved[0] = initial
    transposed = recurrent.T
    for t in range(len(drive)):
        moved[t + 1] = (drive[t] + moved[t] @ transposed) * (1 - states[t + 1] ** 2)
    return moved


def weight_gradients(
    deltas: Tensor, states: Tensor, inputs: Tensor, backend: Kernels = "auto"
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of input_weight [H, D], recurrent [H, H] and bias [H], each one sum over T * B rows."""
    units, width = deltas.shape[-1], inputs.shape[-1]
    if compiled(deltas, backend):
        found = [deltas.new_empty(shape) for shape in ((units, width), (units, units), (units,))]
        given = arrays(deltas, states, inputs, *found)
        kernels(given[0].dtype).weight_gradients(*given)
        return found[0], found[1], found[2]
    flat = deltas.reshape(-1, units)
    recurrent = flat.T @ states[:-1].reshape(-1, units)
    return flat.T @ inputs.reshape(-1, width), recurrent, flat.sum(0)


def compiled_warm_up() -> None:
    """Compile the float32 kernels, or load them from Numba's cache, so that no training step pays for it."""
    if wanted():
        kernels(np.dtype(np.float32))
