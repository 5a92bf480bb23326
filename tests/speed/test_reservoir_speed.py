"""How much faster than reservoirpy states are harvested: both in one process, in turns, one thread."""

from __future__ import annotations

import time

import numpy as np
import torch
from reservoirpy.nodes import Reservoir as Reference

from longlag.methods.parts.echo_state import reservoir
from longlag.methods.parts.echo_state.reservoir import Reservoir, harvest, leak_rates

UNITS, LENGTH, SEQUENCES = 100, 200, 200
ROUNDS = 5
DENSE, SPARSE, SINGLE = 8.0, 10.0, 10.0


def _measure(connections: int, kind: torch.dtype = torch.float64) -> np.ndarray:
    """reservoirpy's seconds over ours, one ratio a round."""
    torch.set_num_threads(1)
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

    reservoir.warm_up()
    np.testing.assert_allclose(ours(), theirs(), rtol=0, atol=1e-10 if kind == torch.float64 else 1e-3)
    ratios = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        theirs()
        middle = time.perf_counter()
        ours()
        ratios.append((middle - start) / (time.perf_counter() - middle))
    return np.array(ratios)


def _report(name: str, ratios: np.ndarray, extra: dict[str, object]) -> None:
    extra[name] = {
        "median": float(np.median(ratios)),
        "least": float(ratios.min()),
        "most": float(ratios.max()),
    }


def test_dense_harvest(benchmark) -> None:
    ratios = benchmark.pedantic(_measure, args=(UNITS,), rounds=1)
    _report("times reservoirpy", ratios, benchmark.extra_info)
    assert np.median(ratios) >= DENSE, ratios


def test_dense_harvest_in_float32(benchmark) -> None:
    ratios = benchmark.pedantic(_measure, args=(UNITS, torch.float32), rounds=1)
    _report("times reservoirpy", ratios, benchmark.extra_info)
    assert np.median(ratios) >= SINGLE, ratios


def test_sparse_harvest(benchmark) -> None:
    ratios = benchmark.pedantic(_measure, args=(10,), rounds=1)
    _report("times reservoirpy", ratios, benchmark.extra_info)
    assert np.median(ratios) >= SPARSE, ratios
