"""The LSTM layer: memory cells behind keep, write and read gates, with learned initial states.

States h [H] and cells c [H], from inputs u [D] at step t:

write  i_t = sigmoid(W_i u_t + R_i h_(t-1) + b_i)
keep   f_t = sigmoid(W_f u_t + R_f h_(t-1) + b_f)
new    g_t = tanh   (W_g u_t + R_g h_(t-1) + b_g)
read   o_t = sigmoid(W_o u_t + R_o h_(t-1) + b_o)
cell   c_t = f_t c_(t-1) + i_t g_t,    state  h_t = o_t tanh(c_t)
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from longlag.bench.contract import Pullback, Recurrent, by_autograd
from longlag.methods.parts.backend import Memory, at_steps, compiled, true_steps
from longlag.methods.parts.lstm.lstm_core import by_torch, lstm_recurrence, lstm_vjp

BLOCKS = ("write", "keep", "new", "read")
"""The order in which torch stacks the gates (i, f, g, o)."""


class LSTMCell(Recurrent):
    """A layer of memory cells; `keep_bias` and `write_bias` [H] start those gates (zeros without)."""

    untaken: ClassVar = ""

    def __init__(
        self,
        input_size: int,
        units: int,
        keep_bias: Tensor | None = None,
        write_bias: Tensor | None = None,
    ) -> None:
        super().__init__(input_size, units)
        self.input_weight = nn.Parameter(torch.zeros(4 * units, input_size))
        self.recurrent_weight = nn.Parameter(torch.zeros(4 * units, units))
        self.bias = nn.Parameter(torch.zeros(4 * units))
        self.initial = nn.Parameter(torch.zeros(units))
        self.initial_cell = nn.Parameter(torch.zeros(units))
        self.memory = Memory()
        for name, start in (("keep", keep_bias), ("write", write_bias)):
            if start is not None:
                self.gate_bias(name).data.copy_(start)

    def gate_bias(self, name: str) -> Tensor:
        """The bias [H] of the gate `name`, one of BLOCKS, as a view."""
        return self.biases()[BLOCKS.index(name)]

    def forward(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """States h [S, B, H] at the supervised steps."""
        weights = (self.input_weight, self.recurrent_weight, self.bias)
        return lstm_recurrence(inputs, *weights, self.initial, self.initial_cell, mask)

    def vjp(
        self,
        inputs: Tensor,
        mask: Tensor | None = None,
        *,
        noise: Tensor | None = None,
        horizon: int | None = None,
    ) -> tuple[Tensor, Pullback]:
        """The states [S, B, H] and their way back, without autograd around them."""
        weights = (self.input_weight, self.recurrent_weight, self.bias, self.initial, self.initial_cell)
        if not compiled(inputs):
            with torch.enable_grad():
                states = by_torch(inputs, *weights, noise=noise, horizon=horizon)
                return by_autograd(at_steps(states, true_steps(mask)))
        states, pullback = lstm_vjp(inputs, self.memory.arrays(weights), mask, noise, horizon)
        return states, lambda gradients: pullback(gradients, self.memory.gradients(weights))

    @property
    def remembered(self) -> int:
        """States and cells."""
        return 2 * self.units

    def recurrent_blocks(self) -> list[Tensor]:
        """R_i, R_f, R_g, R_o."""
        return list(self.recurrent_weight.split(self.units))

    def input_blocks(self) -> list[Tensor]:
        """W_i, W_f, W_g, W_o."""
        return list(self.input_weight.split(self.units))

    def biases(self) -> list[Tensor]:
        """b_i, b_f, b_g, b_o."""
        return list(self.bias.split(self.units))
