"""What a window shows: the last k steps of the inputs, as numbers for a learner without a memory.

Where they are too many, a symbol's inputs are mixed into fewer by random weights, and steps are summed over
spans: the nearest steps stay single, and the farther back, the wider the spans.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

MOST = 300
"""Numbers shown at most."""
CHANNELS = 16
"""Inputs at least that are left of a step, where there are too many."""


def span_edges(steps: int, spans: int) -> list[int]:
    """Steps back at which spans begin, and where the last one ends: i^p, from single steps to wide spans."""
    if spans >= steps:
        return list(range(steps + 1))
    power = math.log(steps) / math.log(spans)
    return [*(round(i**power) for i in range(spans)), steps]


class Window(nn.Module):
    """`count` numbers from the last `steps` steps of D inputs; those before the first step are zero."""

    edges: Tensor
    roots: Tensor
    mixing: Tensor | None

    def __init__(self, steps: int, inputs: int) -> None:
        super().__init__()
        self.steps = steps
        channels = inputs if steps * inputs <= MOST else min(inputs, CHANNELS)
        edges = torch.tensor(span_edges(steps, MOST // channels))
        self.count = channels * (len(edges) - 1)
        self.register_buffer("edges", edges, persistent=False)
        self.register_buffer("roots", edges.diff().double().sqrt()[:, None, None], persistent=False)
        # From torch's global generator, as weights are.
        mixing = None if channels == inputs else torch.randn(inputs, channels) / math.sqrt(channels)
        self.register_buffer("mixing", mixing)
        self.kept = (steps - 1) * channels
        """Numbers of the steps before the present one, of which the sums are made."""
        self.weights = inputs * (1 if mixing is None else channels)
        """N, the multiplications (or additions) a step takes."""

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """[S, B, count], float64: at each supervised step what the window shows."""
        if self.mixing is not None:
            inputs = inputs @ self.mixing
        sums = torch.cat([torch.zeros_like(inputs[:1]), inputs]).double().cumsum(0)
        ends = mask.nonzero() + 1 - self.edges
        spans = -sums[ends.clamp(min=0)].diff(dim=1) / self.roots
        return spans.permute(0, 2, 1, 3).flatten(2)
