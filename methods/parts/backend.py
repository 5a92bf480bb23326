"""Whether a recurrence runs on torch or on compiled kernels, and the arrays that those take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from longlag.bench.contract import Kernels, kernels_asked

Array = np.ndarray[Any, Any]
REGISTER = 64
"""Bytes that products are aligned by."""


def compiled(tensor: Tensor, backend: Kernels = "auto") -> bool:
    """Whether to compute with compiled kernels: "auto" does for float32 and float64 on the CPU.

    Unless the environment asks for one of them. ValueError where "compiled" asks for what they cannot do.
    """
    chosen = kernels_asked() if backend == "auto" else backend
    able = tensor.is_cpu and tensor.dtype in (torch.float32, torch.float64)
    if chosen == "compiled" and not able:
        raise ValueError(f"no compiled kernel for {tensor.dtype} on {tensor.device.type}")
    return able and chosen != "torch"


def wanted() -> bool:
    """Whether compiled kernels may be asked for, and so are worth compiling before."""
    return kernels_asked() != "torch"


def arrays(*tensors: Tensor) -> tuple[Array, ...]:
    """The tensors as C-contiguous arrays, which share their memory where they can."""
    return tuple(tensor.contiguous().numpy(force=True) for tensor in tensors)


class Memory:
    """The arrays of tensors that stay where they are, as weights do: to make them takes a while."""

    def __init__(self) -> None:
        self._places: list[int] = []
        self._arrays: tuple[Array, ...] = ()
        self._gradients: list[tuple[Tensor, Array]] = []

    def __deepcopy__(self, memo: dict[int, Any]) -> Memory:
        return Memory()

    def arrays(self, tensors: Sequence[Tensor]) -> tuple[Array, ...]:
        """What `arrays` gives: again, where every tensor is where it was.

        No other can be there, because the arrays hold the memory.
        """
        places = [tensor.data_ptr() for tensor in tensors]
        if places != self._places:
            self._arrays = arrays(*tensors)
            # Of one that is not contiguous the array is a copy, which is good once.
            self._places = places if all(tensor.is_contiguous() for tensor in tensors) else []
        return self._arrays

    def gradients(self, weights: Sequence[Tensor]) -> list[Array]:
        """Where the gradients of `weights` go: their `.grad`, made where there is none.

        What is held has none: its array is nobody's.
        """
        if len(self._gradients) != len(weights):
            self._gradients = [(weight, _none(weight)) for weight in weights]
        found = []
        for i, weight in enumerate(weights):
            known, array = self._gradients[i]
            if not weight.requires_grad:
                array = _none(weight)
            elif weight.grad is not known:
                if weight.grad is None or not weight.grad.is_contiguous():
                    weight.grad = torch.empty_like(weight, memory_format=torch.contiguous_format)
                (array,) = arrays(weight.grad)
                self._gradients[i] = weight.grad, array
            found.append(array)
        return found


def _none(weight: Tensor) -> Array:
    return np.empty(tuple(weight.shape), arrays(weight)[0].dtype)


def true_steps(mask: Tensor | None) -> Array | None:
    """The steps [S] at which `mask` [T] is true; None stands for all of them."""
    if mask is None:
        return None
    steps = mask.numpy(force=True).nonzero()[0]
    return None if len(steps) == len(mask) else steps


def at_steps(states: Tensor, steps: Array | None) -> Tensor:
    """The states [S, B, H] of [T, B, H] at `steps` [S], rising: a view where those are neighbours."""
    if steps is None:
        return states
    if len(steps) == 0:
        return states[:0]
    first, last = int(steps[0]), int(steps[-1])
    if last - first + 1 == len(steps):
        return states[first : last + 1]
    return states.index_select(0, torch.from_numpy(steps).to(states.device))


def placed(shape: tuple[int, int, int], kind: np.dtype[Any], steps: Array) -> Array:
    """Memory for the states at `steps`, aligned as among the states of all steps, where those are neighbours.

    MKL rounds a readout's products as their operands lie: so they are the same with and without a way back.
    """
    count, size, units = shape
    wanted = 0
    if count and int(steps[-1]) - int(steps[0]) + 1 == count:
        # numpy's arrays of many pages begin 16 bytes into one
        wanted = 16 + (int(steps[0]) + 1) * size * units * kind.itemsize
    numbers = count * size * units
    room = np.empty(numbers + REGISTER // kind.itemsize, kind)
    start = (wanted - room.ctypes.data) % REGISTER // kind.itemsize
    return room[start : start + numbers].reshape(shape)
