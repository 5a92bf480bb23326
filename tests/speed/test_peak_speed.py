"""The tanh net's share of what this machine can do: of its matrix products, and of its memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from longlag.methods.parts.tanh import tanh_numba
from longlag.methods.parts.tanh.tanh_core import tanh_recurrence

# (T, B, H), the share of the peak, alternations
BARS = [((200, 100, 100), 0.75, 40)]
OTHERS = [((100, 20, 50), 10), ((1000, 100, 100), 3), ((100, 20, 256), 10)]
"""Where else the page says how far the peak is."""
INPUTS = 4
SIZE = 1024
"""Of the matrices that the peak is measured with: three fit into no cache but the largest."""


def products() -> list[Callable[[], Any]]:
    """A float32 product of two large matrices, by every library at hand."""
    a = np.random.default_rng(0).standard_normal((SIZE, SIZE), np.float32)
    torchs, into = torch.from_numpy(a), np.empty_like(a)
    return [lambda: np.dot(a, a, into), lambda: torch.mm(torchs, torchs)]


def seconds(side: Callable[[], Any], rounds: int) -> float:
    """Of the processor, the least of some rounds."""
    found = []
    for _ in range(rounds):
        began = time.process_time()
        side()
        found.append(time.process_time() - began)
    return min(found)


def gradient(length: int, size: int, units: int) -> Callable[[], None]:
    """Forward and backward through a tanh net, its loss at the last step."""
    torch.manual_seed(0)
    recurrent = torch.nn.init.orthogonal_(torch.empty(units, units)).requires_grad_()
    weight = (0.1 * torch.randn(units, INPUTS)).requires_grad_()
    bias, initial = (torch.zeros(units, requires_grad=True) for _ in range(2))
    inputs, given = 0.1 * torch.randn(length, size, INPUTS), torch.randn(1, size, units)
    mask = torch.arange(length) == length - 1
    return lambda: tanh_recurrence(inputs, weight, recurrent, bias, initial, mask).backward(given)


def flops(length: int, size: int, units: int) -> float:
    """6 N T B, N the recurrent and input weights."""
    return 6.0 * units * (units + INPUTS) * length * size


def traffic(length: int, size: int, units: int) -> float:
    """Bytes that must cross between memory and caches if neither states nor deltas stay in them.

    States are written once and read twice (backward, weight gradients), deltas written and read once.
    """
    return 5.0 * 4.0 * length * size * units


@pytest.mark.parametrize(("shape", "bar", "rounds"), BARS, ids=str)
def test_share_of_the_matrix_peak(
    shape: tuple[int, int, int],
    bar: float,
    rounds: int,
    pairs: Callable[..., Any],
    holds: Callable[..., None],
    facts: dict[str, Any],
    timed: bool,
) -> None:
    tanh_numba.warm_up()
    ours = gradient(*shape)
    ours()
    fastest = min(products(), key=lambda product: seconds(product, 5 if timed else 1))
    work = 2.0 * SIZE**3
    found = pairs(ours, fastest, rounds)
    shares = [(flops(*shape) / pair.ours) / (work / pair.theirs) for pair in found]
    if timed:
        facts["roofline"] = roofline(shape, found, work)
    holds(f"tanh net {shape}, share of the float32 matrix peak", f"a product of {SIZE} x {SIZE}", shares,
          at_least=bar, shape=shape)  # fmt: skip


def roofline(shape: tuple[int, int, int], found: list[Any], work: float) -> dict[str, Any]:
    """Peaks of one core, and where tanh nets of several shapes lie under them."""
    large = np.ones(2**24, np.float32)
    copy = np.empty_like(large)
    # A copy reads and writes; where the written line is fetched first that is not counted.
    stream = 2 * large.nbytes / seconds(lambda: np.copyto(copy, large), 7)
    measured = {shape: min(pair.ours for pair in found)}
    measured |= {other: seconds(gradient(*other), rounds) for other, rounds in OTHERS}
    return {
        "flops_per_second": work / min(pair.theirs for pair in found),
        "bytes_per_second": stream,
        "steps": [
            {"shape": each, "flops": flops(*each), "bytes": traffic(*each), "seconds": taken}
            for each, taken in measured.items()
        ],
    }
