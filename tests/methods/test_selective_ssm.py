"""Selective state spaces: their equations one number at a time, how times begin, what they learn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from longlag.bench.contract import Batch, Network
from longlag.bench.plugins.registry import discover
from longlag.methods.parts.scan.stack import Stack
from longlag.methods.parts.selective_ssm.cell import SelectiveStateSpace
from tests.methods.differences import agrees_with_finite_differences
from tests.methods.recall import Recall

REGISTRY = discover()
SETTINGS = {
    "layers": 1,
    "states": 2,
    "slowest": 600.0,
    "fastest": 10.0,
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
    return REGISTRY.method("selective_ssm").build(Recall(60), **{**SETTINGS, **changed})


def cell(layers: int) -> Stack:
    torch.manual_seed(0)
    made = Stack(2, 3, layers, lambda heard, _: SelectiveStateSpace(heard, 3, 2, 0.1, 1.0)).double()
    for layer in made.layers:
        for part in (layer.initial, layer.conv_bias, layer.gate_bias, layer.past):
            torch.nn.init.normal_(part)
        layer.log_a.data.add_(0.3 * torch.randn_like(layer.log_a))
    return made


def silu(x: Any) -> Any:
    return x / (1 + np.exp(-x))


def written_out(layer: Any, heard: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Gu & Dao 2023: algorithm 2 in the block of figure 3, the input's weight to first order."""
    p = {name: value.detach().numpy() for name, value in layer.named_parameters()}
    channels, states, rank = layer.channels, layer.states, layer.rank
    A = -np.exp(p["log_a"])
    length, size, _ = heard.shape
    outputs = np.zeros((length, size, layer.units))
    for s in range(size):
        into = [p["into"][:channels] @ heard[t, s] for t in range(length)]
        h = p["initial"].reshape(channels, states)
        for t in range(length):
            x = np.array(
                [
                    p["conv_bias"][e]
                    + sum(p["conv"][e, k] * into[t - 3 + k][e] for k in range(4) if t - 3 + k >= 0)
                    for e in range(channels)
                ]
            )
            x = silu(x)
            chosen = p["choice"] @ x
            time = np.log1p(np.exp(p["time"] @ chosen[:rank] + p["time_bias"]))
            B, C = chosen[rank : rank + states], chosen[rank + states :]
            h = np.array(
                [
                    [math.exp(time[e] * A[e, n]) * h[e, n] + time[e] * B[n] * x[e] for n in range(states)]
                    for e in range(channels)
                ]
            )
            y = h @ C + p["past"] * x
            outputs[t, s] = p["out"] @ (y * silu(p["into"][channels:] @ heard[t, s] + p["gate_bias"]))
    return outputs


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
def test_outputs_are_those_of_the_papers_equations(layers: int, mask: torch.Tensor | None) -> None:
    made = cell(layers)
    inputs = torch.randn(7, 4, 2, dtype=torch.float64)
    y = written_out(made.layers[0], inputs.numpy())
    for layer in made.layers[1:]:
        y = y + written_out(layer, y / np.sqrt(1 + (y**2).mean(-1, keepdims=True)))
    expected = torch.from_numpy(y) if mask is None else torch.from_numpy(y)[mask]
    torch.testing.assert_close(made(inputs, mask), expected, rtol=1e-10, atol=1e-12)


def test_the_gradient_is_that_of_finite_differences() -> None:
    agrees_with_finite_differences(Network(cell(2), 1).double())


def test_where_no_time_passes_states_and_their_error_are_held() -> None:
    """With C the identity of a constant, what is read at the end is the initial state."""
    layer = SelectiveStateSpace(1, 2, 1, 0.1, 1.0).double()
    layer.time.data.zero_()
    layer.time_bias.data.fill_(-60.0)
    held = torch.linspace(-0.5, 0.9, 4, dtype=torch.float64)
    layer.initial.data.copy_(held)
    inputs = torch.ones(1000, 1, 1, dtype=torch.float64)
    layer.past.data.zero_()
    state = layer(inputs, np.array([999]))
    state.sum().backward()
    first = layer(inputs, np.array([10]))
    torch.testing.assert_close(first, state.detach(), rtol=1e-9, atol=0)
    assert state.abs().sum() > 0
    assert torch.count_nonzero(layer.initial.grad) == 4


def test_times_begin_evenly_on_the_logarithm_and_rates_at_whole_numbers() -> None:
    for layer in build(units=64, layers=2, states=4).network.recurrent.layers:
        begun = torch.nn.functional.softplus(layer.time_bias.detach()).numpy()
        spread = math.log(600 / 10)
        assert stats.kstest(np.log(begun), stats.uniform(-math.log(600), spread).cdf).pvalue > 0.01
        np.testing.assert_allclose(
            layer.log_a.detach().exp().numpy(), np.tile([1, 2, 3, 4], (128, 1)), rtol=1e-6
        )


def test_weights_and_the_scan_are_charged() -> None:
    made = build(units=20, states=3, layers=2)
    channels, rank = 40, 2
    # Of the widened inputs half are the gate's, which is of the outputs, as C, C h, D x and the last matrix.
    every = channels * 20 + 4 * channels + channels * (rank + 3) + channels * rank + 3 * channels * 3
    outputs = channels * 20 + channels * 3 + channels * 3 + channels + 20 * channels
    assert made.weights == 2 * every + outputs - 2 * channels * 18
    assert made.network.recurrent.output_weights == outputs


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
    for _ in range(600):
        batch = task.sample(model.batch_size, draws)
        optimizer.step(closure=lambda batch=batch: model.gradient(batch))
    test = task.sample(500, torch.Generator().manual_seed(2))
    with torch.no_grad():
        wrong = task.wrong(model(test.inputs, test.mask), test).float().mean()
    assert wrong < 0.05  # always answering the mean is wrong on .8
