"""Legendre memories: against the matrices discretised, what they keep of a signal, what the units learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.signal import cont2discrete
from scipy.special import eval_sh_legendre

from longlag.bench.contract import Batch, Network
from longlag.bench.plugins.registry import discover
from longlag.methods.parts.lmu.cell import ORDERS, LegendreMemory
from longlag.methods.parts.lmu.delay import ByEigenvectors, InPieces, held
from longlag.methods.parts.scan.stack import Stack
from tests.methods.differences import agrees_with_finite_differences
from tests.methods.recall import Recall

REGISTRY = discover()
SETTINGS = {
    "layers": 1,
    "memories": 4,
    "order": 4,
    "window": 90.0,
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
    return REGISTRY.method("lmu").build(Recall(60), **{**SETTINGS, **changed})


def cell(layers: int, order: int = 4) -> Stack:
    torch.manual_seed(0)
    made = Stack(2, 3, layers, lambda heard, _: LegendreMemory(heard, 3, 2, order, 5.0)).double()
    for layer in made.layers:
        for part in (layer.initial, layer.bias, layer.write_bias):
            torch.nn.init.normal_(part)
    return made


def memory(order: int, theta: float) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Equations 1 and 2 of Voelker et al. 2019, element by element, held for a step by scipy."""
    A, B = np.zeros((order, order)), np.zeros((order, 1))
    for i in range(order):
        B[i] = (2 * i + 1) * (-1) ** i
        for j in range(order):
            A[i, j] = (2 * i + 1) * (-1 if i < j else (-1) ** (i - j + 1))
    step, write, *_ = cont2discrete((A / theta, B / theta, np.eye(order), np.zeros((order, 1))), 1.0, "zoh")
    return step, write[:, 0]


def written_out(layer: Any, heard: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    p = {name: value.detach().numpy() for name, value in layer.named_parameters()}
    A, B = memory(layer.order, 5.0)
    length, size, _ = heard.shape
    outputs = np.zeros((length, size, layer.units))
    for s in range(size):
        m = p["initial"].reshape(layer.memories, layer.order)
        for t in range(length):
            v = np.maximum(p["write"] @ heard[t, s] + p["write_bias"], 0)
            m = np.array([A @ m[k] + B * v[k] for k in range(layer.memories)])
            outputs[t, s] = np.tanh(p["read"] @ m.ravel() + p["past"] @ heard[t, s] + p["bias"])
    return outputs


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
def test_outputs_are_those_of_the_papers_equations(
    layers: int, order: int, mask: torch.Tensor | None
) -> None:
    made = cell(layers, order)
    inputs = torch.randn(7, 4, 2, dtype=torch.float64)
    y = written_out(made.layers[0], inputs.numpy())
    for layer in made.layers[1:]:
        y = y + written_out(layer, y / np.sqrt(1 + (y**2).mean(-1, keepdims=True)))
    expected = torch.from_numpy(y) if mask is None else torch.from_numpy(y)[mask]
    torch.testing.assert_close(made(inputs, mask), expected, rtol=1e-6, atol=1e-6)


def test_in_single_precision_the_highest_order_keeps_its_digits() -> None:
    made = Stack(2, 3, 1, lambda heard, _: LegendreMemory(heard, 3, 2, max(ORDERS), 100.0))
    inputs = torch.randn(300, 4, 2)
    single = made(inputs)
    torch.testing.assert_close(single.double(), made.double()(inputs.double()), rtol=0, atol=1e-4)


@pytest.mark.parametrize("length", [1, 32, 33, 100])
@pytest.mark.parametrize("asked", ["all", "some", "last"])
def test_pieces_and_eigenvectors_give_the_same_states_and_gradients(length: int, asked: str) -> None:
    draws = torch.Generator().manual_seed(length)
    some = np.flatnonzero(np.append(True, torch.rand(length - 1, generator=draws).numpy() < 0.2))
    steps = {"all": None, "some": some, "last": np.array([length - 1])}[asked]
    found = []
    for way in (InPieces, ByEigenvectors):
        generator = torch.Generator().manual_seed(1)
        written = torch.randn(length, 3, 2, dtype=torch.float64, generator=generator).requires_grad_()
        initial = torch.randn(2, 8, dtype=torch.float64, generator=generator).requires_grad_()
        states = way(8, 40.0)(written, initial, steps)
        assert states.shape == (length if steps is None else len(steps), 3, 2, 8)
        weights = torch.randn(states.shape, dtype=torch.float64, generator=generator)
        found.append((states, *torch.autograd.grad((states * weights).sum(), (written, initial))))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-7)


def test_what_is_written_is_held_as_scipy_holds_it_at_every_order() -> None:
    for order in (*ORDERS, 100):
        for mine, his in zip(held(order, 70.0), memory(order, 70.0), strict=True):
            np.testing.assert_allclose(mine, his, rtol=0, atol=1e-9)


@pytest.mark.parametrize("back", [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("order", [12, 32])
def test_a_slow_signal_is_found_again_anywhere_in_the_window(order: int, back: float) -> None:
    """v(t - r theta) = sum over i of P_i(r) m_i(t), with P_i Legendre's polynomials on [0, 1] (eq. 3)."""
    theta = 200.0
    layer = LegendreMemory(1, order, 1, order, theta).double()
    layer.write.data.fill_(1.0)
    layer.past.data.zero_()
    # Small, so that tanh is the identity.
    layer.read.data.copy_(1e-4 * torch.eye(order))
    times = torch.arange(1000, dtype=torch.float64)
    signal = 1.5 + (times / 60).sin()
    states = 1e4 * layer(signal.view(-1, 1, 1), None)[:, 0].detach().numpy()
    found = states @ np.array([eval_sh_legendre(i, back) for i in range(order)])
    lagged = 1.5 + np.sin((times.numpy() - back * theta) / 60)
    np.testing.assert_allclose(found[500:], lagged[500:], atol=0.03)


def test_the_gradient_is_that_of_finite_differences() -> None:
    agrees_with_finite_differences(Network(cell(2), 1).double())


def test_weights_and_the_memories_are_charged_and_the_memories_held() -> None:
    made = build(layers=2)
    # The last layer is read where it is supervised, the other at every step.
    read = 8 * 16 + 4 * 16
    assert made.weights == 4 * 2 + 4 * 8 + (read + 8 * 2) + 4 * 8 + 4 * 8
    assert made.network.recurrent.output_weights == read + 8 * 8
    batch = Recall(60).sample(5, torch.Generator().manual_seed(0))
    supervised = int(batch.mask.sum())
    assert made.cost(batch) == 6 * 5 * (60 * made.weights + supervised * (read + 8 * 8))
    assert 0 < supervised < 60
    trained = {name.split(".")[-1] for name, _ in made.network.recurrent.named_parameters()}
    assert trained == {"write", "write_bias", "read", "past", "bias", "initial"}


@pytest.mark.parametrize("layers", [1, 2])
def test_everything_trains(layers: int) -> None:
    model = build(layers=layers)
    batch = Recall(60).sample(5, torch.Generator().manual_seed(0))
    model.gradient(Batch(torch.randn(batch.inputs.shape), batch.targets, batch.mask))
    for name, parameter in model.network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.count_nonzero(parameter.grad) > 0, name


def test_it_bridges_a_lag() -> None:
    task, draws = Recall(60), torch.Generator().manual_seed(1)
    model = build()
    optimizer = model.configure_optimizers()
    for _ in range(1000):
        model.update(optimizer, task.sample(model.batch_size, draws))
    test = task.sample(500, torch.Generator().manual_seed(2))
    with torch.no_grad():
        wrong = task.wrong(model(test.inputs, test.mask), test).float().mean()
    assert wrong < 0.05  # always answering the mean is wrong on .8
