"""Ridge regression from accumulated normal equations: batches come and go, sums stay.

minimises mean ||y - (W^T x + c)||^2 + penalty ||S W||^2, S the features' standard deviations; the intercept c
is not penalised (Hoerl & Kennard 1970, Technometrics 12(1)). float64 throughout.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

SETTLED = 200
"""Sequences for each feature from which a fit is final: by least squares on R independent rows the error on
fresh ones lies above that of the best fit by a share of F / (R - F - 1), half a percent."""


@dataclass(frozen=True)
class Readout:
    """weights [F, K] and intercept [K], and the FLOPs that finding them took."""

    weights: Tensor
    intercept: Tensor
    flops: float


class NormalEquations(nn.Module):
    """The sums a ridge regression of targets [R, K] on features [R, F] needs.

    They are buffers, so checkpoints keep them. Features and targets are taken about the means of the first
    rows: sums about a far zero lose the digits that a small penalty lives on.
    """

    rows: Tensor
    shift: Tensor
    target_shift: Tensor
    total: Tensor
    target_total: Tensor
    gram: Tensor
    cross: Tensor

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        for name, shape in {
            "rows": (),
            "shift": (features,),
            "target_shift": (outputs,),
            "total": (features,),
            "target_total": (outputs,),
            "gram": (features, features),
            "cross": (features, outputs),
        }.items():
            self.register_buffer(name, torch.zeros(shape, dtype=torch.float64))

    def add(self, features: Tensor, targets: Tensor) -> None:
        """More rows: features [R, F], targets [R, K]."""
        if self.rows == 0:
            self.shift.copy_(features.mean(0))
            self.target_shift.copy_(targets.mean(0))
        x, y = features - self.shift, targets - self.target_shift
        self.rows += x.shape[0]
        self.total += x.sum(0)
        self.target_total += y.sum(0)
        self.gram.addmm_(x.T, x)
        self.cross.addmm_(x.T, y)

    def add_cost(self, rows: int) -> float:
        """FLOPs of adding `rows` rows."""
        return 2.0 * rows * self.gram.shape[0] * (self.gram.shape[0] + self.cross.shape[1])

    def solve(self, penalty: float) -> Readout:
        """The readout for `penalty`, the weight on the squared weights against the mean squared error.

        Constant features get no weight. Non-finite sums give a non-finite readout.
        """
        mean, target_mean = self.total / self.rows, self.target_total / self.rows
        gram = (self.gram - self.rows * torch.outer(mean, mean)) / self.rows
        cross = (self.cross - self.rows * torch.outer(mean, target_mean)) / self.rows
        mean, target_mean = mean + self.shift, target_mean + self.target_shift
        variance = gram.diagonal()
        constant = variance <= 1e-30 + 1e-24 * mean**2
        scale = torch.where(constant, 0.0, variance.clamp(min=0.0).rsqrt())
        weights, flops = _solve(gram * scale * scale[:, None], cross * scale[:, None], penalty)
        weights = weights * scale[:, None]
        return Readout(weights, target_mean - mean @ weights, flops)


def _solve(gram: Tensor, cross: Tensor, penalty: float) -> tuple[Tensor, float]:
    """(gram + penalty I)^-1 cross [F, K] and its FLOPs."""
    size, outputs = cross.shape
    if not (gram.isfinite().all() and cross.isfinite().all()):
        return torch.full_like(cross, torch.nan), 0.0
    factor, failed = torch.linalg.cholesky_ex(gram + penalty * torch.eye(size).to(gram))
    flops = size**3 / 3 + 2.0 * size**2 * outputs
    if not failed:
        return torch.cholesky_solve(cross, factor), flops
    # Rounding has left eigenvalues below -penalty: exactly, none is below zero.
    values, vectors = torch.linalg.eigh(gram)
    damped = values.clamp(min=0.0) + max(penalty, torch.finfo(gram.dtype).eps * float(values[-1]))
    return vectors @ ((vectors.T @ cross) / damped[:, None]), flops + 9.0 * size**3
