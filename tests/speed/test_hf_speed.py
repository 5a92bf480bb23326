"""How much a Gauss-Newton product costs, in gradients of the same batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from longlag import Batch, Network, SoftmaxCrossEntropy
from longlag.methods.parts.hessian_free.gauss_newton import TanhGaussNewton
from longlag.methods.parts.tanh.cell import TanhCell

# (T, B, H), gradients a product may cost, alternations
BARS = [((100, 200, 100), 1.25, 25), ((100, 300, 60), 1.4, 15)]


@pytest.mark.parametrize("structural", [0.0, 0.1])
@pytest.mark.parametrize(("shape", "bar", "rounds"), BARS, ids=str)
def test_a_product_costs_little_more_than_a_gradient(
    shape: tuple[int, int, int],
    bar: float,
    rounds: int,
    structural: float,
    pairs: Callable[..., Any],
    holds: Callable[..., None],
) -> None:
    length, size, units = shape
    torch.manual_seed(0)
    network = Network(TanhCell(6, units), 4)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=0.1)
    mask = torch.arange(length) == length - 1
    batch = Batch(torch.randn(length, size, 6), torch.randint(4, (1, size)), mask)
    loss = SoftmaxCrossEntropy()

    def gradient() -> None:
        network.zero_grad()
        loss(network(batch.inputs, mask), batch.targets).backward()

    curvature = TanhGaussNewton(network, batch, loss)
    direction = torch.randn(sum(parameter.numel() for parameter in network.parameters()))
    # G is linear in its direction, which a product that leaves out a part of the work would hardly be.
    torch.testing.assert_close(
        curvature.product(3 * direction, structural),
        3 * curvature.product(direction, structural),
        rtol=1e-3,
        atol=1e-5,
    )
    gradient()
    ratios = [
        pair.ours / pair.theirs
        for pair in pairs(lambda: curvature.product(direction, structural), gradient, rounds)
    ]
    damped = ", with structural damping" if structural else ""
    holds(f"Gauss-Newton product {shape}{damped}", "one gradient", ratios, at_most=bar, shape=shape)
