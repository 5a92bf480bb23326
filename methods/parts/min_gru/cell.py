"""A layer of minimal gated units: what they keep and what is new is decided by what they hear alone.

From u_t [W], with c_t = W_c u_t + b_c (Feng et al. 2024, sections 3.1 and 3.2):

    minGRU   k_t = sigmoid(W_k u_t + b_k)
    minLSTM  k_t = f_t / (f_t + i_t),  f_t = sigmoid(W_f u_t + b_f),  i_t = sigmoid(W_i u_t + b_i)
    both     h_t = k_t h_(t-1) + (1 - k_t) g(c_t)

k is the paper's 1 - z. g is the identity, or positive, g(c) = c + 1/2 where c > 0, else sigmoid(c), as where
the paper computes in logarithms. No state goes into a gate, so there is no recurrent matrix; a net that is to
decide by what it remembers needs a second layer above the first.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, logsigmoid

from longlag.methods.parts.backend import Array
from longlag.methods.parts.scan.scan import scan
from longlag.methods.parts.scan.stack import Layer, drawn

Gates = Literal["gru", "lstm"]
Candidate = Literal["linear", "positive"]

BLOCKS: dict[Gates, tuple[str, ...]] = {"gru": ("keep", "new"), "lstm": ("forget", "input", "new")}
"""The gates in the order of the matrices."""


class MinimalUnits(Layer):
    """A layer of `units` that hear `heard` numbers; `keep_bias` [H] starts what they keep.

    One that is `inner` lies above another, whose outputs it changes through a matrix P [H, H].
    """

    def __init__(
        self,
        heard: int,
        units: int,
        gates: Gates,
        candidate: Candidate,
        keep_bias: Tensor,
        inner: bool = False,
    ) -> None:
        super().__init__()
        self.units, self.gates, self.candidate = units, gates, candidate
        blocks = BLOCKS[gates]
        self.weight = drawn(len(blocks) * units, heard)
        self.bias = nn.Parameter(torch.zeros(len(blocks) * units))
        self.initial = nn.Parameter(torch.zeros(units))
        self.out = drawn(units, units) if inner else None
        for block, bias in zip(blocks, self.biases(), strict=True):
            # For minLSTM both: the ratio of f to 1 - f has the logarithm b_f.
            sign = {"keep": 1.0, "forget": 1.0, "input": -1.0, "new": 0.0}[block]
            bias.data.copy_(sign * keep_bias)
        self.weights = self.weight.numel() + units
        self.output_weights = units * units if inner else 0

    def forward(self, heard: Tensor, steps: Array | None) -> Tensor:
        """States [S, B, H]; of an inner layer P times them."""
        *gates, new = linear(heard, self.weight, self.bias).chunk(len(BLOCKS[self.gates]), -1)
        kept = gates[0] if self.gates == "gru" else logsigmoid(gates[0]) - logsigmoid(gates[1])
        if self.candidate == "positive":
            new = torch.where(new > 0, new + 0.5, new.sigmoid())
        states = scan(kept.sigmoid(), (-kept).sigmoid() * new, self.initial, steps)
        return states if self.out is None else linear(states, self.out)

    def input_blocks(self) -> list[Tensor]:
        """One matrix [H, W] a gate, and that of what is new."""
        return list(self.weight.split(self.units))

    def biases(self) -> list[Tensor]:
        """One bias [H] each."""
        return list(self.bias.split(self.units))
