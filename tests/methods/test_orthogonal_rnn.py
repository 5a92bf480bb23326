"""The orthogonal net: its matrix stays orthogonal, its steps are those of dense algebra, lengths are kept."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import torch

from longlag import Batch, SoftmaxCrossEntropy, Task
from longlag.bench.plugins.registry import discover
from longlag.methods.orthogonal_rnn import rotations
from longlag.methods.parts.lstm.cell import LSTMCell
from longlag.methods.parts.orthogonal.cell import ModReLUCell
from longlag.methods.parts.orthogonal.turning import TurningAdam

REGISTRY = discover()
SETTINGS: dict[str, Any] = {
    "start": "rotations",
    "input_scale": 0.3,
    "readout_scale": 0.1,
    "rate": 3e-3,
    "turning": 3e-4,
    "halving": 1e5,
    "units": 24,
    "batch_size": 20,
}


class Copy(Task):
    """Give the first symbol of four again, at the last step."""

    name = "copy"
    source = ""

    def __init__(self, lag: int = 30) -> None:
        super().__init__(lag)
        self.input_size, self.output_size, self.loss = 5, 4, SoftmaxCrossEntropy()

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        symbols = torch.randint(4, (batch_size,), generator=generator)
        inputs = torch.zeros(self.lag, batch_size, 5)
        inputs[1:, :, 4] = 1
        inputs[0, torch.arange(batch_size), symbols] = 1
        return Batch(inputs, symbols[None], torch.arange(self.lag) == self.lag - 1)

    def wrong(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        return (outputs.argmax(-1) != batch.targets).any(0)


def build(**changed: Any) -> Any:
    torch.manual_seed(0)
    return REGISTRY.method("orthogonal_rnn").build(Copy(), **{**SETTINGS, **changed})


def some(count: int = 20, seed: int = 0) -> Batch:
    return Copy().sample(count, torch.Generator().manual_seed(seed))


def matrix_of(model: Any) -> torch.Tensor:
    return model.network.recurrent.recurrent_weight.detach()


def train(model: Any, updates: int) -> TurningAdam:
    optimizer, draws = model.configure_optimizers(), torch.Generator().manual_seed(1)
    for _ in range(updates):
        model.update(optimizer, Copy().sample(20, draws))
    return optimizer


@pytest.mark.parametrize("units", [1, 2, 7, 40])
def test_it_begins_with_rotations_of_planes(units: int) -> None:
    torch.manual_seed(3)
    matrix = rotations(units).double().numpy()
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(units), atol=1e-6)
    assert np.count_nonzero(matrix) <= 2 * units
    angles = np.abs(np.angle(np.linalg.eigvals(matrix)))
    assert np.linalg.det(matrix) == pytest.approx(1, abs=1e-5)
    assert units < 40 or (angles.min() < 0.5 and angles.max() > math.pi - 0.5)


@pytest.mark.parametrize("start", ["rotations", "random"])
def test_the_matrix_is_turned_and_stays_orthogonal(start: str) -> None:
    model = build(start=start, turning=1e-2)
    before = matrix_of(model).clone()
    torch.testing.assert_close(before @ before.T, torch.eye(24), atol=1e-5, rtol=0)
    train(model, 200)
    after = matrix_of(model)
    assert (after - before).norm() > 0.1
    torch.testing.assert_close(after @ after.T, torch.eye(24), atol=1e-4, rtol=0)


def test_a_first_step_is_that_of_dense_algebra() -> None:
    """Adam's first step is the sign of the gradient; scipy's exponential is Cayley's turn to third order."""
    model = build()
    optimizer, batch = model.configure_optimizers(), some()
    model.gradient(batch)
    network, cell = model.network, model.network.recurrent
    held = copy.deepcopy({name: p.detach().double() for name, p in network.named_parameters()})
    slopes = {name: p.grad.clone().double() for name, p in network.named_parameters()}
    W, G = held["recurrent.recurrent_weight"].numpy(), slopes["recurrent.recurrent_weight"].numpy()
    skew = (W.T @ G - G.T @ W) / 2
    model.update(optimizer, batch)
    step = SETTINGS["turning"] * skew / (np.abs(skew) + 1e-8)
    expected = W @ scipy.linalg.expm(-step)
    np.testing.assert_allclose(cell.recurrent_weight.detach().numpy(), expected, atol=1e-6)
    for name, parameter in network.named_parameters():
        if name != "recurrent.recurrent_weight":
            moved = held[name] - SETTINGS["rate"] * slopes[name] / (slopes[name].abs() + 1e-8)
            torch.testing.assert_close(parameter.detach().double(), moved, atol=1e-6, rtol=0)


def test_a_small_turn_lowers_the_loss() -> None:
    model, batch = build(rate=1e-12, turning=1e-4), some(200)
    optimizer = model.configure_optimizers()
    losses = [float(model.update(optimizer, batch)) for _ in range(20)]
    assert losses[-1] < losses[0]


def test_a_step_is_charged_with_its_turn() -> None:
    model, batch = build(), some()
    model.update(model.configure_optimizers(), batch)
    gradient = 6 * 24 * (24 + 5) * 30 * 20
    products, systems = 2 * 2 * 24**3, 24**3 * 2 / 3 + 24 * 2 * 24**2
    assert model.cost(batch) == pytest.approx(gradient + products + systems)


def test_state_and_error_keep_their_length_across_many_steps() -> None:
    cell = ModReLUCell(1, 40).double()
    torch.manual_seed(0)
    torch.nn.init.orthogonal_(cell.recurrent_weight)
    torch.nn.init.normal_(cell.initial)
    states = cell(torch.zeros(2000, 1, 1, dtype=torch.float64))[:, 0]
    length = cell.initial.detach().norm()
    torch.testing.assert_close(states.detach().norm(dim=1), length.expand(2000))
    given = torch.randn(40, dtype=torch.float64)
    (states[-1] * given).sum().backward()
    assert cell.initial.grad is not None
    torch.testing.assert_close(cell.initial.grad.norm(), given.norm())


def test_the_bias_moves_sizes_and_keeps_signs() -> None:
    cell = ModReLUCell(1, 4)
    cell.input_weight.data.copy_(torch.tensor([[2.0], [-2.0], [0.5], [-0.5]]))
    cell.bias.data.fill_(-1.0)
    assert cell(torch.ones(1, 1, 1))[0, 0].tolist() == [1.0, -1.0, 0.0, 0.0]
    cell.bias.data.fill_(1.0)
    assert cell(torch.ones(1, 1, 1))[0, 0].tolist() == [3.0, -3.0, 1.5, -1.5]


def test_a_layer_of_gates_has_not_one_matrix() -> None:
    network = copy.copy(build().network)
    network.recurrent = LSTMCell(5, 24)
    with pytest.raises(ValueError, match="LSTMCell has not one"):
        TurningAdam(network, 1e-3, 1e-4)


def test_it_copies() -> None:
    model = build()
    train(model, 300)
    test = some(500, seed=2)
    with torch.no_grad():
        wrong = Copy().wrong(model(test.inputs, test.mask), test).float().mean()
    assert wrong < 0.02 < 0.75  # by chance
