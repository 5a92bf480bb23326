"""The layer of gated recurrent units: one state, kept or renewed unit by unit, with one gate for both.

State h [H], from inputs u [D] at step t (Cho et al. 2014, equations 5 to 8):

reset  r_t = sigmoid(W_r u_t + R_r h_(t-1) + b_r)
keep   z_t = sigmoid(W_z u_t + R_z h_(t-1) + b_z)
new    n_t = tanh   (W_n u_t + r_t (R_n h_(t-1)) + b_n)
state  h_t = z_t h_(t-1) + (1 - z_t) n_t

The paper resets the state before it is multiplied, R_n (r_t h_(t-1)); here, as in torch, after, so that a
step takes one product with all its weights. The way back is, from e_t = dE/dh_t and a_t = R_n h_(t-1),

    d_n = e_t (1 - z_t) (1 - n_t^2),    d_z = e_t (h_(t-1) - n_t) z_t (1 - z_t),
    d_r = d_n a_t r_t (1 - r_t),
    e_(t-1) = [given from outside] + z_t e_t + R_r' d_r + R_z' d_z + R_n' (r_t d_n)
"""

from __future__ import annotations

from types import ModuleType
from typing import ClassVar

import torch
from torch import Tensor, nn

from longlag.methods.parts.recurrence import CompiledCell, Recurrence
from longlag.methods.parts.through_time import Carried, noisy, unrolled

BLOCKS = ("reset", "keep", "new")
"""The order in which torch stacks the gates (r, z, n)."""


def _kernels() -> ModuleType:
    from longlag.methods.parts.gru import gru_numba

    return gru_numba


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
    def step(drive: Tensor, carried: Carried) -> Carried:
        (state,) = carried
        reset, keep, new = drive.chunk(3, 1)
        to_reset, to_keep, to_new = (state @ recurrent.T).chunk(3, 1)
        new = (new + (reset + to_reset).sigmoid() * to_new).tanh()
        return (torch.lerp(new, state, (keep + to_keep).sigmoid()),)

    if noise is not None or horizon is not None:
        drives = noisy(inputs @ input_weight.T + bias, noise)
        return unrolled(step, drives, (initial.expand(inputs.shape[1], -1),), horizon)
    start = initial.expand(1, inputs.shape[1], -1).contiguous()
    # torch adds two biases; of a second one the net has no need
    weights = [input_weight, recurrent, bias, torch.zeros_like(bias)]
    states: Tensor = torch.gru(inputs, start, weights, True, 1, 0.0, False, False, False)[0]
    return states


GRU = Recurrence(_kernels, _by_torch, gates=4)
"""Of inputs [T, B, D] and input_weight [3H, D], recurrent [3H, H], bias [3H], initial [H]."""


class GRUCell(CompiledCell):
    """A layer of gated recurrent units; `keep_bias` [H] starts the keep gates (zeros without)."""

    recurrence: ClassVar = GRU

    def __init__(self, input_size: int, units: int, keep_bias: Tensor | None = None) -> None:
        super().__init__(input_size, units)
        self.input_weight = nn.Parameter(torch.zeros(3 * units, input_size))
        self.recurrent_weight = nn.Parameter(torch.zeros(3 * units, units))
        self.bias = nn.Parameter(torch.zeros(3 * units))
        self.initial = nn.Parameter(torch.zeros(units))
        if keep_bias is not None:
            self.gate_bias("keep").data.copy_(keep_bias)

    def gate_bias(self, name: str) -> Tensor:
        """The bias [H] of the gate `name`, one of BLOCKS, as a view."""
        return self.biases()[BLOCKS.index(name)]

    @property
    def parts(self) -> tuple[Tensor, ...]:
        """W, R, b and the initial state."""
        return (self.input_weight, self.recurrent_weight, self.bias, self.initial)

    def recurrent_blocks(self) -> list[Tensor]:
        """R_r, R_z, R_n."""
        return list(self.recurrent_weight.split(self.units))

    def input_blocks(self) -> list[Tensor]:
        """W_r, W_z, W_n."""
        return list(self.input_weight.split(self.units))

    def biases(self) -> list[Tensor]:
        """b_r, b_z, b_n."""
        return list(self.bias.split(self.units))
