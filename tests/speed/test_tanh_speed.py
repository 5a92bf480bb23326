"""The tanh core against torch.nn.RNN: forward and backward, in turns in one process on one thread."""

import pytest
import torch

from longlag.methods.parts.tanh import tanh_numba
from longlag.methods.parts.tanh.tanh_core import tanh_recurrence

# (T, B, H), how many times faster than torch.nn.RNN, alternations
BARS = [
    ((20, 20, 12), 3.5, 200),
    ((50, 20, 20), 5.0, 200),
    ((100, 20, 50), 4.5, 60),
    ((100, 100, 100), 2.0, 30),
    ((200, 100, 100), 2.0, 20),
    ((1000, 100, 100), 2.5, 7),
    ((100, 20, 256), 1.5, 20),
]
INPUTS = 4


def contenders(length, size, units):
    """One gradient of a loss at the last step, by torch and by the core, and the weights that get it."""
    torch.manual_seed(0)
    rnn = torch.nn.RNN(INPUTS, units)
    torch.nn.init.orthogonal_(rnn.weight_hh_l0)  # gradients that do not vanish into denormals
    torch.nn.init.zeros_(rnn.bias_ih_l0)  # a second bias, which would only be added to the first
    weights = (rnn.weight_ih_l0, rnn.weight_hh_l0, rnn.bias_hh_l0)
    initial = torch.zeros(units, requires_grad=True)
    inputs, given = 0.1 * torch.randn(length, size, INPUTS), torch.randn(1, size, units)
    mask = torch.arange(length) == length - 1

    def theirs():
        states, _ = rnn(inputs, initial.expand(1, size, -1).contiguous())
        states[-1:].backward(given)

    def ours():
        tanh_recurrence(inputs, *weights, initial, mask).backward(given)

    return theirs, ours, (*weights, initial)


def gradients(side, weights):
    for weight in weights:
        weight.grad = None
    side()
    return [weight.grad.clone() for weight in weights]


def alike(theirs, ours, weights):
    """Both sides leave the same gradients, but for the order of single-precision sums."""
    for a, b in zip(gradients(theirs, weights), gradients(ours, weights), strict=True):
        torch.testing.assert_close(b, a, rtol=1e-3, atol=1e-4 * float(a.abs().max()))


@pytest.mark.parametrize(("shape", "bar", "rounds"), BARS, ids=str)
def test_faster_than_torch_rnn(shape, bar, rounds, pairs, holds):
    tanh_numba.warm_up()
    theirs, ours, weights = contenders(*shape)
    alike(theirs, ours, weights)
    ratios = [pair.theirs / pair.ours for pair in pairs(ours, theirs, rounds)]
    holds(f"tanh net forward and backward {shape}", "nn.RNN", ratios, at_least=bar, shape=shape)
