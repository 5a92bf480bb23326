"""How much faster than reservoirpy states are harvested: both in one process, in turns, one thread."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from reservoirpy.nodes import Reservoir as Reference

from longlag.methods.parts.echo_state import reservoir
from longlag.methods.parts.echo_state.reservoir import Reservoir, harvest, leak_rates

UNITS, LENGTH, SEQUENCES = 100, 200, 200
ROUNDS = 5
# the non-zero weights into each unit, the precision, how many times faster than reservoirpy in float64
BARS = {
    "dense, float64": (UNITS, torch.float64, 8.0),
    "sparse, float64": (10, torch.float64, 10.0),
    "dense, float32": (UNITS, torch.float32, 10.0),
}


def contenders(connections, kind):
    """The states of every sequence at every step, by reservoirpy and by the harvest."""
    torch.manual_seed(0)
    weights = reservoir.recurrent_weights(UNITS, "sparse", 0.9, connections)
    layer = Reservoir(
        weights,
        torch.randn(UNITS, 2, dtype=torch.float64),
        torch.randn(UNITS, dtype=torch.float64) * 0.1,
        leak_rates(UNITS, "spread", 0.01),
    )
    own = Reservoir(*(part.to(kind) for part in (layer.recurrent, layer.input, layer.bias, layer.leak)))
    inputs = torch.randn(LENGTH, SEQUENCES, 2)
    every = torch.ones(LENGTH, dtype=torch.bool)
    series = list(inputs.double().numpy().transpose(1, 0, 2).copy())
    parameters = {"W": weights.numpy(), "Win": layer.input.numpy(), "bias": layer.bias.numpy()}

    def theirs() -> np.ndarray:
        nodes = [Reference(**parameters, lr=layer.leak.numpy()) for _ in series]
        return np.stack([node.run(x) for node, x in zip(nodes, series, strict=True)], 1)

    def ours() -> np.ndarray:
        return harvest(own, inputs, every)[0].numpy()

    return theirs, ours


@pytest.mark.parametrize("kind", BARS)
def test_faster_than_reservoirpy(kind, pairs, holds):
    connections, precision, bar = BARS[kind]
    reservoir.warm_up()
    theirs, ours = contenders(connections, precision)
    np.testing.assert_allclose(ours(), theirs(), rtol=0, atol=1e-10 if precision == torch.float64 else 1e-3)
    ratios = [pair.theirs / pair.ours for pair in pairs(ours, theirs, ROUNDS)]
    what = f"echo state harvest, {kind}, {SEQUENCES} sequences of {LENGTH}, {UNITS} units"
    holds(what, "reservoirpy", ratios, at_least=bar, shape=(LENGTH, SEQUENCES, UNITS))
