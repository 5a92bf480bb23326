"""Long expressive memory: what it holds and for how long, how its rates begin, what it learns."""

from __future__ import annotations

import math

import pytest
import torch

from longlag.bench.plugins.registry import discover
from longlag.methods.parts.lem.cell import BLOCKS, LEMCell
from tests.methods.recall import Recall

REGISTRY = discover()
SETTINGS = {
    "rates": "chrono",
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
    return REGISTRY.method("lem").build(Recall(60), **settings)


@pytest.mark.parametrize("span", [0.02, 0.5, 1.0])
def test_without_weights_memory_and_state_fade_at_half_the_span(span: float) -> None:
    """z_t = (1 - span/2)^t z_0, and the state follows tanh of a memory that it hears through R_y = 1."""
    cell = LEMCell(1, 1, span).double()
    cell.initial_memory.data.fill_(0.8)
    cell.initial.data.fill_(0.3)
    states = cell(torch.zeros(200, 1, 1, dtype=torch.float64))[:, 0, 0].detach()
    steps = torch.arange(1, 201, dtype=torch.float64)
    torch.testing.assert_close(states, 0.3 * (1 - span / 2) ** steps)
    cell.recurrent_blocks()[3].data.fill_(1.0)
    expected, state = [], 0.3
    for t in range(1, 201):
        state += span / 2 * (math.tanh(0.8 * (1 - span / 2) ** t) - state)
        expected.append(state)
    heard = cell(torch.zeros(200, 1, 1, dtype=torch.float64))[:, 0, 0].detach()
    torch.testing.assert_close(heard, torch.tensor(expected, dtype=torch.float64))


def test_a_closed_rate_holds_the_memory_and_its_error() -> None:
    cell = LEMCell(1, 3).double()
    cell.biases()[BLOCKS.index("slow")].data.fill_(-60.0)
    cell.recurrent_blocks()[BLOCKS.index("state")].data.copy_(torch.eye(3))
    cell.initial_memory.data.copy_(torch.tensor([-0.5, 0.1, 0.9]))
    state = cell(torch.zeros(1000, 1, 1, dtype=torch.float64))[-1, 0]
    memory = cell.initial_memory.detach()
    torch.testing.assert_close(state.detach(), torch.tanh(memory))
    state.sum().backward()
    torch.testing.assert_close(cell.initial_memory.grad, 1 - torch.tanh(memory) ** 2)


def test_the_span_is_held_and_belongs_to_the_checkpoint() -> None:
    model = build(rates="free", time_scale=None, span=0.25)
    cell = model.network.recurrent
    assert "network.recurrent.span" in model.state_dict()
    assert all(parameter is not cell.span for parameter in model.parameters())
    optimizer = model.configure_optimizers()
    batch = Recall(60).sample(10, torch.Generator().manual_seed(0))
    optimizer.step(closure=lambda: model.gradient(batch))
    assert (cell.span == 0.25).all()


def test_weights_are_counted_once() -> None:
    cell = LEMCell(3, 7)
    assert cell.weights == 4 * 7 * (7 + 3)
    assert sum(p.numel() for p in cell.parameters()) == cell.weights + 4 * 7 + 2 * 7


def test_spread_rates_reach_the_time_scale_and_the_state_follows_at_once() -> None:
    slow, fast, memory, state = (bias.detach() for bias in build(units=128).network.recurrent.biases())
    times = (-slow).exp()
    assert times.min() >= 1
    assert 50 < times.max() <= 59
    assert times.median() == pytest.approx(30, rel=0.25)
    assert not torch.cat([fast, memory, state]).any()


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
