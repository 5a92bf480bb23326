"""Whitening: states to the few uncorrelated numbers of unit variance that hold most of what varies in them.

Principal components (Pearson 1901), each divided by its standard deviation. They are found from the first
states seen, then kept fixed, so that what has been regressed on them stays valid.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

NEGLIGIBLE = 1e-13
"""A component whose deviation is this share of the largest is rounding: it becomes zero."""


class Whitening(nn.Module):
    """z = (x - mean) V / s for states x [..., N]: `components` of them, at most N.

    The states seen are kept as the triangular factor of [1, X], which a sum of squares would only hold to
    half the digits: slow units differ by little, and it is in the small components that they do. All is
    in buffers, so a checkpoint keeps it.
    """

    factor: Tensor
    rows: Tensor
    fixed: Tensor
    mean: Tensor
    matrix: Tensor

    def __init__(self, units: int, components: int) -> None:
        super().__init__()
        self.components = min(components, units)
        float64 = torch.float64
        self.register_buffer("factor", torch.zeros(units + 1, units + 1, dtype=float64))
        self.register_buffer("rows", torch.zeros((), dtype=float64))
        self.register_buffer("fixed", torch.tensor(False))
        self.register_buffer("mean", torch.zeros(units, dtype=float64))
        self.register_buffer("matrix", torch.zeros(units, self.components, dtype=float64))

    def add(self, states: Tensor) -> float:
        """More states [R, N] to whiten by; the FLOPs this took, those of a Householder factorisation."""
        ones = states.new_ones(states.shape[0], 1)
        stacked = torch.cat([self.factor, torch.cat([ones, states], 1)])
        self.factor.copy_(torch.linalg.qr(stacked, mode="r").R)
        self.rows += states.shape[0]
        height, width = stacked.shape
        return 2.0 * height * width**2

    def fix(self) -> float:
        """Whiten by the states seen, from now on; the FLOPs this took. NaN among them gives NaN."""
        self.fixed.fill_(True)
        width = self.factor.shape[0]
        if not self.factor.isfinite().all():
            self.matrix.fill_(torch.nan)
            return 0.0
        # The first row is the column of ones': what is below it is about the mean.
        self.mean.copy_(self.factor[0, 1:] / self.factor[0, 0])
        _, values, vectors = torch.linalg.svd(self.factor[1:, 1:])
        deviations = values / (self.rows - 1).clamp(min=1.0).sqrt()
        inverse = torch.where(deviations > NEGLIGIBLE * deviations[0], 1.0 / deviations, 0.0)
        self.matrix.copy_((vectors.T * inverse)[:, : self.components])
        return 22.0 * width**3

    @property
    def flops(self) -> float:
        """FLOPs a state."""
        return 2.0 * self.matrix.numel()

    def forward(self, states: Tensor) -> Tensor:
        """z [..., k] from states [..., N]; zero before it is fixed."""
        whitened: Tensor = (states - self.mean) @ self.matrix
        return whitened
