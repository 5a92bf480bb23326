"""Gradient rules that bound how far one exploding gradient can throw the weights.

Both leave non-finite gradients non-finite: an explosion that clipping cannot mend has to show.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class ClipByNorm:
    """g <- g threshold / |g| where |g| > threshold, |g| the norm over all parameters together.

    Pascanu, Mikolov & Bengio 2013, Algorithm 1.
    """

    threshold: float
    whole: ClassVar[bool] = True

    def __call__(self, parameters: Sequence[nn.Parameter]) -> None:
        """Rescale the `.grad` of `parameters` in place."""
        gradients, norm = _gradients(parameters)
        if norm <= self.threshold:
            return
        torch._foreach_mul_(gradients, self.threshold / norm if norm < math.inf else math.nan)


@dataclass(frozen=True)
class ClipByValue:
    """g_i <- max(-threshold, min(threshold, g_i)): every component on its own (Mikolov 2012)."""

    threshold: float
    whole: ClassVar[bool] = True

    def __call__(self, parameters: Sequence[nn.Parameter]) -> None:
        """Clip the `.grad` of `parameters` in place; infinite components stay infinite."""
        gradients, norm = _gradients(parameters)
        if norm <= self.threshold:
            return
        infinite = [] if norm < math.inf else [gradient.isinf() for gradient in gradients]
        kept = [gradient[where] for gradient, where in zip(gradients, infinite, strict=False)]
        torch._foreach_clamp_min_(gradients, -self.threshold)
        torch._foreach_clamp_max_(gradients, self.threshold)
        for gradient, where, values in zip(gradients, infinite, kept, strict=False):
            gradient[where] = values


def _gradients(parameters: Sequence[nn.Parameter]) -> tuple[list[Tensor], float]:
    """The gradients there are, and the norm of all together."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    if not gradients:
        return [], 0.0
    # float64: squares of large finite float32 gradients overflow
    norms = torch._foreach_norm(gradients, dtype=torch.float64)
    return gradients, float(torch.linalg.vector_norm(torch.stack(norms)))
