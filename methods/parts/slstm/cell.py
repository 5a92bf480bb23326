"""The layer of cells with exponential write gates, which answer with a weighted mean of what they held.

State h [H], cell c [H], normaliser n [H], from inputs u [D] at step t (Beck et al. 2024, equations 8 to 17):

write  i_t = exp    (W_i u_t + R_i h_(t-1) + b_i)
keep   f_t = sigmoid(W_f u_t + R_f h_(t-1) + b_f)
new    z_t = tanh   (W_z u_t + R_z h_(t-1) + b_z)
read   o_t = sigmoid(W_o u_t + R_o h_(t-1) + b_o)

c_t = f_t c_(t-1) + i_t z_t,    n_t = f_t n_(t-1) + i_t,    h_t = o_t c_t / n_t

with n_0 = 1. A write gate is not bounded, so one step may outweigh all before it. Both sums are held
over e^m_t of their size, m_t = max(log f_t + m_(t-1), log i_t), so that no exponential leaves the
floats; h_t does not depend on it, so on the way back it is a constant. That way is, from e_t = dE/dh_t,
of the sums as held,

    d_o = e_t c_t / n_t o_t (1 - o_t),    C_t += e_t o_t / n_t,    N_t -= e_t o_t c_t / n_t^2,
    d_z = C_t i_t (1 - z_t^2),    d_i = (C_t z_t + N_t) i_t,
    d_f = (C_t c_(t-1) + N_t n_(t-1)) f_t (1 - sigmoid),
    C_(t-1) = f_t C_t,    N_(t-1) = f_t N_t,    e_(t-1) = [given from outside] + the sum of R' d
"""

from __future__ import annotations

from types import ModuleType
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from longlag.methods.parts.recurrence import CompiledCell, Recurrence
from longlag.methods.parts.through_time import Carried, noisy, unrolled

BLOCKS = ("write", "keep", "new", "read")
"""The order in which the four are stacked."""


def _kernels() -> ModuleType:
    from longlag.methods.parts.slstm import slstm_numba

    return slstm_numba


def _by_torch(
    inputs: Tensor,
    input_weight: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    initial_cell: Tensor,
    initial: Tensor,
    *,
    noise: Tensor | None = None,
    horizon: int | None = None,
) -> Tensor:
    def step(drive: Tensor, carried: Carried) -> Carried:
        h, c, n, m = carried
        write, keep, new, read = (drive + h @ recurrent.T).chunk(4, 1)
        kept = logsigmoid(keep)
        size_of = torch.maximum(kept + m, write).detach()
        i, f = torch.exp(write - size_of), torch.exp(kept + m - size_of)
        c, n = f * c + i * torch.tanh(new), f * n + i
        return torch.sigmoid(read) * c / n, c, n, size_of

    h, c = (start.expand(inputs.shape[1], -1) for start in (initial, initial_cell))
    begun = h, c, torch.ones_like(c), torch.zeros_like(c)
    return unrolled(step, noisy(inputs @ input_weight.T + bias, noise), begun, horizon)


SLSTM = Recurrence(_kernels, _by_torch, cells=True, gates=7)
"""Of inputs and input_weight [4H, D], recurrent [4H, H], bias [4H], initial cell and state [H]."""


class SLSTMCell(CompiledCell):
    """A layer of such cells; `keep_bias` [H] starts the keep gates (zeros without)."""

    recurrence: ClassVar = SLSTM

    def __init__(self, input_size: int, units: int, keep_bias: Tensor | None = None) -> None:
        super().__init__(input_size, units)
        self.input_weight = nn.Parameter(torch.zeros(4 * units, input_size))
        self.recurrent_weight = nn.Parameter(torch.zeros(4 * units, units))
        self.bias = nn.Parameter(torch.zeros(4 * units))
        self.initial_cell = nn.Parameter(torch.zeros(units))
        self.initial = nn.Parameter(torch.zeros(units))
        if keep_bias is not None:
            self.gate_bias("keep").data.copy_(keep_bias)

    def gate_bias(self, name: str) -> Tensor:
        """The bias [H] of the gate `name`, one of BLOCKS, as a view."""
        return self.biases()[BLOCKS.index(name)]

    @property
    def parts(self) -> tuple[Tensor, ...]:
        """W, R, b, the initial cell and state."""
        starts = (self.initial_cell, self.initial)
        return (self.input_weight, self.recurrent_weight, self.bias, *starts)

    @property
    def remembered(self) -> int:
        """States, cells and normalisers."""
        return 3 * self.units

    def recurrent_blocks(self) -> list[Tensor]:
        """R_i, R_f, R_z, R_o."""
        return list(self.recurrent_weight.split(self.units))

    def input_blocks(self) -> list[Tensor]:
        """W_i, W_f, W_z, W_o."""
        return list(self.input_weight.split(self.units))

    def biases(self) -> list[Tensor]:
        """b_i, b_f, b_z, b_o."""
        return list(self.bias.split(self.units))
