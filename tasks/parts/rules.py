"""Rules for "this sequence is wrong", shared by tasks. An output that is not a number is always wrong.

Each takes outputs [S, B, K] and the batch, and gives bools [B].
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from longlag.bench.contract import Batch


def off_target(outputs: Tensor, batch: Batch, tolerance: float) -> Tensor:
    """An output off by more than `tolerance` from its target."""
    return ~((outputs - batch.targets).abs() <= tolerance).all(0).all(-1)


def off_probability(outputs: Tensor, batch: Batch, off: float) -> Tensor:
    """A softmax probability off by `off` or more from the one-hot class."""
    goal = functional.one_hot(batch.targets, outputs.shape[-1])
    return ~((outputs.softmax(-1) - goal).abs() < off).all(-1).all(0)


def wrong_bit(outputs: Tensor, batch: Batch) -> Tensor:
    """A logit on the wrong side of 0."""
    right = ((outputs > 0) == (batch.targets > 0.5)) & ~outputs.isnan()
    return ~right.all(0).all(-1)


def wrong_class(outputs: Tensor, batch: Batch) -> Tensor:
    """Another class has the largest output, at any step."""
    return (outputs.argmax(-1) != batch.targets).any(0) | outputs.isnan().any(-1).any(0)
