"""Adam for a net of which one matrix stays orthogonal: that one is turned, all other weights are moved.

A step from an orthogonal W that keeps it so is a rotation, W <- W Q. With G = dE/dW the loss falls fastest
along the skew matrix A = (W^T G - G^T W) / 2, the gradient in the coordinates of rotations at W. Adam's means
run over these coordinates, as in Lezcano-Casado 2019 (dynamic trivialisation, a new base at every step); and
its step S, skew as A is, is taken by Cayley's transform

    Q = (I + S / 2)^-1 (I - S / 2)

which is orthogonal for any S, and the exponential of -S to second order (Wisdom et al. 2016 and Helfrich,
Willmott & Ye 2018 train by it).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from longlag.bench.contract import Batch, BatchOptimizer, FlatParameter, Network

FIRST, SECOND, LEAST = 0.9, 0.999, 1e-8
"""Adam's decays, and what is added to its root (Kingma & Ba 2015)."""
PRODUCTS = 2 + 2 + 8 / 3
"""FLOPs of turning a matrix [H, H], in H^3: W^T G, W Q, and H systems by one LU decomposition."""


class TurningAdam(BatchOptimizer):
    """Adam on all weights of `network` that are trained, its recurrent matrix among the orthogonal ones.

    The rates at update k are `rate` and, of the matrix, `turning`, over 1 + k / `halving`. A turn is reckoned
    in float64. Raises ValueError where the recurrent layer has not one matrix.
    """

    untaken: ClassVar = ""

    def __init__(self, network: Network, rate: float, turning: float, halving: float = math.inf) -> None:
        blocks = network.recurrent.recurrent_blocks()
        if len(blocks) != 1 or not isinstance(blocks[0], nn.Parameter):
            raise ValueError(f"a {type(network.recurrent).__name__} has not one recurrent matrix")
        matrix = blocks[0]
        trained = [p for p in network.parameters() if p.requires_grad and p is not matrix]
        groups = [{"params": [FlatParameter(trained)], "lr": rate}, {"params": [matrix], "lr": turning}]
        super().__init__(groups, {"halving": halving, "updates": 0})
        self._network = network
        self._batch: Batch | None = None

    def load(self, batch: Batch) -> None:
        """The batch of the next step, by which it is charged."""
        self._batch = batch

    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor:  # type: ignore[override]
        """One update; `closure` leaves the gradient in `.grad` and returns the loss, which is returned."""
        if closure is None or self._batch is None:
            raise ValueError("step needs a closure, and a batch that was loaded")
        loss = closure()
        with torch.no_grad():
            moved, turned = self.param_groups
            (others,), (matrix,) = moved["params"], turned["params"]
            if others.grad is not None:
                others.sub_(self._adam(others, others.grad, moved))
            if matrix.grad is not None:
                exact = matrix.double()
                product = exact.T @ matrix.grad.double()
                step = self._adam(matrix, (product - product.T) / 2, turned)
                half, identity = step / 2, torch.eye(len(matrix), dtype=torch.float64, device=matrix.device)
                matrix.copy_(exact @ torch.linalg.solve(identity + half, identity - half))
        self.cost = self._network.cost(self._batch) + PRODUCTS * len(matrix) ** 3
        return loss

    def _adam(self, of: Tensor, gradient: Tensor, group: dict[str, Any]) -> Tensor:
        """The step, in the gradient's shape and dtype; of a skew gradient it is skew."""
        state = self.state[of]
        if not state:
            state["mean"], state["square"] = torch.zeros_like(gradient), torch.zeros_like(gradient)
        mean, square = state["mean"], state["square"]
        mean.lerp_(gradient, 1 - FIRST)
        square.mul_(SECOND).addcmul_(gradient, gradient, value=1 - SECOND)
        rate = group["lr"] / (1 + group["updates"] / group["halving"])
        group["updates"] += 1
        count = group["updates"]
        root = (square / (1 - SECOND**count)).sqrt().add_(LEAST)
        step: Tensor = mean / root * (rate / (1 - FIRST**count))
        return step
