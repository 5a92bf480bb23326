"""A recurrent layer that is several, one upon the other, each an elementwise linear recurrence.

The first hears the inputs; each other adds to what comes from below, which it hears with its size bounded:

    y_l = y_(l-1) + layer_l(n(y_(l-1))),    n(y) = y / sqrt(1 + mean of y^2)

The papers divide by the root of the mean square alone (RMSNorm). That makes what is near 0 as large as all
else, and undoes what a layer does that lets in one step and leaves out the next. What the last layer makes of
its states is worked out, and charged, at the supervised steps alone.

Shapes: T steps, B sequences, H units, W what a layer hears (D inputs, or H), S supervised steps.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor, nn

from longlag.bench.contract import Recurrent
from longlag.methods.parts.backend import Array, at_steps, true_steps

NORMAL = 3**0.5
"""The gain at which `drawn` keeps the variance of what its matrix is multiplied with."""


class Layer(nn.Module, ABC):
    """One of them: its weights are begun where it is made, from torch's global generator."""

    weights: int
    """What it multiplies and adds at every step, to its states: weights, and its recurrence beside them."""
    output_weights: int = 0
    """What it multiplies and adds a step that its outputs are asked for, to make them of its states."""
    initial: nn.Parameter
    """Its states before the first step, flat."""

    @property
    def remembered(self) -> int:
        """How many numbers of a sequence a step leaves to the next: its states, unless there are others."""
        return self.initial.numel()

    @abstractmethod
    def forward(self, heard: Tensor, steps: Array | None) -> Tensor:
        """Outputs [S, B, H] at `steps` (all T without them), from what it hears, [T, B, W]."""

    @abstractmethod
    def input_blocks(self) -> list[Tensor]:
        """The matrices that hear the inputs, as [H, W] views."""

    @abstractmethod
    def biases(self) -> list[Tensor]:
        """Their biases, as [H] views."""


class Stack(Recurrent):
    """`count` layers as `make(heard, inner)` gives them, inner those that lie above another.

    Initial weights that a recipe chooses are those of the first layer: the others hear no inputs, and begin
    as they are made. There is no recurrent matrix.
    """

    untaken: ClassVar = "its steps are worked out all at once"

    def __init__(self, input_size: int, units: int, count: int, make: Callable[[int, bool], Layer]) -> None:
        super().__init__(input_size, units)
        self.layers = nn.ModuleList([make(input_size, False), *(make(units, True) for _ in range(count - 1))])

    def forward(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """What comes out above, [S, B, H], at the supervised steps."""
        steps = true_steps(mask)
        first, *others = self.layers
        below: Tensor = first(inputs, None if others else steps)
        for layer in others:
            asked = steps if layer is others[-1] else None
            heard = below * torch.rsqrt(1 + below.square().mean(-1, keepdim=True))
            below = at_steps(below, asked) + layer(heard, asked)
        return below

    def recurrent_blocks(self) -> list[Tensor]:
        """None: what a unit hears of the step before is its own state."""
        return []

    def input_blocks(self) -> list[Tensor]:
        """The first layer's."""
        return self._first.input_blocks()

    def biases(self) -> list[Tensor]:
        """The first layer's."""
        return self._first.biases()

    @property
    def remembered(self) -> int:
        """What all layers remember."""
        return sum(layer.remembered for layer in self.layers if isinstance(layer, Layer))

    @cached_property
    def weights(self) -> int:
        """N of all layers: those below another are asked for their outputs at every step."""
        made = [layer for layer in self.layers if isinstance(layer, Layer)]
        return sum(layer.weights for layer in made) + sum(layer.output_weights for layer in made[:-1])

    @property
    def output_weights(self) -> int:  # type: ignore[override]
        """M: the last layer's."""
        last = self.layers[-1]
        assert isinstance(last, Layer)
        return last.output_weights

    @property
    def _first(self) -> Layer:
        first = self.layers[0]
        assert isinstance(first, Layer)
        return first


def drawn(outputs: int, inputs: int, gain: float = 1.0) -> nn.Parameter:
    """A matrix [outputs, inputs] from U[-r, r] with r = gain / sqrt(inputs)."""
    bound = gain * inputs**-0.5
    return nn.Parameter(torch.empty(outputs, inputs).uniform_(-bound, bound))
