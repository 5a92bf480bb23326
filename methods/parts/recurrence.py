"""A recurrence known twice: by torch, and by kernels compiled for this processor, forward and back.

What a cell with compiled passes has to say is which kernels those are, what they keep for the way back, and
the same function in torch's operations. That one is the reference, serves other devices and dtypes, and every
second derivative.

Shapes: T steps, B sequences, D inputs, H units, S supervised steps. A recurrence takes inputs [T, B, D] and
its weights, of which the last is an initial state [H].
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from longlag.bench.contract import Block, Kernels, Pullback, Recurrent, by_autograd
from longlag.methods.parts.backend import Array, Memory, arrays, at_steps, compiled, true_steps, wanted
from longlag.methods.parts.through_time import back_in_blocks, noise_array


@dataclass(frozen=True)
class Recurrence:
    """A recurrence by torch and compiled.

    `kernels` imports the module of the compiled passes, over C-contiguous arrays:

    - forward(inputs, *weights, noise, *kept) fills what is kept: the states [T+1, B, H], the initial one
      first; where there are any, also `cells` of that shape and `gates` [gates, T, B, H], of which it holds
      as many steps as it is given memory for. It adds noise [G, T, B, H] to what its G gates hear; of no
      steps where there is none.
    - backward(inputs, *matrices, *kept, steps, output_gradients, *found, to_inputs) takes dE/dstates
      [S, B, H] at `steps` [S], rising, and fills the gradients `found` of all weights, and of the inputs
      unless that is empty. Of the weights it is given those that are matrices. It may be given a part of the
      steps, with the states and cells before and after each of them.

    Where there are `cells`, there is an initial one too, before the initial state.
    """

    kernels: Callable[[], ModuleType]
    by_torch: Callable[..., Tensor]
    """The states [T, B, H] from inputs and weights, and from `noise` and `horizon` where they are named."""
    cells: bool = False
    gates: int = 0

    def states(
        self,
        inputs: Tensor,
        weights: Sequence[Tensor],
        mask: Tensor | None = None,
        backend: Kernels = "auto",
    ) -> Tensor:
        """States [S, B, H] at the steps where `mask` [T] is true (all T without it); differentiable."""
        steps = true_steps(mask)
        if not compiled(inputs, backend):
            return at_steps(self.by_torch(inputs, *weights), steps)
        going_back = torch.is_grad_enabled() and any(part.requires_grad for part in (inputs, *weights))
        states: Tensor = _Compiled.apply(self, steps, going_back, inputs, *weights)
        return states

    def vjp(
        self,
        inputs: Tensor,
        weights: Sequence[Array],
        mask: Tensor | None = None,
        noise: Tensor | None = None,
        horizon: int | None = None,
    ) -> tuple[Tensor, Callable[[Tensor, Sequence[Array]], None]]:
        """What `states` gives, outside autograd, and the way back of dE/dstates [S, B, H]. Compiled only.

        The gradients of the weights fill the arrays that the way back is given, of the same shapes. Of
        `noise` and `horizon` see `Recurrent.vjp`.
        """
        steps = true_steps(mask)
        states, passed = self._forward((*arrays(inputs), *weights), len(inputs), noise)
        nothing = np.empty((0, 0, 0), passed[0].dtype)

        def pullback(output_gradients: Tensor, found: Sequence[Array]) -> None:
            if horizon is None:
                self._backward(passed, steps, output_gradients, found, nothing)
                return
            length = len(inputs)
            supervised = np.arange(length) if steps is None else steps

            def back(block: Block, into: Sequence[Array]) -> None:
                some = slice(block.first, block.last)
                part, within = self._part(passed, block), supervised[some] - block.begin
                self._backward(part, within, output_gradients[some], into, nothing)

            back_in_blocks(back, supervised, length, horizon, found, 2 if self.cells else 1)

        return at_steps(states, steps), pullback

    def warm_up(self) -> None:
        """Compile the float32 kernels, or load them from Numba's cache: no training step pays for it then."""
        if wanted():
            _ready(self.kernels, np.dtype(np.float32))

    def _forward(
        self, given: tuple[Array, ...], held: int, noise: Tensor | None = None
    ) -> tuple[Tensor, tuple[Array, ...]]:
        length, size, _ = given[0].shape
        units = len(given[-1])
        shapes: list[tuple[int, ...]] = [(length + 1, size, units)]
        shapes += [(held + 1, size, units)] if self.cells else []
        shapes += [(self.gates, held, size, units)] if self.gates else []
        kept = [np.empty(shape, given[0].dtype) for shape in shapes]
        kind = given[0].dtype
        _ready(self.kernels, kind).forward(*given, noise_array(noise, kind), *kept)
        return torch.from_numpy(kept[0])[1:], (*(part for part in given if part.ndim > 1), *kept)

    def _part(self, passed: tuple[Array, ...], block: Block) -> tuple[Array, ...]:
        """What the way back needs of the steps of a block alone."""
        inputs, *others = passed
        kept = 1 + self.cells + (self.gates > 0)
        matrices, (states, *more) = others[:-kept], others[-kept:]
        steps, around = slice(block.begin, block.end), slice(block.begin, block.end + 1)
        cells = [more[0][around]] if self.cells else []
        gates = [np.ascontiguousarray(more[-1][:, steps])] if self.gates else []
        return (inputs[steps], *matrices, states[around], *cells, *gates)

    def _backward(
        self,
        passed: tuple[Array, ...],
        steps: Array | None,
        output_gradients: Tensor,
        found: Sequence[Array],
        to_inputs: Array,
    ) -> None:
        steps = np.arange(len(passed[0])) if steps is None else steps
        kernels = _ready(self.kernels, passed[0].dtype)
        kernels.backward(*passed, steps, *arrays(output_gradients), *found, to_inputs)


class CompiledCell(Recurrent):
    """A layer of which `recurrence` is the function, and `parts` are the weights, in its order."""

    untaken: ClassVar = ""
    recurrence: ClassVar[Recurrence]

    def __init__(self, input_size: int, units: int) -> None:
        super().__init__(input_size, units)
        self.memory = Memory()

    @property
    @abstractmethod
    def parts(self) -> tuple[Tensor, ...]:
        """The weights as `recurrence` takes them."""

    def forward(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """States [S, B, H] at the supervised steps."""
        return self.recurrence.states(inputs, self.parts, mask)

    def vjp(
        self,
        inputs: Tensor,
        mask: Tensor | None = None,
        *,
        noise: Tensor | None = None,
        horizon: int | None = None,
    ) -> tuple[Tensor, Pullback]:
        """The states [S, B, H] and their way back, without autograd around them."""
        parts = self.parts
        if not compiled(inputs):
            with torch.enable_grad():
                all_states = self.recurrence.by_torch(inputs, *parts, noise=noise, horizon=horizon)
                return by_autograd(at_steps(all_states, true_steps(mask)))
        states, pullback = self.recurrence.vjp(inputs, self.memory.arrays(parts), mask, noise, horizon)
        return states, lambda gradients: pullback(gradients, self.memory.gradients(parts))


class PlainCell(CompiledCell):
    """A layer of one matrix in, one back and a bias, with a learned initial state; a subclass has its units.

    Its recurrence is of inputs [T, B, D] and input_weight [H, D], recurrent [H, H], bias [H], initial [H].
    """

    def __init__(self, input_size: int, units: int) -> None:
        super().__init__(input_size, units)
        self.input_weight = nn.Parameter(torch.zeros(units, input_size))
        self.recurrent_weight = nn.Parameter(torch.zeros(units, units))
        self.bias = nn.Parameter(torch.zeros(units))
        self.initial = nn.Parameter(torch.zeros(units))

    @property
    def parts(self) -> tuple[Tensor, ...]:
        """W_in, W, b and the initial state."""
        return (self.input_weight, self.recurrent_weight, self.bias, self.initial)

    def recurrent_blocks(self) -> list[Tensor]:
        """W."""
        return [self.recurrent_weight]

    def input_blocks(self) -> list[Tensor]:
        """W_in."""
        return [self.input_weight]

    def biases(self) -> list[Tensor]:
        """b."""
        return [self.bias]


class _Compiled(torch.autograd.Function):
    """A compiled recurrence for autograd."""

    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> Tensor:
        recurrence, steps, going_back, *parts = arguments
        states, ctx.passed = recurrence._forward(arrays(*parts), len(parts[0]) if going_back else 1)
        ctx.save_for_backward(*parts)
        ctx.recurrence, ctx.steps = recurrence, steps
        return at_steps(states, steps)

    @staticmethod
    def backward(ctx: Any, output_gradients: Tensor) -> tuple[Any, ...]:
        # also where only the arrays are used: this is what notices weights changed in between
        parts, needed = ctx.saved_tensors, ctx.needs_input_grad[3:]
        if torch.is_grad_enabled():
            again = at_steps(ctx.recurrence.by_torch(*parts), ctx.steps)
            asked = [part for part, need in zip(parts, needed, strict=True) if need]
            found = iter(torch.autograd.grad(again, asked, output_gradients, create_graph=True))
            return (None, None, None, *(next(found) if need else None for need in needed))
        weights = [part.new_empty(part.shape) for part in parts[1:]]
        inputs = parts[0].new_empty(parts[0].shape if needed[0] else (0, 0, 0))
        ctx.recurrence._backward(ctx.passed, ctx.steps, output_gradients, arrays(*weights), *arrays(inputs))
        return (None, None, None, inputs if needed[0] else None, *weights)


@cache
def _ready(kernels: Callable[[], ModuleType], kind: np.dtype[Any]) -> Any:
    """The compiled passes for arrays of `kind`, imported when first needed: that takes a while."""
    from longlag.methods.parts import compiled as loops

    return loops.ready(kernels(), kind)
