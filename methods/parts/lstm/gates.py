"""Gate biases: how long a memory cell remembers before it has learned anything.

A keep gate at bias b keeps the fraction sigmoid(b) of its cell a step, so that the cell forgets over
about 1 + exp(b) steps: the bias is the logarithm of a time scale (Tallec & Ollivier 2018).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

OPEN = 40.0
"""In float32 sigmoid(40) is 1 and its derivative 0: a keep gate that never learns to close is none."""


def constant(units: int, bias: float) -> Tensor:
    """The same keep-gate bias for every cell, [H] (Gers, Schmidhuber & Cummins 2000)."""
    return torch.full((units,), bias)


def chrono(units: int, longest: float) -> Tensor:
    """Keep-gate biases log U[1, longest - 1], [H]: time scales spread evenly up to `longest` steps."""
    return torch.empty(units).uniform_(1.0, max(longest, 2.0) - 1.0).log()


def log_chrono(units: int, longest: float) -> Tensor:
    """Keep-gate biases U[0, log(longest - 1)], [H]: as many time scales in each octave up to `longest`."""
    return torch.rand(units) * math.log(max(longest, 2.0) - 1.0)


def staggered(units: int, last: float) -> Tensor:
    """Write-gate biases from last / H to `last`, [H], so that cells come into use one after the other.

    Hochreiter & Schmidhuber 1997 give the block of cells number k the bias -3k (adding) or -2k (order).
    """
    return torch.linspace(last / units, last, units)
