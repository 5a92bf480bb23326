"""The tanh cell of the vanilla recipe: h_t = tanh(W_in u_t + W h_(t-1) + b), h_(-1) learned."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bench import Change, Recipe, Recurrent


class TanhCell(Recurrent):
    """A layer of tanh units with a learned initial state."""

    def __init__(self, input_size: int, units: int) -> None:
        super().__init__(input_size, units)
        self.input_weight = nn.Parameter(torch.zeros(units, input_size))
        self.recurrent_weight = nn.Parameter(torch.zeros(units, units))
        self.bias = nn.Parameter(torch.zeros(units))
        self.initial = nn.Parameter(torch.zeros(units))

    def forward(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """States [S, B, H] at the supervised steps."""
        drive = inputs @ self.input_weight.T + self.bias
        state = self.initial.expand(inputs.shape[1], -1)
        states = []
        for step in drive:
            state = torch.tanh(step + state @ self.recurrent_weight.T)
            states.append(state)
        stacked = torch.stack(states)
        return stacked if mask is None else stacked[mask]

    def recurrent_blocks(self) -> list[Tensor]:
        """W."""
        return [self.recurrent_weight]

    def input_blocks(self) -> list[Tensor]:
        """W_in."""
        return [self.input_weight]

    def biases(self) -> list[Tensor]:
        """The bias."""
        return [self.bias]


class TanhUnits(Change):
    """A tanh cell."""

    changes = "cell"

    def apply(self, recipe: Recipe) -> Recipe:
        """The recipe with tanh units."""
        return recipe.replace(cell=TanhCell)
