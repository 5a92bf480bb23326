"""A layer of linear recurrent units: complex numbers that turn and fade, and what is made of them at a step.

From u_t [W], with H complex states h (Orvieto et al. 2023, sections 3.3 and 3.4):

    h_t = lambda h_(t-1) + gamma (B u_t),    lambda = exp(-exp(nu) + i exp(theta))
    s_t = gelu(Re(C h_t) + D u_t),    y_t = (W_1 s_t + b_1) sigmoid(W_2 s_t + b_2)

|lambda| < 1 whatever nu is. It begins uniform on a ring of the complex plane, and gamma with what keeps the
states as large as their inputs, sqrt(1 - |lambda|^2). The recurrence is linear: all that the layer decides,
it decides a step at a time, in y.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, linear

from longlag.methods.parts.backend import Array, at_steps
from longlag.methods.parts.scan.scan import scan
from longlag.methods.parts.scan.stack import NORMAL, Layer, drawn


class LinearRecurrentUnits(Layer):
    """`units` complex states and as many outputs, from `heard` numbers.

    The eigenvalues begin with absolute values in [`least`, `most`] and phases in [0, `phase`].
    """

    def __init__(self, heard: int, units: int, least: float, most: float, phase: float, inner: bool) -> None:
        super().__init__()
        self.units = units
        size = torch.empty(units).uniform_(least**2, most**2).sqrt()
        self.nu = nn.Parameter((-size.log()).log())
        self.theta = nn.Parameter((phase * torch.rand(units)).clamp(min=1e-8).log())
        self.gamma = nn.Parameter(0.5 * torch.log1p(-(size**2)))
        # Of complex weights the real and the imaginary row of a unit, one after the other.
        self.into = drawn(2 * units, heard, NORMAL)
        self.out = drawn(units, 2 * units, NORMAL)
        self.past = nn.Parameter(torch.randn(units)) if inner else drawn(units, heard, NORMAL)
        self.mixed = drawn(2 * units, units, NORMAL)
        self.bias = nn.Parameter(torch.zeros(2 * units))
        self.initial = nn.Parameter(torch.zeros(2 * units))
        # A complex product is four.
        self.weights = self.into.numel() + 4 * units
        self.output_weights = sum(matrix.numel() for matrix in (self.out, self.past, self.mixed))

    def eigenvalues(self) -> Tensor:
        """lambda [H], complex."""
        return torch.polar((-self.nu.exp()).exp(), self.theta.exp())

    def forward(self, heard: Tensor, steps: Array | None) -> Tensor:
        """y [S, B, H]."""
        scaled = self.into * self.gamma.exp().repeat_interleave(2).unsqueeze(-1)
        drives = torch.view_as_complex(linear(heard, scaled).unflatten(-1, (self.units, 2)))
        # Not as a view, which needs memory that begins at an even place: one of many weights may not.
        initial = torch.complex(self.initial[0::2], self.initial[1::2])
        states = torch.view_as_real(scan(self.eigenvalues(), drives, initial, steps)).flatten(-2)
        now = at_steps(heard, steps)
        past = now * self.past if self.past.ndim == 1 else linear(now, self.past)
        shown, open_ = linear(gelu(linear(states, self.out) + past), self.mixed, self.bias).chunk(2, -1)
        return shown * open_.sigmoid()

    def input_blocks(self) -> list[Tensor]:
        """Real and imaginary part of B, and D where it is a matrix: each [H, W]."""
        blocks = [self.into[0::2], self.into[1::2]]
        return blocks if self.past.ndim == 1 else [*blocks, self.past]

    def biases(self) -> list[Tensor]:
        """b_1, b_2."""
        return list(self.bias.split(self.units))
