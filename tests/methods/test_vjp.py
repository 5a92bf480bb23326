"""A cell's own way back, and a network's gradient, against autograd in float64."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from longlag.bench.contract import (
    Batch,
    Network,
    Recurrent,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    SquaredError,
)
from longlag.methods.parts.gru.cell import GRUCell
from longlag.methods.parts.lem.cell import LEMCell
from longlag.methods.parts.lstm.cell import LSTMCell
from longlag.methods.parts.orthogonal.cell import ModReLUCell
from longlag.methods.parts.relu.cell import ReLUCell
from longlag.methods.parts.tanh.cell import TanhCell

CELLS = (TanhCell, LSTMCell, ReLUCell, LEMCell, GRUCell, ModReLUCell)


class Elman(Recurrent):
    """A layer that leaves its way back to autograd."""

    def __init__(self, input_size, units):
        super().__init__(input_size, units)
        self.layer = torch.nn.RNN(input_size, units)

    def forward(self, inputs, mask=None):
        states = self.layer(inputs)[0]
        return states if mask is None else states[mask]

    def recurrent_blocks(self):
        return [self.layer.weight_hh_l0]

    def input_blocks(self):
        return [self.layer.weight_ih_l0]

    def biases(self):
        return [self.layer.bias_hh_l0]


def network(cell, inputs, units, outputs):
    torch.manual_seed(1)
    made = Network(cell(inputs, units), outputs).double()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    made.centre(torch.linspace(-0.5, 0.5, inputs, dtype=torch.float64))
    return made


def batch(length, size, inputs, mask, targets):
    torch.manual_seed(2)
    chosen = targets(int(mask.sum()), size)
    return Batch(torch.randn(length, size, inputs, dtype=torch.float64), chosen, mask)


def by_autograd(made, given_batch, loss):
    made.zero_grad()
    value = loss(made(given_batch.inputs, given_batch.mask), given_batch.targets)
    value.backward()
    return value.detach(), [p.grad for p in made.parameters()]


@pytest.mark.parametrize("cell", [*CELLS, Elman])
@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        (SquaredError(), lambda s, b: torch.randn(s, b, 3, dtype=torch.float64)),
        (SoftmaxCrossEntropy(), lambda s, b: torch.randint(0, 3, (s, b))),
        (SigmoidCrossEntropy(), lambda s, b: torch.rand(s, b, 3, dtype=torch.float64)),
        # Of the losses a plugin may bring, one that has no gradient of its own.
        (lambda y, t: (y - t).abs().mean(), lambda s, b: torch.randn(s, b, 3, dtype=torch.float64)),
    ],
)
@settings(max_examples=15, deadline=None)
@given(
    length=st.integers(1, 9),
    size=st.integers(1, 4),
    inputs=st.integers(1, 20),
    units=st.integers(1, 40),
    supervised=st.sets(st.integers(0, 8), min_size=1),
)
def test_a_gradient_is_autograds(cell, loss, targets, length, size, inputs, units, supervised):
    mask = torch.zeros(length, dtype=torch.bool)
    mask[[step % length for step in supervised]] = True
    made, some = network(cell, inputs, units, 3), batch(length, size, inputs, mask, targets)
    value, gradients = by_autograd(made, some, loss)
    torch.testing.assert_close(made.gradient(some, loss), value, rtol=1e-10, atol=1e-12)
    for parameter, gradient in zip(made.parameters(), gradients, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("cell", [*CELLS, Elman])
def test_what_is_held_gets_no_gradient(cell):
    mask = torch.tensor([False, True, True])
    some = batch(3, 2, 2, mask, lambda s, b: torch.randn(s, b, 1, dtype=torch.float64))
    made = network(cell, 2, 4, 1)
    held = made.recurrent.biases()[0] if cell is Elman else made.recurrent.bias
    held.requires_grad_(False)
    made.readout.bias.requires_grad_(False)
    made.gradient(some, SquaredError())
    assert held.grad is made.readout.bias.grad is None
    assert made.recurrent.recurrent_blocks()[0] is not None
    trained = [parameter for parameter in made.parameters() if parameter.requires_grad]
    assert all(parameter.grad is not None for parameter in trained)
    for parameter in made.parameters():
        parameter.requires_grad_(False)
    made.gradient(some, SquaredError())
    assert all(parameter.grad is None for parameter in made.parameters())
