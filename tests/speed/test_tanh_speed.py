"""The tanh core against torch.nn.RNN: forward and backward, alternating in one process on one thread."""

import statistics
import time

import pytest
import torch

from longlag.methods.parts.tanh import tanh_numba
from longlag.methods.parts.tanh.tanh_core import tanh_recurrence

# (T, B, H), how many times faster than torch.nn.RNN, alternations
BARS = [
    ((20, 20, 12), 3.5, 400),
    ((50, 20, 20), 5.0, 400),
    ((100, 20, 50), 4.5, 60),
    ((100, 100, 100), 2.0, 30),
    ((200, 100, 100), 2.0, 20),
    ((100, 20, 256), 1.5, 20),
    ((1000, 100, 100), 2.5, 8),
]
INPUTS = 4


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def contenders(length, size, units):
    """One gradient of a loss at the last step, by torch and by the core."""
    torch.manual_seed(0)
    rnn = torch.nn.RNN(INPUTS, units)
    torch.nn.init.orthogonal_(rnn.weight_hh_l0)  # gradients that do not vanish into denormals
    weights = (rnn.weight_ih_l0, rnn.weight_hh_l0, rnn.bias_hh_l0)
    initial = torch.zeros(units, requires_grad=True)
    inputs, given = 0.1 * torch.randn(length, size, INPUTS), torch.randn(1, size, units)
    mask = torch.arange(length) == length - 1

    def theirs():
        states, _ = rnn(inputs, initial.expand(1, size, -1).contiguous())
        states[-1:].backward(given)

    def ours():
        tanh_recurrence(inputs, *weights, initial, mask).backward(given)

    return theirs, ours


def seconds(function):
    """Of the processor, so that others who share it do not count."""
    start = time.process_time()
    function()
    return time.process_time() - start


@pytest.mark.parametrize(("shape", "bar", "rounds"), BARS, ids=str)
def test_faster_than_torch_rnn(shape, bar, rounds, record_property):
    tanh_numba.warm_up()
    theirs, ours = contenders(*shape)
    theirs(), ours()
    pairs = [(seconds(theirs), seconds(ours)) for _ in range(rounds)]
    ratios = sorted(a / b for a, b in pairs)
    low, high = ratios[rounds // 10], ratios[-1 - rounds // 10]
    median = statistics.median(ratios)
    torch_time, own_time = (min(column) for column in zip(*pairs, strict=True))
    report = (
        f"{torch_time / own_time:.2f} times torch.nn.RNN at best ({1e3 * torch_time:.2f} and "
        f"{1e3 * own_time:.2f} ms); median {median:.2f}, a tenth below {low:.2f}, a tenth above {high:.2f}"
    )
    record_property("ratio", report)
    print(shape, report)  # noqa: T201
    # Of the least disturbed runs: what else goes on in the machine is not the core's to answer for
    assert torch_time / own_time >= bar, report


@pytest.mark.parametrize("shape", [shape for shape, _, _ in BARS], ids=str)
def test_gradient(benchmark, shape):
    tanh_numba.warm_up()
    _, ours = contenders(*shape)
    benchmark(ours)
