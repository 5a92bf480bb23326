"""Gradient rules that bound how far one exploding gradient can throw the weights.

Both leave non-finite gradients non-finite: an explosion that clipping cannot mend has to show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class ClipByNorm:
    """g <- g threshold / |g| where |g| > threshold, |g| the norm over all parameters together.

    Pascanu, Mikolov & Bengio 2013, Algorithm 1.
    """

    threshold: float

    def __call__(self, parameters: Sequence[nn.Parameter]) -> None:
        """Rescale the `.grad` of `parameters` in place."""
        gradients = [p.grad for p in parameters if p.grad is not None]
        if not gradients:
            return
        # float64: squares of large finite float32 gradients overflow, and the scale would be 0
        norms = torch.stack([torch.linalg.vector_norm(g, dtype=torch.float64) for g in gradients])
        norm = float(torch.linalg.vector_norm(norms))
        if norm <= self.threshold:
            return
        scale = self.threshold / norm if norm < float("inf") else float("nan")
        for gradient in gradients:
            gradient.mul_(scale)


@dataclass(frozen=True)
class ClipByValue:
    """g_i <- max(-threshold, min(threshold, g_i)): every component on its own (Mikolov 2012)."""

    threshold: float

    def __call__(self, parameters: Sequence[nn.Parameter]) -> None:
        """Clip the `.grad` of `parameters` in place; infinite components stay infinite."""
        for parameter in parameters:
            gradient = parameter.grad
            if gradient is None:
                continue
            infinite = gradient.isinf()
            clipped = gradient.clamp(-self.threshold, self.threshold)
            gradient.copy_(torch.where(infinite, gradient, clipped))
