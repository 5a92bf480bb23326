"""Gated recurrent units: what they keep, how their gates begin, what they learn; their passes elsewhere."""

from __future__ import annotations

import math

import pytest
import torch

from longlag.bench.plugins.registry import discover
from longlag.methods.parts.gru.cell import BLOCKS, GRUCell
from tests.methods.recall import Recall

REGISTRY = discover()
SETTINGS = {
    "keep_gate": "chrono",
    "time_scale": 60.0,
    "init_scale": 1.0,
    "optimiser": "adam",
    "adam_rate": 0.01,
    "halving": 3000.0,
    "units": 8,
    "batch_size": 10,
}


def build(**changed: object):
    torch.manual_seed(0)
    settings = {name: value for name, value in {**SETTINGS, **changed}.items() if value is not None}
    return REGISTRY.method("gru").build(Recall(60), **settings)


@pytest.mark.parametrize("bias", [-1.0, 0.0, 3.0])
def test_without_weights_the_state_fades_by_its_keep_gate(bias: float) -> None:
    cell = GRUCell(1, 1, torch.tensor([bias])).double()
    cell.initial.data.fill_(0.8)
    states = cell(torch.zeros(50, 1, 1, dtype=torch.float64))[:, 0, 0].detach()
    kept = 1 / (1 + math.exp(-bias))
    torch.testing.assert_close(states, 0.8 * kept ** torch.arange(1, 51, dtype=torch.float64))


def test_an_open_keep_gate_carries_the_state_and_its_error() -> None:
    cell = GRUCell(1, 3, torch.full((3,), 60.0)).double()
    cell.initial.data.copy_(torch.tensor([-0.5, 0.1, 0.9]))
    state = cell(torch.ones(1000, 1, 1, dtype=torch.float64))[-1, 0]
    torch.testing.assert_close(state.detach(), cell.initial.detach())
    state.sum().backward()
    torch.testing.assert_close(cell.initial.grad, torch.ones(3, dtype=torch.float64))


def test_a_closed_reset_gate_hides_the_state_from_the_new_one() -> None:
    cell = GRUCell(1, 2).double()
    for parameter in cell.parameters():
        torch.nn.init.normal_(parameter, generator=torch.Generator().manual_seed(1))
    cell.gate_bias("reset").data.fill_(-800.0)
    cell.gate_bias("keep").data.fill_(-800.0)
    inputs = torch.randn(6, 3, 1, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    new = BLOCKS.index("new")
    expected = torch.tanh(inputs @ cell.input_blocks()[new].T + cell.biases()[new])
    torch.testing.assert_close(cell(inputs), expected)


def test_weights_are_counted_once() -> None:
    cell = GRUCell(3, 7)
    assert cell.weights == 3 * 7 * (7 + 3)
    assert sum(p.numel() for p in cell.parameters()) == cell.weights + 3 * 7 + 7


@pytest.mark.parametrize(("spread", "median"), [("chrono", 30.0), ("log_chrono", math.sqrt(59))])
def test_spread_biases_reach_the_time_scale(spread: str, median: float) -> None:
    cell = build(units=128, keep_gate=spread).network.recurrent
    times = cell.gate_bias("keep").detach().exp()
    assert times.min() >= 1
    assert 50 < times.max() <= 59
    assert times.median() == pytest.approx(median, rel=0.35)
    assert not cell.gate_bias("reset").any()
    assert not cell.gate_bias("new").any()


def test_a_constant_bias_moves_the_keep_gates_alone() -> None:
    cell = build(keep_gate="constant", keep_bias=5.0, time_scale=None).network.recurrent
    assert (cell.gate_bias("keep") == 5).all()
    assert not cell.gate_bias("reset").any()
    assert not cell.gate_bias("new").any()


def test_everything_trains() -> None:
    model = build()
    model.gradient(Recall(60).sample(5, torch.Generator().manual_seed(0)))
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
