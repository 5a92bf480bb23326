"""Several batches as one, each of a length of its own: their mean loss, gradient and curvature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from torch import Tensor

from longlag.bench.contract import Batch
from longlag.methods.parts.hessian_free.gauss_newton import Curvature

Value = TypeVar("Value", float, Tensor)


class Batches(list[Batch]):
    """The batches of one step."""

    @property
    def steps(self) -> int:
        """Steps of all sequences together, sum of T B."""
        return sum(batch.length * batch.size for batch in self)

    def narrow(self, count: int) -> Batches:
        """`count` sequences in all, as many of each batch (rounded up), or all that there are."""
        share = -(-count // len(self))
        return Batches(batch.narrow(min(share, batch.size)) for batch in self)

    def mean(self, values: Sequence[Value]) -> Value:
        """The mean over sequences, of one value a batch."""
        total = sum(batch.size for batch in self)
        first, *others = (value * (b.size / total) for b, value in zip(self, values, strict=True))
        for other in others:
            first = first + other
        return first


class Pooled:
    """The mean of the batches' Gauss-Newton matrices: a Curvature."""

    def __init__(self, batches: Batches, curvatures: Sequence[Curvature]) -> None:
        self.batches, self.curvatures = batches, curvatures

    def product(self, direction: Tensor, structural: float = 0.0) -> Tensor:
        """(G + structural * S) direction, [P]."""
        return self.batches.mean([c.product(direction, structural) for c in self.curvatures])

    def squared_gradients(self) -> Tensor:
        """The mean over sequences of the squared gradient of each one's own loss, [P]."""
        return self.batches.mean([c.squared_gradients() for c in self.curvatures])
