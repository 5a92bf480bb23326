"""What a step is charged is what it does: of the layers that are scanned, against torch's own counter."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from longlag.bench.plugins.registry import Registry, discover

SCAN = {"lmu": 2.0, "lru": 4.0, "selective_ssm": 3.0, "min_gru": 1.0}
"""Products a state and step outside matrices, which the counter does not see."""


@pytest.fixture(scope="module")
def registry() -> Registry:
    return discover()


@pytest.mark.parametrize("name", SCAN)
@pytest.mark.parametrize("task", ["adding:ms11", "temporal_order:ms11"])
def test_a_step_is_charged_what_it_multiplies(registry: Registry, name: str, task: str) -> None:
    built = registry.task(*task.split(":"), 100)
    method = registry.method(name)
    for settings in method.recipes(built.sizes):
        recipe = method.recipe(settings)
        network = recipe.network(built)
        recipe.initialiser(network, built)
        batch = built.sample(10, torch.Generator().manual_seed(0))
        with FlopCounterMode(display=False) as counter:
            network.gradient(batch, built.loss)
        scanned = 6 * SCAN[name] * network.recurrent.remembered * batch.length * batch.size
        # The counter leaves out what is elementwise, and what no gradient is asked of: the inputs.
        assert 0.7 < network.cost(batch) / (counter.get_total_flops() + scanned) < 1.6
