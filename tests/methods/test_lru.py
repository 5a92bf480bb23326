"""Linear recurrent units: their equations one number at a time, where eigenvalues begin, what they learn."""

from __future__ import annotations

import cmath
import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import erf

from longlag.bench.contract import Batch, Network
from longlag.bench.plugins.registry import discover
from longlag.methods.parts.lru.cell import LinearRecurrentUnits
from longlag.methods.parts.scan.stack import Stack
from tests.methods.differences import agrees_with_finite_differences
from tests.methods.recall import Recall

REGISTRY = discover()
SETTINGS = {
    "layers": 1,
    "slowest": 600.0,
    "ring": 0.9,
    "phase": 0.3,
    "init_scale": 2.0,
    "optimiser": "adam",
    "adam_rate": 0.01,
    "halving": 3000.0,
    "units": 8,
    "batch_size": 10,
}
MASK = torch.tensor([False, True, False, False, True, True, False])


def build(**changed: object):
    torch.manual_seed(0)
    return REGISTRY.method("lru").build(Recall(60), **{**SETTINGS, **changed})


def cell(layers: int) -> Stack:
    torch.manual_seed(0)
    made = Stack(
        2, 3, layers, lambda heard, inner: LinearRecurrentUnits(heard, 3, 0.5, 0.9, 6.0, inner)
    ).double()
    for layer in made.layers:
        torch.nn.init.normal_(layer.initial)
        torch.nn.init.normal_(layer.bias)
    return made


def written_out(layer: Any, heard: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Orvieto et al. 2023, equation 5 and section 3.4, with lambda by equation 4."""
    p = {name: value.detach().numpy() for name, value in layer.named_parameters()}
    B = p["into"][0::2] + 1j * p["into"][1::2]
    C = p["out"][:, 0::2] - 1j * p["out"][:, 1::2]
    D = np.diag(p["past"]) if p["past"].ndim == 1 else p["past"]
    start = p["initial"][0::2] + 1j * p["initial"][1::2]
    values = [cmath.exp(complex(-math.exp(nu), math.exp(theta))) for nu, theta in zip(p["nu"], p["theta"])]  # noqa: B905
    length, size, _ = heard.shape
    outputs = np.zeros((length, size, 3))
    for s in range(size):
        h = start
        for t in range(length):
            h = np.array([v * h[i] for i, v in enumerate(values)]) + np.exp(p["gamma"]) * (B @ heard[t, s])
            a = (C @ h).real + D @ heard[t, s]
            a = a * (1 + erf(a / math.sqrt(2))) / 2
            shown, gate = p["mixed"][:3] @ a + p["bias"][:3], p["mixed"][3:] @ a + p["bias"][3:]
            outputs[t, s] = shown / (1 + np.exp(-gate))
    return outputs


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
def test_outputs_are_those_of_the_papers_equations(layers: int, mask: torch.Tensor | None) -> None:
    made = cell(layers)
    inputs = torch.randn(7, 4, 2, dtype=torch.float64)
    y = written_out(made.layers[0], inputs.numpy())
    for layer in made.layers[1:]:
        y = y + written_out(layer, y / np.sqrt(1 + (y**2).mean(-1, keepdims=True)))
    expected = torch.from_numpy(y) if mask is None else torch.from_numpy(y)[mask]
    torch.testing.assert_close(made(inputs, mask), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("layers", [1, 2])
def test_the_gradient_is_that_of_finite_differences(layers: int) -> None:
    agrees_with_finite_differences(Network(cell(layers), 1).double())


def test_eigenvalues_begin_evenly_on_the_ring() -> None:
    torch.manual_seed(0)
    layer = LinearRecurrentUnits(2, 4000, 0.4, 0.99, 1.5, False)
    values = layer.eigenvalues().detach().numpy()
    assert stats.kstest(np.abs(values) ** 2, stats.uniform(0.16, 0.99**2 - 0.16).cdf).pvalue > 0.01
    assert stats.kstest(np.angle(values), stats.uniform(0, 1.5).cdf).pvalue > 0.01
    np.testing.assert_allclose(
        layer.gamma.detach().exp().numpy(), np.sqrt(1 - np.abs(values) ** 2), rtol=1e-4
    )


@pytest.mark.parametrize(("slowest", "ring", "least"), [(1000.0, 0.9, 0.9), (5.0, 0.999, math.exp(-0.2))])
def test_the_ring_ends_where_its_slowest_state_fades(slowest: float, ring: float, least: float) -> None:
    for layer in build(slowest=slowest, ring=ring, units=128, layers=2).network.recurrent.layers:
        sizes = layer.eigenvalues().detach().abs()
        assert least - 1e-4 <= sizes.min()
        assert sizes.max() <= math.exp(-1 / slowest) + 1e-4


@pytest.mark.parametrize("nu", [-30.0, 0.0, 5.0])
def test_no_weight_makes_an_eigenvalue_grow(nu: float) -> None:
    layer = LinearRecurrentUnits(2, 3, 0.5, 0.9, 6.0, False)
    layer.nu.data.fill_(nu)
    assert layer.eigenvalues().abs().max() <= 1


@pytest.mark.parametrize("layers", [1, 3])
def test_weights_and_the_scan_are_charged(layers: int) -> None:
    made = build(layers=layers)
    into, out, mixed, turned = 2 * 8 * 2, 8 * 16, 16 * 8, 4 * 8
    # Before the states and after them; of the last layer what comes after is made where it is supervised.
    before = [into + turned] + [8 * into // 2 + turned] * (layers - 1)
    after = [out + mixed + 8 * 2] + [out + mixed + 8] * (layers - 1)
    assert made.weights == sum(before) + sum(after[:-1])
    assert made.network.recurrent.output_weights == after[-1]


@pytest.mark.parametrize("layers", [1, 2])
def test_everything_trains(layers: int) -> None:
    model = build(layers=layers)
    batch = Recall(60).sample(5, torch.Generator().manual_seed(0))
    model.gradient(Batch(torch.randn(batch.inputs.shape), batch.targets, batch.mask))
    for name, parameter in model.network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.count_nonzero(parameter.grad) > 0, name


@pytest.mark.parametrize("layers", [1, 2])
def test_it_bridges_a_lag(layers: int) -> None:
    task, draws = Recall(60), torch.Generator().manual_seed(1)
    model = build(layers=layers)
    optimizer = model.configure_optimizers()
    for _ in range(600):
        batch = task.sample(model.batch_size, draws)
        optimizer.step(closure=lambda batch=batch: model.gradient(batch))
    test = task.sample(500, torch.Generator().manual_seed(2))
    with torch.no_grad():
        wrong = task.wrong(model(test.inputs, test.mask), test).float().mean()
    assert wrong < 0.05  # always answering the mean is wrong on .8
