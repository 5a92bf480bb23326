"""Probes: how far back the gradient reaches, and the spectral radius of the recurrent weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from torch import Tensor

from longlag.bench.contract.network import Recurrent
from longlag.bench.contract.task import Batch, Task

Moment = Literal["before", "after"]

_POINTS = 48
"""Lags kept of a probe: all of the small ones, then evenly spaced in the logarithm."""


@dataclass(frozen=True)
class Probe:
    """Gradient norms against lag, [T] from lag 0 back, and the largest spectral radius."""

    norms: Tensor
    spectral_radius: float

    def reach(self, lag: int) -> float:
        """The gradient norm `lag` steps back as a share of the largest; NaN where it is not known."""
        if len(self.norms) == 0:
            return math.nan
        peak = float(self.norms.max())
        return float(self.norms[min(lag, len(self.norms) - 1) :].max()) / peak if peak > 0 else 0.0

    def rows(self, moment: Moment) -> list[dict[str, Any]]:
        """Rows of `probes.parquet`, without the run they belong to."""
        length = len(self.norms)
        spaced = torch.logspace(0, math.log10(max(length, 1)), _POINTS).long().tolist()
        lags = sorted({*range(8), *spaced, length - 1})
        kept: list[dict[str, Any]] = [
            {
                "moment": moment,
                "lag": lag,
                "gradient_norm": float(self.norms[lag]),
                "spectral_radius": self.spectral_radius,
            }
            for lag in lags
            if 0 <= lag < length
        ]
        if kept or math.isnan(self.spectral_radius):
            return kept
        return [
            {
                "moment": moment,
                "lag": 0,
                "gradient_norm": math.nan,
                "spectral_radius": self.spectral_radius,
            }
        ]


def probe(model: pl.LightningModule, task: Task, batch: Batch) -> Probe:
    """What the model's gradients look like now.

    The norm at lag k is that of dE/du_(t-k), averaged over the batch, with E the loss at the last
    supervised step t alone and u the inputs: it needs no knowledge of the model, and through
    du = W_in^T dx it decays as the gradient in the states does. Empty for a model that cannot be
    differentiated.
    """
    return Probe(_gradient_norms(model, task, batch), _spectral_radius(model))


def _gradient_norms(model: pl.LightningModule, task: Task, batch: Batch) -> Tensor:
    last = int(batch.mask.nonzero()[-1])
    mask = torch.zeros_like(batch.mask)
    mask[last] = True
    inputs = batch.inputs.clone().requires_grad_()
    with torch.enable_grad():
        outputs = model(inputs, mask)
        if not outputs.requires_grad:
            return torch.empty(0)
        gradients: tuple[Tensor | None, ...] = torch.autograd.grad(
            task.loss(outputs, batch.targets[-1:]), inputs, allow_unused=True
        )
    gradient = gradients[0]
    if gradient is None:
        return torch.empty(0)
    norms: Tensor = gradient.double().norm(dim=2).mean(dim=1)
    return norms[: last + 1].flip(0)


def _spectral_radius(model: pl.LightningModule) -> float:
    blocks = [
        block.detach()
        for module in model.modules()
        if isinstance(module, Recurrent)
        for block in module.recurrent_blocks()
    ]
    if not blocks or not all(torch.isfinite(block).all() for block in blocks):
        return math.nan
    return max(float(torch.linalg.eigvals(block.double()).abs().max()) for block in blocks)
