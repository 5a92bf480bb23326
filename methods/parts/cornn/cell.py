"""The layer of coupled oscillators: units that swing, damped, and drive each other.

From inputs u [D] at step t, velocity z [H] and state y [H] (Rusch & Mishra 2021, equation 3):

drive     n_t = tanh(W u_t + R_y y_(t-1) + R_z z_(t-1) + b)
velocity  z_t = z_(t-1) + dt (n_t - gamma y_(t-1) - epsilon z_(t-1))
state     y_t = y_(t-1) + dt z_t

A unit that nothing drives swings at sqrt(gamma) and fades over about 2 / epsilon, where that is slower, both
in time, of which a step takes dt. The way back is, from e_t = dE/dy_t and f_t = dE/dz_t,

    f_t += dt e_t,    d_n = dt f_t (1 - n_t^2),
    e_(t-1) = [given from outside] + e_t - dt gamma f_t + R_y' d_n,
    f_(t-1) = (1 - dt epsilon) f_t + R_z' d_n
"""

from __future__ import annotations

from types import ModuleType
from typing import ClassVar

import torch
from torch import Tensor, nn

from longlag.methods.parts.recurrence import CompiledCell, Recurrence
from longlag.methods.parts.through_time import Carried, noisy, unrolled


def _kernels() -> ModuleType:
    from longlag.methods.parts.cornn import cornn_numba

    return cornn_numba


def _by_torch(
    inputs: Tensor,
    input_weight: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    swing: Tensor,
    initial_velocity: Tensor,
    initial: Tensor,
    *,
    noise: Tensor | None = None,
    horizon: int | None = None,
) -> Tensor:
    size, units = inputs.shape[1], len(initial)
    by_state, by_velocity = (block.T for block in recurrent.split(units))
    dt, gamma, epsilon = swing

    def step(drive: Tensor, carried: Carried) -> Carried:
        y, z = carried
        new = torch.tanh(drive + y @ by_state + z @ by_velocity)
        z = z + dt * (new - gamma * y - epsilon * z)
        return y + dt * z, z

    begun = initial.expand(size, -1), initial_velocity.expand(size, -1)
    return unrolled(step, noisy(inputs @ input_weight.T + bias, noise), begun, horizon)


CORNN = Recurrence(_kernels, _by_torch, cells=True, gates=1)
"""Of inputs and input_weight [H, D], recurrent [2H, H], bias [H], swing [3, H] (dt, gamma, epsilon), and the
initial velocity and state [H]."""


class CoRNNCell(CompiledCell):
    """A layer of coupled oscillators, whose `swing` (dt, gamma, epsilon) is held."""

    recurrence: ClassVar = CORNN
    swing: Tensor

    def __init__(
        self, input_size: int, units: int, dt: float = 0.1, gamma: float = 1.0, epsilon: float = 1.0
    ):
        super().__init__(input_size, units)
        self.input_weight = nn.Parameter(torch.zeros(units, input_size))
        self.recurrent_weight = nn.Parameter(torch.zeros(2 * units, units))
        self.bias = nn.Parameter(torch.zeros(units))
        self.initial_velocity = nn.Parameter(torch.zeros(units))
        self.initial = nn.Parameter(torch.zeros(units))
        self.register_buffer("swing", torch.tensor([dt, gamma, epsilon])[:, None].repeat(1, units))

    @property
    def parts(self) -> tuple[Tensor, ...]:
        """The weights in the order of `recurrence`."""
        starts = (self.initial_velocity, self.initial)
        return (self.input_weight, self.recurrent_weight, self.bias, self.swing, *starts)

    @property
    def remembered(self) -> int:
        """States and velocities."""
        return 2 * self.units

    def recurrent_blocks(self) -> list[Tensor]:
        """R_y, R_z."""
        return list(self.recurrent_weight.split(self.units))

    def input_blocks(self) -> list[Tensor]:
        """W."""
        return [self.input_weight]

    def biases(self) -> list[Tensor]:
        """b."""
        return [self.bias]
