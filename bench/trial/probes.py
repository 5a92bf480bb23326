"""Probes: how far back the gradient reaches, the recurrent weights' spectral radius, saturated units."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from torch import Tensor

from longlag.bench.contract.network import Recurrent
from longlag.bench.contract.task import Batch, Task

Moment = Literal["before", "during", "after"]

_POINTS: dict[Moment, int] = {"before": 48, "during": 12, "after": 48}
"""Lags kept of a probe: all of the small ones, then evenly spaced in the logarithm; fewer of the many."""


@dataclass(frozen=True)
class Probe:
    """Gradient norms against lag, [T] from lag 0 back, the largest spectral radius, the saturated share."""

    norms: Tensor
    spectral_radius: float
    saturated: float = math.nan

    def reach(self, lag: int) -> float:
        """The gradient norm `lag` steps back as a share of the largest; NaN where it is not known."""
        if len(self.norms) == 0:
            return math.nan
        peak = float(self.norms.max())
        return float(self.norms[min(lag, len(self.norms) - 1) :].max()) / peak if peak > 0 else 0.0

    def rows(self, moment: Moment, updates: int) -> list[dict[str, Any]]:
        """Rows of `probes.parquet` after so many updates, without the run they belong to."""
        length = len(self.norms)
        spaced = torch.logspace(0, math.log10(max(length, 1)), _POINTS[moment]).long().tolist()
        first = range(8 if moment != "during" else 1)
        norms = {
            lag: float(self.norms[lag]) for lag in sorted({*first, *spaced, length - 1}) if 0 <= lag < length
        }
        if not norms and not math.isnan(self.spectral_radius):
            norms = {0: math.nan}
        return [
            {
                "moment": moment,
                "lag": lag,
                "gradient_norm": norm,
                "spectral_radius": self.spectral_radius,
                "updates": float(updates),
                "saturated": self.saturated,
            }
            for lag, norm in norms.items()
        ]


def probe(model: pl.LightningModule, task: Task, batch: Batch) -> Probe:
    """What the model's gradients look like now.

    The norm at lag k is that of dE/du_(t-k), averaged over the batch, with E the loss at the last
    supervised step t alone and u the inputs: it needs no knowledge of the model, and through
    du = W_in^T dx it decays as the gradient in the states does. Empty for a model that cannot be
    differentiated.
    """
    layers = [module for module in model.modules() if isinstance(module, Recurrent)]
    seen: list[tuple[Recurrent, Tensor]] = []
    hooks = [
        layer.register_forward_pre_hook(lambda layer, given: seen.append((layer, given[0])))
        for layer in layers
    ]
    try:
        norms = _gradient_norms(model, task, batch)
    finally:
        for hook in hooks:
            hook.remove()
    return Probe(norms, _spectral_radius(layers), _saturated(seen))


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


@torch.no_grad()
def _saturated(seen: list[tuple[Recurrent, Tensor]]) -> float:
    """The largest share of saturated activities of a layer, over all steps of the inputs it was given."""
    shares = [layer.saturation(layer(inputs.detach())) for layer, inputs in seen]
    return max((share for share in shares if not math.isnan(share)), default=math.nan)


def _spectral_radius(layers: list[Recurrent]) -> float:
    blocks = [block.detach() for layer in layers for block in layer.recurrent_blocks()]
    if not blocks or not all(torch.isfinite(block).all() for block in blocks):
        return math.nan
    return max(float(torch.linalg.eigvals(block.double()).abs().max()) for block in blocks)
