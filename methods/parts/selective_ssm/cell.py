"""A selective state-space layer: how much fades at a step, what is written and what is read, inputs choose.

From u_t [W], with E = 2H channels of N states each (Gu & Dao 2023, algorithm 2 and figure 3):

    x_t = silu(conv(W_x u_t)),    z_t = W_z u_t + b_z,    conv over the last 4 steps, a channel at a time
    d_t = softplus(W_d (V_d x_t) + b_d),    B_t = W_B x_t,    C_t = W_C x_t
    h_t = exp(d_t A) h_(t-1) + d_t B_t x_t,    y_t = W_y ((C_t h_t + D x_t) silu(z_t))

d_t [E] is the time that passes at a step, by which A is discretised exactly (zero-order hold) and B to first
order, as in the paper's code. A < 0 is real and diagonal, and begins at -1, -2, ..., -N. A channel to which
no time passes holds its states. The paper has no b_z, and inputs that are never 0; where they are, as the
blanks of a task may be, a gate without it would let nothing out, ever. It begins open.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, pad, silu, softplus

from longlag.methods.parts.backend import Array, at_steps
from longlag.methods.parts.scan.scan import scan
from longlag.methods.parts.scan.stack import NORMAL, Layer, drawn

EXPANSION = 2
"""Channels a unit."""
WIDTH = 4
"""Steps that the convolution sees."""
SHARED = 16
"""Units a number of the rank of what chooses d."""


class SelectiveStateSpace(Layer):
    """`units` outputs by 2H channels of `states` states, from `heard` numbers.

    d begins log-uniform in [`least`, `most`].
    """

    def __init__(self, heard: int, units: int, states: int, least: float, most: float) -> None:
        super().__init__()
        channels, rank = EXPANSION * units, -(-units // SHARED)
        self.units, self.channels, self.states, self.rank = units, channels, states, rank
        self.into = drawn(2 * channels, heard)
        self.conv = drawn(channels, WIDTH, NORMAL)
        self.conv_bias = nn.Parameter(drawn(channels, WIDTH).detach()[:, 0].clone())
        self.gate_bias = nn.Parameter(torch.ones(channels))
        self.choice = drawn(rank + 2 * states, channels, 2 * NORMAL)
        self.time = drawn(channels, rank)
        begun = torch.empty(channels).uniform_(math.log(least), math.log(most)).exp()
        # The inverse of softplus.
        self.time_bias = nn.Parameter(begun + (-torch.expm1(-begun)).log())
        self.log_a = nn.Parameter(torch.arange(1.0, states + 1).log().repeat(channels, 1))
        self.past = nn.Parameter(torch.ones(channels))
        self.initial = nn.Parameter(torch.zeros(channels * states))
        self.out = drawn(units, channels, NORMAL)
        gate, read = channels * heard, states * channels
        every = self.into.numel() - gate + self.conv.numel() + self.choice.numel() - read + self.time.numel()
        # Of a state: d A, the scan and d x B at every step, and C h where it is shown.
        self.weights = every + 3 * channels * states
        self.output_weights = gate + read + channels * states + self.past.numel() + self.out.numel()

    @property
    def remembered(self) -> int:
        """The states, and what was heard at the steps that the convolution will see again."""
        heard = min(self.into.shape[1], self.channels)
        return super().remembered + (WIDTH - 1) * heard

    def forward(self, heard: Tensor, steps: Array | None) -> Tensor:
        """y [S, B, H]."""
        into_x, into_z = self.into.chunk(2)
        x = silu(self._convolved(linear(heard, into_x)))
        chosen, reads = self.choice.split((self.rank + self.states, self.states))
        time, write = linear(x, chosen).split((self.rank, self.states), -1)
        time = softplus(linear(time, self.time, self.time_bias))
        rates = (time.unsqueeze(-1) * -self.log_a.exp()).exp()
        drives = (time * x).unsqueeze(-1) * write.unsqueeze(-2)
        held = scan(rates.flatten(-2), drives.flatten(-2), self.initial, steps)
        states = held.unflatten(-1, (self.channels, self.states))
        x = at_steps(x, steps)
        shown = (states @ linear(x, reads).unsqueeze(-1)).squeeze(-1) + self.past * x
        return linear(shown * silu(linear(at_steps(heard, steps), into_z, self.gate_bias)), self.out)

    def _convolved(self, x: Tensor) -> Tensor:
        """[T, B, E], each step of which has seen the last four; there is nothing before the first."""
        length = len(x)
        padded = pad(x, (0, 0, 0, 0, WIDTH - 1, 0))
        total = self.conv_bias + self.conv[:, 0] * padded[:length]
        for k in range(1, WIDTH):
            total = total + self.conv[:, k] * padded[k : k + length]
        return total

    def input_blocks(self) -> list[Tensor]:
        """W_x and W_z, in matrices [H, W]."""
        return list(self.into.split(self.units))

    def biases(self) -> list[Tensor]:
        """b_d, in vectors [H]."""
        return list(self.time_bias.split(self.units))
