"""How much a Gauss-Newton product costs, in gradients of the same batch: at most 1.4."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from time import thread_time

import pytest
import torch

from longlag import Batch, Network, SoftmaxCrossEntropy
from longlag.methods.parts.hessian_free.gauss_newton import TanhGaussNewton
from longlag.methods.parts.tanh.cell import TanhCell

BAR = 1.4
ROUNDS = 25


@pytest.mark.parametrize(("T", "B", "H"), [(100, 300, 60), (100, 500, 100), (50, 500, 100)])
@pytest.mark.parametrize("structural", [0.0, 0.1])
def test_a_product_costs_at_most_1_4_gradients(T: int, B: int, H: int, structural: float) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    network = Network(TanhCell(6, H), 4)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=0.1)
    mask = torch.arange(T) == T - 1
    batch = Batch(torch.randn(T, B, 6), torch.randint(4, (1, B)), mask)
    loss = SoftmaxCrossEntropy()

    def gradient() -> None:
        network.zero_grad()
        loss(network(batch.inputs, mask), batch.targets).backward()

    curvature = TanhGaussNewton(network, batch, loss)
    direction = torch.randn(sum(parameter.numel() for parameter in network.parameters()))

    def product() -> None:
        curvature.product(direction, structural)

    for _ in range(3):
        gradient()
        product()
    # alternating, and each product against the gradient next to it: what disturbs one disturbs both
    ratios = [seconds(product) / seconds(gradient) for _ in range(ROUNDS)]
    quarters = statistics.quantiles(ratios)
    report = f"product / gradient: {quarters[1]:.2f}, quartiles {quarters[0]:.2f}-{quarters[2]:.2f}"
    print(f"({T}, {B}, {H}) {report}")  # noqa: T201
    assert quarters[1] <= BAR, report


def seconds(function: Callable[[], None]) -> float:
    """CPU seconds of this thread."""
    start = thread_time()
    function()
    return thread_time() - start
