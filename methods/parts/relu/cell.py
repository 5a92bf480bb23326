"""A layer of rectified linear units: h_t = max(0, W_in u_t + W h_(t-1) + b), h_(-1) learned.

The way back is, with e_t = [dE/dh_t given from outside] + W^T d_(t+1),

    d_t = e_t where h_t > 0, else 0

so that with W the identity what flows back through a unit that is on neither shrinks nor grows.
"""

from __future__ import annotations

from types import ModuleType
from typing import ClassVar

import torch
from torch import Tensor

from longlag.bench.contract import Change, Recipe
from longlag.methods.parts.recurrence import PlainCell, Recurrence
from longlag.methods.parts.through_time import noisy, unrolled


def _kernels() -> ModuleType:
    from longlag.methods.parts.relu import relu_numba

    return relu_numba


def _by_torch(
    inputs: Tensor,
    input_weight: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    initial: Tensor,
    *,
    noise: Tensor | None = None,
    horizon: int | None = None,
) -> Tensor:
    if noise is not None or horizon is not None:
        drives = noisy(inputs @ input_weight.T + bias, noise)
        begun = (initial.expand(inputs.shape[1], -1),)
        return unrolled(
            lambda drive, state: ((drive + state[0] @ recurrent.T).relu(),), drives, begun, horizon
        )
    start = initial.expand(1, inputs.shape[1], -1).contiguous()
    # torch adds two biases; a second trainable one would only double the rate of the first
    weights = [input_weight, recurrent, bias, torch.zeros_like(bias)]
    states: Tensor = torch.rnn_relu(inputs, start, weights, True, 1, 0.0, False, False, False)[0]
    return states


RELU = Recurrence(_kernels, _by_torch)
"""Of inputs [T, B, D] and input_weight [H, D], recurrent [H, H], bias [H], initial [H]."""


class ReLUCell(PlainCell):
    """A layer of rectified linear units with a learned initial state."""

    recurrence: ClassVar = RELU


class ReLUUnits(Change):
    """A layer of rectified linear units."""

    changes = "cell"

    def warm_up(self) -> None:
        """Have the compiled passes ready."""
        RELU.warm_up()

    def apply(self, recipe: Recipe) -> Recipe:
        """The recipe with rectified linear units."""
        return recipe.replace(cell=ReLUCell)
