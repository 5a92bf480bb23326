"""A net's gradient against finite differences of its loss, number by number."""

from __future__ import annotations

import pytest
import torch

from longlag.bench.contract import Network, SquaredError
from tests.methods.recall import Recall

STEP = 1e-5


def agrees_with_finite_differences(network: Network) -> None:
    """On three sequences of six steps, in double precision; raises AssertionError with the weight's name."""
    batch = Recall(6).sample(3, torch.Generator().manual_seed(0)).to(torch.float64)
    network.gradient(batch, SquaredError())
    for name, weight in network.named_parameters():
        flat, found = weight.data.view(-1), weight.grad.view(-1)
        for i in range(len(flat)):
            ends = []
            for step in (STEP, -STEP):
                flat[i] += step
                with torch.no_grad():
                    ends.append(SquaredError()(network(batch.inputs, batch.mask), batch.targets))
                flat[i] -= step
            assert float(found[i]) == pytest.approx(float(ends[0] - ends[1]) / (2 * STEP), abs=1e-7), name
