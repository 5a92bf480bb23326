"""A layer of Legendre memories: the last steps of a few signals as polynomials, and units that read them.

From u_t [W], with M memories m of order q (Voelker, Kajic & Eliasmith 2019, equations 5 and 7; without the
ways back from states to memories, which Chilkuri & Eliasmith 2021 leave out):

    v_t = relu(W_v u_t + b_v),    h_t = tanh(W_m m_t + W_u u_t + b)

`delay` says how v is written into m.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from longlag.methods.parts.backend import Array, at_steps
from longlag.methods.parts.lmu.delay import ByEigenvectors, Delay, InPieces
from longlag.methods.parts.scan.stack import NORMAL, Layer, drawn

ORDERS = (2, 4, 8, 12, 32, 100)
HIGHEST_BY_EIGENVECTORS = 12


class LegendreMemory(Layer):
    """`units` that read `memories` of `order` over `theta` steps, written from `heard` numbers."""

    def __init__(self, heard: int, units: int, memories: int, order: int, theta: float) -> None:
        super().__init__()
        self.units, self.memories, self.order = units, memories, order
        self.write = drawn(memories, heard, NORMAL)
        self.write_bias = nn.Parameter(torch.zeros(memories))
        self.read = drawn(units, memories * order, NORMAL)
        self.past = drawn(units, heard, NORMAL)
        self.bias = nn.Parameter(torch.zeros(units))
        self.initial = nn.Parameter(torch.zeros(memories * order))
        way = ByEigenvectors if order <= HIGHEST_BY_EIGENVECTORS else InPieces
        self.delay: Delay = way(order, theta)
        self.weights = self.write.numel() + memories * self.delay.weights
        reading = self.read.numel() + self.past.numel()
        self.output_weights = memories * self.delay.output_weights + reading

    def forward(self, heard: Tensor, steps: Array | None) -> Tensor:
        """h [S, B, H]."""
        written = linear(heard, self.write, self.write_bias).relu()
        memory = self.delay(written, self.initial.view(self.memories, self.order), steps).flatten(-2)
        now = at_steps(heard, steps)
        return (linear(memory, self.read, self.bias) + linear(now, self.past)).tanh()

    def input_blocks(self) -> list[Tensor]:
        """W_u; W_v, of as many rows as there are memories, begins as it is made."""
        return [self.past]

    def biases(self) -> list[Tensor]:
        """b."""
        return [self.bias]
