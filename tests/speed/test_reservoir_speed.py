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
# the non-zero weights into each unit, how many times faster than reservoirpy
BARS = {"dense": (UNITS, 8.0), "sparse": (10, 8.0)}


def contenders(connections):
    """The states of every sequence at every step, by reservoirpy and by the harvest."""
    torch.manual_seed(0)
    weights = reservoir.recurrent_weights(UNITS, "sparse", 0.9, connections)
    layer = Reservoir(
        weights,
        torch.randn(UNITS, 2, dtype=torch.float64),
        torch.randn(UNITS, dtype=torch.float64) * 0.1,
        leak_rates(UNITS, "spread", 0.01),
    )
    inputs = torch.randn(LENGTH, SEQUENCES, 2)
    every = torch.ones(LENGTH, dtype=torch.bool)
    series = list(inputs.double().numpy().transpose(1, 0, 2).copy())
    parameters = {"W": weights.numpy(), "Win": layer.input.numpy(), "bias": layer.bias.numpy()}

    def theirs() -> np.ndarray:
        nodes = [Reference(**parameters, lr=layer.leak.numpy()) for _ in series]
        return np.stack([node.run(x) for node, x in zip(nodes, series, strict=True)], 1)

    def ours() -> np.ndarray:
        return harvest(layer, inputs, every)[0].numpy()

    return theirs, ours


@pytest.mark.parametrize("kind", BARS)
def test_faster_than_reservoirpy(kind, pairs, holds):
    connections, bar = BARS[kind]
    reservoir.warm_up()
    theirs, ours = contenders(connections)
    np.testing.assert_allclose(ours(), theirs(), rtol=0, atol=1e-10)
    ratios = [pair.theirs / pair.ours for pair in pairs(ours, theirs, ROUNDS)]
    what = f"echo state harvest, {kind}, float64, {SEQUENCES} sequences of {LENGTH}, {UNITS} units"
    holds(what, "reservoirpy", ratios, at_least=bar, shape=(LENGTH, SEQUENCES, UNITS))
