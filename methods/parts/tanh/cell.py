"""The tanh cell of the vanilla recipe: h_t = tanh(W_in u_t + W h_(t-1) + b), h_(-1) learned."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from longlag.bench.contract import Change, Pullback, Recipe, Recurrent, by_autograd
from longlag.methods.parts.backend import Memory, compiled
from longlag.methods.parts.tanh.passes import compiled_warm_up
from longlag.methods.parts.tanh.tanh_core import Tape, tanh_recurrence, tanh_vjp

SATURATED = 0.9
"""From here on a tanh unit counts as saturated."""


class TanhCell(Recurrent):
    """A layer of tanh units with a learned initial state.

    With `record` set, `tape` holds the last pass made with gradients: its states and, once it went
    backward, dE/dh_t for every step (what penalties on the gradient's way back ask for).
    """

    untaken: ClassVar = ""

    def __init__(self, input_size: int, units: int) -> None:
        super().__init__(input_size, units)
        self.input_weight = nn.Parameter(torch.zeros(units, input_size))
        self.recurrent_weight = nn.Parameter(torch.zeros(units, units))
        self.bias = nn.Parameter(torch.zeros(units))
        self.initial = nn.Parameter(torch.zeros(units))
        self.record = False
        self.tape = Tape()
        self.memory = Memory()

    def forward(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """States [S, B, H] at the supervised steps."""
        return tanh_recurrence(
            inputs,
            self.input_weight,
            self.recurrent_weight,
            self.bias,
            self.initial,
            mask,
            self.tape if self.record and torch.is_grad_enabled() else None,
        )

    def vjp(
        self,
        inputs: Tensor,
        mask: Tensor | None = None,
        *,
        noise: Tensor | None = None,
        horizon: int | None = None,
    ) -> tuple[Tensor, Pullback]:
        """The states [S, B, H] and their way back, without autograd around them."""
        weights = (self.input_weight, self.recurrent_weight, self.bias, self.initial)
        tape = self.tape if self.record else None
        if not compiled(inputs):
            with torch.enable_grad():
                return by_autograd(
                    tanh_recurrence(inputs, *weights, mask, tape, noise=noise, horizon=horizon)
                )
        states, pullback = tanh_vjp(inputs, self.memory.arrays(weights), mask, tape, noise, horizon)
        return states, lambda gradients: pullback(gradients, self.memory.gradients(weights))

    def recurrent_blocks(self) -> list[Tensor]:
        """W."""
        return [self.recurrent_weight]

    def input_blocks(self) -> list[Tensor]:
        """W_in."""
        return [self.input_weight]

    def biases(self) -> list[Tensor]:
        """The bias."""
        return [self.bias]

    def saturation(self, states: Tensor) -> float:
        """The share of |h| > .9, where the slope 1 - h^2 is below .19."""
        return float((states.abs() > SATURATED).float().mean())


class TanhUnits(Change):
    """A tanh cell."""

    changes = "cell"

    def warm_up(self) -> None:
        """Have the compiled core ready."""
        compiled_warm_up()

    def apply(self, recipe: Recipe) -> Recipe:
        """The recipe with tanh units."""
        return recipe.replace(cell=TanhCell)
