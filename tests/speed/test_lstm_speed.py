"""The LSTM cell against torch.nn.LSTM: forward and backward, in turns in one process on one thread."""

import pytest
import torch

from longlag.methods.parts.lstm.cell import LSTMCell
from longlag.methods.parts.lstm.lstm_core import compiled_warm_up

# (T, B, cells), how many times faster than torch.nn.LSTM, alternations
BARS = [
    ((100, 20, 8), 2.5, 200),
    ((20, 10, 4), 1.0, 200),
    ((100, 20, 32), 1.0, 60),
    ((20, 100, 128), 1.0, 30),
    ((1000, 10, 32), 1.0, 20),
    ((1000, 100, 8), 1.0, 8),
    ((200, 100, 128), 1.0, 8),
]
INPUTS = 4


def contenders(length, size, units):
    """One gradient of a loss at the last step, by torch and by the cell, and the weights of each."""
    torch.manual_seed(0)
    lstm = torch.nn.LSTM(INPUTS, units)
    cell = LSTMCell(INPUTS, units)
    torch.nn.init.zeros_(lstm.bias_ih_l0)
    own = (cell.input_weight, cell.recurrent_weight, cell.bias)
    with torch.no_grad():
        for ours, torchs in zip(own, (lstm.weight_ih_l0, lstm.weight_hh_l0, lstm.bias_hh_l0), strict=True):
            ours.copy_(torchs)
    inputs, given = torch.randn(length, size, INPUTS), torch.randn(1, size, units)
    mask = torch.arange(length) == length - 1

    def theirs():
        lstm(inputs)[0][-1:].backward(given)

    def ours():
        cell(inputs, mask).backward(given)

    return theirs, ours, (lstm.weight_ih_l0, lstm.weight_hh_l0, lstm.bias_hh_l0), own


@pytest.mark.parametrize(("shape", "bar", "rounds"), BARS, ids=str)
def test_faster_than_torch_lstm(shape, bar, rounds, pairs, holds):
    compiled_warm_up()
    theirs, ours, torchs, own = contenders(*shape)
    theirs(), ours()
    for a, b in zip(torchs, own, strict=True):
        torch.testing.assert_close(b.grad, a.grad, rtol=1e-3, atol=1e-4 * float(a.grad.abs().max()))
    ratios = [pair.theirs / pair.ours for pair in pairs(ours, theirs, rounds)]
    holds(f"LSTM forward and backward {shape}", "nn.LSTM", ratios, at_least=bar, shape=shape)
