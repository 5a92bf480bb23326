"""Minimal gated units: their equations one number at a time, how gates begin, what they learn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import optuna
import pytest
import torch

from longlag.bench.contract import Network
from longlag.bench.plugins import tuning
from longlag.bench.plugins.registry import discover
from longlag.methods.parts.min_gru.cell import BLOCKS, MinimalUnits
from longlag.methods.parts.scan.stack import Stack
from tests.methods.differences import agrees_with_finite_differences
from tests.methods.recall import Recall

REGISTRY = discover()
SETTINGS = {
    "layers": 1,
    "gates": "gru",
    "candidate": "linear",
    "keep_gate": "chrono",
    "time_scale": 60.0,
    "init_scale": 1.0,
    "optimiser": "adam",
    "adam_rate": 0.01,
    "halving": 3000.0,
    "units": 8,
    "batch_size": 10,
}
MASK = torch.tensor([False, True, False, False, True, True, False])


def build(**changed: object):
    torch.manual_seed(0)
    settings = {name: value for name, value in {**SETTINGS, **changed}.items() if value is not None}
    return REGISTRY.method("min_gru").build(Recall(60), **settings)


def cell(gates: str, candidate: str, layers: int, seed: int = 0) -> Stack:
    torch.manual_seed(seed)
    made = Stack(
        2, 3, layers, lambda heard, inner: MinimalUnits(heard, 3, gates, candidate, torch.zeros(3), inner)
    )
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter)
    return made.double()


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def written_out(layer: Any, heard: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Feng et al. 2024: algorithms of appendix A (minGRU) and B (minLSTM, independent of its length)."""
    W = dict(zip(BLOCKS[layer.gates], (w.detach().numpy() for w in layer.input_blocks()), strict=True))
    b = dict(zip(BLOCKS[layer.gates], (b.detach().numpy() for b in layer.biases()), strict=True))
    length, size, _ = heard.shape
    states = np.zeros((length, size, 3))
    for s in range(size):
        for i in range(3):
            h = float(layer.initial.detach()[i])
            for t in range(length):
                a = {name: float(W[name][i] @ heard[t, s] + b[name][i]) for name in W}
                new = a["new"]
                if layer.candidate == "positive":
                    new = new + 0.5 if new >= 0 else sigmoid(new)
                if layer.gates == "gru":
                    z = 1 - sigmoid(a["keep"])
                    h = (1 - z) * h + z * new
                else:
                    f, w = sigmoid(a["forget"]), sigmoid(a["input"])
                    h = f / (f + w) * h + w / (f + w) * new
                states[t, s, i] = h
    return states if layer.out is None else states @ layer.out.detach().numpy().T


@pytest.mark.parametrize("gates", BLOCKS)
@pytest.mark.parametrize("candidate", ["linear", "positive"])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
def test_states_are_those_of_the_papers_equations(
    gates: str, candidate: str, layers: int, mask: torch.Tensor | None
) -> None:
    made = cell(gates, candidate, layers)
    inputs = torch.randn(7, 4, 2, dtype=torch.float64)
    y = written_out(made.layers[0], inputs.numpy())
    for layer in made.layers[1:]:
        y = y + written_out(layer, y / np.sqrt(1 + (y**2).mean(-1, keepdims=True)))
    expected = torch.from_numpy(y) if mask is None else torch.from_numpy(y)[mask]
    torch.testing.assert_close(made(inputs, mask), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("gates", BLOCKS)
@pytest.mark.parametrize("layers", [1, 2])
def test_the_gradient_is_that_of_finite_differences(gates: str, layers: int) -> None:
    agrees_with_finite_differences(Network(cell(gates, "linear", layers), 1).double())


@pytest.mark.parametrize("gates", BLOCKS)
def test_an_open_keep_gate_carries_the_state_and_its_error(gates: str) -> None:
    layer = MinimalUnits(1, 3, gates, "linear", torch.full((3,), 60.0)).double()
    for block in layer.input_blocks()[:-1]:
        block.data.zero_()
    layer.initial.data.copy_(torch.tensor([-0.5, 0.1, 0.9]))
    state = layer(torch.ones(1000, 1, 1, dtype=torch.float64), np.array([999]))[0, 0]
    torch.testing.assert_close(state.detach(), layer.initial.detach())
    state.sum().backward()
    torch.testing.assert_close(layer.initial.grad, torch.ones(3, dtype=torch.float64))


@pytest.mark.parametrize(("gates", "matrices"), [("gru", 2), ("lstm", 3)])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_weights_and_the_scan_are_charged(gates: str, matrices: int, layers: int) -> None:
    made = build(gates=gates, layers=layers, units=8)
    # What an inner layer puts out passes through a matrix: the last one's at the supervised steps alone.
    outputs = [0, *[64] * (layers - 1)]
    assert made.weights == matrices * 8 * 2 + 8 + (layers - 1) * (matrices * 64 + 8) + sum(outputs[:-1])
    batch = Recall(60).sample(5, torch.Generator().manual_seed(0))
    assert made.cost(batch) == 6 * 5 * (made.weights * 60 + outputs[-1] * int(batch.mask.sum()))


@pytest.mark.parametrize("gates", BLOCKS)
@pytest.mark.parametrize(("spread", "median"), [("chrono", 30.0), ("log_chrono", math.sqrt(59))])
def test_spread_biases_reach_the_time_scale_in_every_layer(gates: str, spread: str, median: float) -> None:
    for layer in build(units=128, gates=gates, keep_gate=spread, layers=2).network.recurrent.layers:
        *kept, new = layer.biases()
        f = kept[0].detach().sigmoid()
        i = 1 - f if gates == "gru" else kept[1].detach().sigmoid()
        times = 1 + f / i  # of what is kept, f / (f + i), 1 / (1 - kept)
        assert times.min() >= 2 - 1e-4
        assert 50 < times.max() <= 60.001
        assert times.median() == pytest.approx(median, rel=0.35)
        assert not new.any()


def test_a_recipes_initialiser_sets_what_hears_the_inputs_and_leaves_the_other_layers() -> None:
    small, large = (build(init_scale=scale, layers=2).network.recurrent.layers for scale in (0.2, 2.0))
    for factor, one, other in zip((0.1, 1.0), small, large, strict=True):
        torch.testing.assert_close(one.weight, factor * other.weight)
    assert large[0].weight.abs().max() < 2 / math.sqrt(8)
    assert large[1].weight.abs().max() < 1 / math.sqrt(8)


@pytest.mark.parametrize("layers", [1, 3])
def test_everything_trains(layers: int) -> None:
    model = build(layers=layers)
    model.gradient(Recall(60).sample(5, torch.Generator().manual_seed(0)))
    for name, parameter in model.network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.count_nonzero(parameter.grad) > 0, name


@pytest.mark.parametrize("other", ["gradient_clipping", "hessian_free", "careful_init"])
def test_it_combines_with_remedies_that_change_other_parts(other: str) -> None:
    task, method = Recall(20), REGISTRY.method(f"min_gru+{other}")
    first = {"layers": 2, "units": 4, "batch_size": 10, "gradient_batches": 1, "curvature_batch": 25}
    trial = tuning.study([first], optuna.samplers.RandomSampler(seed=0)).ask()
    torch.manual_seed(0)
    model = method.build(task, **method.suggest(trial, task))
    optimizer, batch = model.configure_optimizers(), task.sample(50, torch.Generator().manual_seed(0))
    before = [p.detach().clone() for p in model.parameters()]
    losses = [float(model.update(optimizer, batch)) for _ in range(3)]
    assert all(math.isfinite(loss) for loss in losses)
    assert any(not torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))


@pytest.mark.parametrize("gates", BLOCKS)
def test_it_bridges_a_lag(gates: str) -> None:
    task, draws = Recall(60), torch.Generator().manual_seed(1)
    model = build(gates=gates)
    optimizer = model.configure_optimizers()
    for _ in range(1500):
        model.update(optimizer, task.sample(model.batch_size, draws))
    test = task.sample(500, torch.Generator().manual_seed(2))
    with torch.no_grad():
        wrong = task.wrong(model(test.inputs, test.mask), test).float().mean()
    assert wrong < 0.05  # always answering the mean is wrong on .8
