"""The network every recipe trains: a recurrent layer and a linear readout at the supervised steps."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor, nn

from longlag.bench.contract.errors import BadInput, Untaken
from longlag.bench.contract.flat import FlatParameter
from longlag.bench.contract.losses import Loss, value_and_gradient
from longlag.bench.contract.task import Batch
from longlag.bench.contract.truncation import blocks

Pullback = Callable[[Tensor], None]
"""Takes dE/dstates [S, B, H], and leaves the gradients of a layer's weights in their `.grad`."""


class Recurrent(nn.Module, ABC):
    """A recurrent layer with learned initial states: what a recipe's `cell` makes.

    Subclasses hold their weights and write `forward`, `recurrent_blocks`, `input_blocks` and `biases`.
    """

    untaken: ClassVar[str] = "it says nothing of them"
    """Why it is trained with neither state noise nor a horizon; empty where its `vjp` takes both."""
    output_weights: int = 0
    """M, weights used at the supervised steps alone."""

    def __init__(self, input_size: int, units: int) -> None:
        super().__init__()
        self.input_size = input_size
        self.units = units

    @abstractmethod
    def forward(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """States [S, B, H] from inputs [T, B, D], at the steps where `mask` [T] is true (all without it)."""

    def vjp(
        self,
        inputs: Tensor,
        mask: Tensor | None = None,
        *,
        noise: Tensor | None = None,
        horizon: int | None = None,
    ) -> tuple[Tensor, Pullback]:
        """The states [S, B, H], outside autograd, and their way back to the weights.

        By autograd, which costs as much as a small net; a layer that knows its own way back overrides it.
        One that is not `untaken` adds `noise` [G, T, B, H], a part for each of its G `input_blocks`, to what
        goes into that gate's nonlinearity, and lets no error leave its block of `horizon` steps, as `blocks`
        cuts them. Others are given neither.
        """
        if noise is not None or horizon is not None:
            raise Untaken(refusal(self, self.untaken))
        with torch.enable_grad():
            states = self(inputs, mask)
        return by_autograd(states)

    @abstractmethod
    def recurrent_blocks(self) -> list[Tensor]:
        """The recurrent weights as a list of [H, H] views, one a gate: states = block @ state."""

    @abstractmethod
    def input_blocks(self) -> list[Tensor]:
        """The input weights as a list of [H, D] views, one a gate."""

    @abstractmethod
    def biases(self) -> list[Tensor]:
        """The biases as a list of [H] views, one a gate."""

    def saturation(self, states: Tensor) -> float:
        """The share of `states` where the units hardly answer any more; NaN for a layer that has no such."""
        return math.nan

    @property
    def remembered(self) -> int:
        """How many numbers of a sequence a step leaves to the next: its states, unless there are others."""
        return self.units

    @cached_property
    def weights(self) -> int:
        """N, recurrent and input weights used at every step; asked for at every update."""
        return sum(block.numel() for block in (*self.recurrent_blocks(), *self.input_blocks()))


def by_autograd(states: Tensor) -> tuple[Tensor, Pullback]:
    """What `vjp` returns, of states [S, B, H] that autograd can go back from."""
    return states.detach(), states.backward if states.requires_grad else lambda _: None


def refusal(of: object, why: str) -> str:
    """One line that says of a layer or an optimiser what it is not trained with."""
    return f"{type(of).__name__} is trained with neither state noise nor a horizon: {why}"


def _leave(weight: Tensor, gradient: Tensor) -> None:
    if weight.grad is None:
        weight.grad = gradient
    else:
        weight.grad.copy_(gradient)


class Network(nn.Module):
    """inputs -> shift -> recurrent layer -> linear readout.

    `input_mean` [D] is subtracted from the inputs (zero unless an initialiser centres them). `state_noise`
    and `horizon` are a recipe's: they change the gradient, and nothing of what the network answers.
    """

    input_mean: Tensor

    def __init__(
        self, recurrent: Recurrent, output_size: int, state_noise: float = 0.0, horizon: int | None = None
    ) -> None:
        """Raises Untaken where the layer cannot be trained so, BadInput where nothing can."""
        super().__init__()
        if not state_noise >= 0 or (horizon is not None and horizon < 1):
            raise BadInput(f"a state noise of {state_noise} and a horizon of {horizon}: at least 0 and 1")
        self.state_noise = state_noise
        self.horizon = horizon
        self.through_time = state_noise > 0 or horizon is not None
        if self.through_time and recurrent.untaken:
            raise Untaken(refusal(recurrent, recurrent.untaken))
        self.recurrent = recurrent
        self.readout = nn.Linear(recurrent.units, output_size)
        self.register_buffer("input_mean", torch.zeros(recurrent.input_size))
        self.centred = False
        # In a list, or torch would take it for a parameter beside the weights.
        self._flat: list[FlatParameter] = []

    def centre(self, mean: Tensor) -> None:
        """Subtract `mean` [D] from every input from now on."""
        self.input_mean.copy_(mean)
        self.centred = True

    def shifted(self, inputs: Tensor) -> Tensor:
        """The inputs [T, B, D] as the recurrent layer sees them."""
        return inputs - self.input_mean if self.centred else inputs

    def forward(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """Outputs [S, B, K] at the steps where `mask` [T] is true (all T without it)."""
        outputs: Tensor = self.readout(self.recurrent(self.shifted(inputs), mask))
        return outputs

    def flat(self) -> FlatParameter:
        """All trained weights as one parameter, which shares their memory, as its gradient shares theirs.

        What treats all numbers alike has one operation to make where it would have one a weight. Ask for it
        when the network stands where it will be trained, in its dtype: it stays with this memory.
        """
        if not self._flat:
            self._flat = [FlatParameter(weight for weight in self.parameters() if weight.requires_grad)]
        return self._flat[0]

    def gradient(self, batch: Batch, loss: Loss) -> Tensor:
        """Leave the gradient of `loss` on `batch` in `.grad`; the loss.

        The same as by autograd, which costs more than the arithmetic of a small net. State noise is drawn
        from torch's (seeded) global generator.
        """
        for flat in self._flat:
            flat.clear()
        if not self._flat:
            for parameter in self.parameters():
                parameter.grad = None
        if torch.is_grad_enabled():
            with torch.no_grad():
                return self._gradient(batch, loss)
        return self._gradient(batch, loss)

    def _gradient(self, batch: Batch, loss: Loss) -> Tensor:
        """`gradient`, where autograd is off: to turn it off takes a while for a small net."""
        readout = self.readout
        weight, bias = readout.weight, readout.bias
        inputs = self.shifted(batch.inputs)
        if self.through_time:
            noise = self._noise(inputs)
            states, pullback = self.recurrent.vjp(inputs, batch.mask, noise=noise, horizon=self.horizon)
        else:
            states, pullback = self.recurrent.vjp(inputs, batch.mask)
        supervised, size, _ = states.shape
        rows = states.flatten(0, 1)
        outputs = torch.addmm(bias, rows, weight.t()).view(supervised, size, len(bias))
        value, slopes = value_and_gradient(loss, outputs, batch.targets)
        slopes = slopes.flatten(0, 1)
        if weight.requires_grad:
            # Not into its place, where MKL would round as the alignment of that is.
            _leave(weight, torch.mm(slopes.t(), rows))
        if bias.requires_grad:
            bias.grad = torch.sum(slopes, 0, out=bias.grad)
        pullback(torch.mm(slopes, weight).view(states.shape))
        return value

    def cost(self, batch: Batch) -> float:
        """FLOPs of `gradient` on `batch`: 6 (N T + M S) a sequence, a third of them forward, two back.

        With a horizon, 4 N for a step of the blocks that hold a supervised one, and none for one of the
        others. Of noise, 1 for each number drawn.
        """
        length, size, layer = batch.length, batch.size, self.recurrent
        cost = 6.0 * layer.weights * length * size
        if self.horizon is not None:
            supervised = batch.mask.numpy(force=True).nonzero()[0]
            back = sum(block.end - block.begin for block in blocks(supervised, length, self.horizon))
            cost = (2.0 * length + 4.0 * back) * layer.weights * size
        if layer.output_weights:
            cost += 6.0 * layer.output_weights * int(batch.mask.sum()) * size
        if self.state_noise:
            cost += len(layer.input_blocks()) * length * size * layer.units
        return cost

    def _noise(self, inputs: Tensor) -> Tensor | None:
        """Fresh noise [G, T, B, H] for every gate, step, sequence and unit; None without state noise."""
        if not self.state_noise:
            return None
        length, size, _ = inputs.shape
        shape = (len(self.recurrent.input_blocks()), length, size, self.recurrent.units)
        return torch.randn(shape, dtype=inputs.dtype, device=inputs.device).mul_(self.state_noise)
