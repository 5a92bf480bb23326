"""Cells with exponential write gates: the weighted mean they answer with, its size, what they learn."""

from __future__ import annotations

import torch

from longlag.bench.plugins.registry import discover
from longlag.methods.parts.slstm.cell import SLSTMCell
from tests.methods.recall import Recall

REGISTRY = discover()


def build():
    torch.manual_seed(0)
    method = REGISTRY.method("slstm")
    return method.build(Recall(60), **method.recipes(Recall(60).sizes)[0])


def hearing(gate: str, weight: float) -> SLSTMCell:
    """One cell with open keep and read gates whose `gate` and whose new value hear an input each."""
    cell = SLSTMCell(2, 1, torch.tensor([60.0])).double()
    cell.gate_bias("read").data.fill_(60.0)
    blocks = dict(zip(("write", "keep", "new", "read"), cell.input_blocks(), strict=True))
    blocks[gate].data[0, 0] = weight
    blocks["new"].data[0, 1] = 1.0
    return cell


def test_the_state_is_the_mean_of_what_was_written_weighted_by_the_write_gates() -> None:
    inputs = torch.randn(40, 3, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    states = hearing("write", 2.0)(inputs)[-1, :, 0]
    weights, written = (2 * inputs[:, :, 0]).exp(), torch.tanh(inputs[:, :, 1])
    # n begins at 1, with the initial cell, 0, as its value
    mean = (weights * written).sum(0) / (1 + weights.sum(0))
    torch.testing.assert_close(states, mean)


def test_no_exponential_leaves_the_floats() -> None:
    cell = hearing("write", 1000.0).float()
    inputs = torch.zeros(5, 1, 2)
    inputs[1] = torch.tensor([1.0, 0.5])
    inputs[3] = torch.tensor([-1.0, -0.9])
    inputs.requires_grad_()
    states = cell(inputs)[:, 0, 0]
    assert torch.isfinite(states).all()
    # From the second step on it is what was written there, e^1000 times as heavily as all else.
    torch.testing.assert_close(states[1:].detach(), torch.full((4,), 0.5).tanh())
    states[-1].backward()
    assert torch.isfinite(inputs.grad).all()


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
