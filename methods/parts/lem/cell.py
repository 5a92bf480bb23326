"""The layer of long expressive memory: two states that drift, each at a rate of its own that is learned.

From inputs u [D] at step t, memory z [H] and state y [H] (Rusch, Mishra, Erichson & Mahoney 2022,
equation 3):

slow    p_t = span sigmoid(W_p u_t + R_p y_(t-1) + b_p)
fast    q_t = span sigmoid(W_q u_t + R_q y_(t-1) + b_q)
memory  z_t = (1 - p_t) z_(t-1) + p_t tanh(W_z u_t + R_z y_(t-1) + b_z)
state   y_t = (1 - q_t) y_(t-1) + q_t tanh(W_y u_t + R_y z_t + b_y)

The span (their Delta t) is the largest share of a step: with no drive on its rate, what a unit holds fades
over about 2 / span steps. The way back is, from e_t = dE/dy_t, f_t = dE/dz_t and the tanh values n,

    d_y = e_t q_t (1 - n_y^2),    d_q = e_t (n_y - y_(t-1)) q_t (1 - q_t / span),    f_t += R_y' d_y,
    d_z = f_t p_t (1 - n_z^2),    d_p = f_t (n_z - z_(t-1)) p_t (1 - p_t / span),
    f_(t-1) = (1 - p_t) f_t,
    e_(t-1) = [given from outside] + (1 - q_t) e_t + R_p' d_p + R_q' d_q + R_z' d_z
"""

from __future__ import annotations

from types import ModuleType
from typing import ClassVar

import torch
from torch import Tensor, nn

from longlag.methods.parts.recurrence import CompiledCell, Recurrence
from longlag.methods.parts.through_time import Carried, noisy, unrolled

BLOCKS = ("slow", "fast", "memory", "state")
"""The order in which the four are stacked."""


def _kernels() -> ModuleType:
    from longlag.methods.parts.lem import lem_numba

    return lem_numba


def _by_torch(
    inputs: Tensor,
    input_weight: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    span: Tensor,
    initial_memory: Tensor,
    initial: Tensor,
    *,
    noise: Tensor | None = None,
    horizon: int | None = None,
) -> Tensor:
    size, units = inputs.shape[1], len(initial)
    listening, reading = recurrent[: 3 * units].T, recurrent[3 * units :].T

    def step(drive: Tensor, carried: Carried) -> Carried:
        y, z = carried
        slow, fast, memory = (drive[:, : 3 * units] + y @ listening).split(units, 1)
        z = z + span * slow.sigmoid() * (memory.tanh() - z)
        return y + span * fast.sigmoid() * ((drive[:, 3 * units :] + z @ reading).tanh() - y), z

    begun = initial.expand(size, -1), initial_memory.expand(size, -1)
    return unrolled(step, noisy(inputs @ input_weight.T + bias, noise), begun, horizon)


LEM = Recurrence(_kernels, _by_torch, cells=True, gates=4)
"""Of inputs and input_weight [4H, D], recurrent [4H, H], bias [4H], span [1, H], both initial states [H]."""


class LEMCell(CompiledCell):
    """A layer of long expressive memory, whose `span` is held."""

    recurrence: ClassVar = LEM
    span: Tensor

    def __init__(self, input_size: int, units: int, span: float = 1.0) -> None:
        super().__init__(input_size, units)
        self.input_weight = nn.Parameter(torch.zeros(4 * units, input_size))
        self.recurrent_weight = nn.Parameter(torch.zeros(4 * units, units))
        self.bias = nn.Parameter(torch.zeros(4 * units))
        self.initial_memory = nn.Parameter(torch.zeros(units))
        self.initial = nn.Parameter(torch.zeros(units))
        self.register_buffer("span", torch.full((1, units), span))

    @property
    def parts(self) -> tuple[Tensor, ...]:
        """The weights in the order of `recurrence`."""
        starts = (self.initial_memory, self.initial)
        return (self.input_weight, self.recurrent_weight, self.bias, self.span, *starts)

    @property
    def remembered(self) -> int:
        """States and memories."""
        return 2 * self.units

    def recurrent_blocks(self) -> list[Tensor]:
        """R_p, R_q, R_z, R_y."""
        return list(self.recurrent_weight.split(self.units))

    def input_blocks(self) -> list[Tensor]:
        """W_p, W_q, W_z, W_y."""
        return list(self.input_weight.split(self.units))

    def biases(self) -> list[Tensor]:
        """b_p, b_q, b_z, b_y."""
        return list(self.bias.split(self.units))
