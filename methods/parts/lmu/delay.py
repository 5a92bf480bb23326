"""The Legendre delay: a signal's last theta steps as the coefficients of q Legendre polynomials.

m_t = exp(A / theta) m_(t-1) + A^-1 (exp(A / theta) - 1) B v_t, with

    A_ij = (2i + 1) (-1 if i < j else (-1)^(i - j + 1)),    B_i = (2i + 1) (-1)^i

(Voelker, Kajic & Eliasmith 2019, equations 1 and 2, held for a step). Nothing of it is trained. It is worked
out in either of two ways, which agree where both can.

Shapes: T steps, B sequences, M memories, each of q numbers, S steps that are asked.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor, nn

from longlag.methods.parts.backend import Array
from longlag.methods.parts.scan.scan import scan

PIECE = 32
"""The steps that `InPieces` works out at a time."""


class Delay(nn.Module, ABC):
    """A way to work it out."""

    weights: int
    """What a memory multiplies and adds at every step."""
    output_weights: int
    """And at each that is asked."""

    @abstractmethod
    def forward(self, written: Tensor, initial: Tensor, steps: Array | None) -> Tensor:
        """m [S, B, M, q] at `steps`, rising (all T without them), of written [T, B, M] and initial [M, q]."""


class ByEigenvectors(Delay):
    """One complex number by another, in A's eigenvectors; for small orders alone.

    The eigenvectors grow alike with the order: hence double precision, and at 16 a state is off in its third
    digit. They come in pairs of which one is enough, where the order is even.
    """

    values: Tensor
    shown: Tensor
    hidden: Tensor

    def __init__(self, order: int, theta: float) -> None:
        super().__init__()
        for name, constant in zip(("values", "shown", "hidden"), _diagonal(order, theta), strict=True):
            self.register_buffer(name, torch.from_numpy(constant))
        # Of q / 2 complex numbers: four products in the scan, two for each number that is shown.
        self.weights, self.output_weights = 2 * order, order * order

    def forward(self, written: Tensor, initial: Tensor, steps: Array | None) -> Tensor:
        """m [S, B, M, q]."""
        memories, pairs = initial.shape[0], len(self.values)
        drives = written.to(self.values.dtype).repeat_interleave(pairs, -1)
        begun = initial.to(self.values.dtype) @ self.hidden.T
        states = scan(self.values.repeat(memories), drives, begun.flatten(), steps)
        memory: Tensor = (states.unflatten(-1, (memories, -1)) @ self.shown.T).real
        return memory.to(written.dtype)


class InPieces(Delay):
    """A piece of the sequence at a time, by powers of exp(A / theta); for any order.

    With j counted from a piece's beginning, m_j = P_j m_(-1) + sum over i <= j of d_(j-i) v_i, where P_j is
    the power j + 1 and d_j that of j times what a step writes.
    """

    powers: Tensor
    written: Tensor

    def __init__(self, order: int, theta: float) -> None:
        super().__init__()
        step, write = held(order, theta)
        powers = [step]
        while len(powers) < PIECE:
            powers.append(step @ powers[-1])
        later = [write, *(power @ write for power in powers[:-1])]
        # Made of the order and theta: no part of a checkpoint.
        self.register_buffer("powers", torch.from_numpy(np.array(powers)), persistent=False)
        self.register_buffer("written", torch.from_numpy(np.array(later)), persistent=False)
        # A power a piece, and what each step adds at its end; where a step is asked, both for it.
        self.weights = order + order * order // PIECE
        self.output_weights = order * order + PIECE * order

    def forward(self, written: Tensor, initial: Tensor, steps: Array | None) -> Tensor:
        """m [S, B, M, q]."""
        length, size, _ = written.shape
        powers, later = self.powers.to(written.dtype), self.written.to(written.dtype)
        asked = np.arange(length) if steps is None else steps
        state, found = initial.expand(size, -1, -1), []
        for begin in range(0, length, PIECE):
            piece = written[begin : begin + PIECE]
            here = asked[(asked >= begin) & (asked < begin + PIECE)] - begin
            rows = [int(j) for j in here]
            last = len(piece) - 1
            if rows[-1:] != [last]:
                rows.append(last)
            carried = torch.einsum("bmq,jrq->jbmr", state, powers[rows])
            # Of v_i in row j: d_(j-i), nothing where i comes after j.
            back = torch.tensor(rows, device=piece.device)[:, None] - torch.arange(
                len(piece), device=piece.device
            )
            heard = later[back.clamp(min=0)] * (back >= 0)[..., None].to(later)
            states = carried + torch.einsum("ibm,jiq->jbmq", piece, heard)
            state = states[-1]
            if len(here):
                found.append(states[: len(here)])
        return torch.cat(found)


def legendre(order: int) -> tuple[Array, Array]:
    """A [q, q] and B [q] of the Legendre delay."""
    i = np.arange(order)
    below, across = i[:, None], i[None]
    sign = np.where(below < across, -1.0, (-1.0) ** (below - across + 1))
    return sign * (2.0 * below + 1), (2.0 * i + 1) * (-1.0) ** i


def held(order: int, theta: float) -> tuple[Array, Array]:
    """By what a step multiplies m, [q, q], and what it adds for v = 1, [q]."""
    # A second that `longlag list` need not take.
    from scipy.linalg import expm

    A, B = legendre(order)
    both = np.zeros((order + 1, order + 1))
    both[:-1, :-1], both[:-1, -1] = A / theta, B / theta
    step = expm(both)
    return step[:-1, :-1], step[:-1, -1]


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
