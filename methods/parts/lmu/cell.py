"""A layer of Legendre memories: the last steps of a few signals as polynomials, and units that read them.

From u_t [W], with M memories of order q (Voelker, Kajic & Eliasmith 2019, equations 1, 2, 5 and 7; without
the ways back from states to memories, which Chilkuri & Eliasmith 2021 leave out):

    v_t = relu(W_v u_t + b_v),    h_t = tanh(W_m m_t + W_u u_t + b)
    m_t = exp(A / theta) m_(t-1) + A^-1 (exp(A / theta) - 1) B v_t
    A_ij = (2i + 1) (-1 if i < j else (-1)^(i - j + 1)),    B_i = (2i + 1) (-1)^i

A and B are fixed: m are the coefficients of Legendre polynomials that best tell v over the last theta steps.
The recurrence is computed in A's eigenvectors, where it is one number by another. They grow alike with the
order: hence double precision, and an order of 12 at most; at 16 a state is off in its third digit.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from longlag.methods.parts.backend import Array, at_steps
from longlag.methods.parts.scan.scan import scan
from longlag.methods.parts.scan.stack import NORMAL, Layer, drawn

ORDERS = (2, 4, 8, 12)
"""Even, so that all eigenvalues come in pairs of which one is enough."""


class LegendreMemory(Layer):
    """`units` that read `memories` of `order` over `theta` steps, written from `heard` numbers."""

    values: Tensor
    shown: Tensor
    hidden: Tensor

    def __init__(self, heard: int, units: int, memories: int, order: int, theta: float) -> None:
        super().__init__()
        self.units, self.memories, self.order = units, memories, order
        self.write = drawn(memories, heard, NORMAL)
        self.write_bias = nn.Parameter(torch.zeros(memories))
        self.read = drawn(units, memories * order, NORMAL)
        self.past = drawn(units, heard, NORMAL)
        self.bias = nn.Parameter(torch.zeros(units))
        self.initial = nn.Parameter(torch.zeros(memories * order))
        for name, constant in zip(("values", "shown", "hidden"), _diagonal(order, theta), strict=True):
            self.register_buffer(name, torch.from_numpy(constant))
        # Of q / 2 complex numbers a memory: four products in the scan, two for each number that is shown.
        self.weights = self.write.numel() + memories * 2 * order
        self.output_weights = memories * order * order + self.read.numel() + self.past.numel()

    def forward(self, heard: Tensor, steps: Array | None) -> Tensor:
        """h [S, B, H]."""
        written = linear(heard, self.write, self.write_bias).relu()
        drives = written.to(self.values.dtype).repeat_interleave(self.order // 2, -1)
        begun = self.initial.view(self.memories, self.order).to(self.values.dtype) @ self.hidden.T
        states = scan(self.values.repeat(self.memories), drives, begun.flatten(), steps)
        memory = (states.unflatten(-1, (self.memories, -1)) @ self.shown.T).real.flatten(-2)
        now = at_steps(heard, steps)
        return (linear(memory.to(heard.dtype), self.read, self.bias) + linear(now, self.past)).tanh()

    def input_blocks(self) -> list[Tensor]:
        """W_u; W_v, of as many rows as there are memories, begins as it is made."""
        return [self.past]

    def biases(self) -> list[Tensor]:
        """b."""
        return [self.bias]


def legendre(order: int) -> tuple[Array, Array]:
    """A [q, q] and B [q] of the Legendre delay."""
    i = np.arange(order)
    below, across = i[:, None], i[None]
    sign = np.where(below < across, -1.0, (-1.0) ** (below - across + 1))
    return sign * (2.0 * below + 1), (2.0 * i + 1) * (-1.0) ** i


def _diagonal(order: int, theta: float) -> tuple[Array, Array, Array]:
    """By what a step multiplies q / 2 complex states; memories [q] from them, and them from memories.

    Of a pair of eigenvalues the one above the real axis; the other's share is the conjugate.
    """
    A, B = legendre(order)
    values, vectors = np.linalg.eig(A)
    back = np.linalg.inv(vectors)
    above = values.imag > 0
    turned = np.exp(values / theta)
    driven = (turned - 1) / values * (back @ B)
    return turned[above], 2 * vectors[:, above] * driven[above], back[above] / driven[above, None]
