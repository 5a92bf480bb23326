"""The LSTM core against torch.nn.LSTM: forward and backward, alternating in one process on one thread."""

import statistics
import time

import pytest
import torch

from longlag.methods.parts.lstm.lstm_core import compiled_warm_up, lstm_recurrence

# (T, B, H), how many times faster than torch.nn.LSTM, alternations
BARS = [
    ((100, 20, 8), 2.5, 400),
    ((20, 10, 4), 1.0, 200),
    ((100, 20, 32), 1.0, 100),
    ((20, 100, 64), 1.0, 60),
    ((100, 20, 64), 1.0, 60),
    ((20, 100, 128), 1.0, 30),
    ((1000, 10, 32), 1.0, 20),
    ((1000, 100, 8), 1.0, 10),
    ((200, 100, 128), 1.0, 10),
]
INPUTS = 4


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def contenders(length, size, units):
    """One gradient of a loss at the last step, by torch and by the core, in weights and initial states."""
    torch.manual_seed(0)
    lstm = torch.nn.LSTM(INPUTS, units)
    weights = (lstm.weight_ih_l0, lstm.weight_hh_l0, lstm.bias_hh_l0)
    starts = [torch.zeros(units, requires_grad=True) for _ in range(2)]
    inputs, given = torch.randn(length, size, INPUTS), torch.randn(1, size, units)
    mask = torch.arange(length) == length - 1
    with torch.no_grad():
        lstm.bias_ih_l0.zero_()

    def theirs():
        states, _ = lstm(inputs, tuple(s.expand(1, size, -1).contiguous() for s in starts))
        states[-1:].backward(given)

    def ours():
        lstm_recurrence(inputs, *weights, *starts, mask, "numba").backward(given)

    return theirs, ours, (*weights, *starts)


@pytest.mark.parametrize(("shape", "bar", "rounds"), BARS, ids=str)
def test_faster_than_torch_lstm(shape, bar, rounds, record_property):
    compiled_warm_up()
    theirs, ours, parts = contenders(*shape)
    found = []
    for one in (theirs, ours):
        one()
        found.append([part.grad.clone() for part in parts])
        for part in parts:
            part.grad = None
    for mine, other in zip(*found, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-3, atol=1e-3 * float(other.abs().max()))
    theirs(), ours()
    pairs = [(seconds(theirs), seconds(ours)) for _ in range(rounds)]
    low, median, high = statistics.quantiles(a / b for a, b in pairs)
    torch_time, own_time = (min(column) for column in zip(*pairs, strict=True))
    report = (
        f"{torch_time / own_time:.2f} times torch.nn.LSTM at best ({1e3 * torch_time:.2f} and "
        f"{1e3 * own_time:.2f} ms); median {median:.2f}, quartiles {low:.2f} and {high:.2f}"
    )
    record_property("ratio", report)
    print(shape, report)  # noqa: T201
    # Of the least disturbed runs: what else goes on in the machine is not the core's to answer for
    assert torch_time / own_time >= bar, report


def seconds(function):
    """Of the processor, so that others who share it do not count."""
    start = time.process_time()
    function()
    return time.process_time() - start


@pytest.mark.parametrize("shape", [shape for shape, _, _ in BARS], ids=str)
def test_gradient(benchmark, shape):
    compiled_warm_up()
    _, ours, _ = contenders(*shape)
    benchmark(ours)
