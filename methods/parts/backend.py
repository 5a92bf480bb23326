"""Which backend a recurrence runs on: torch, on any device, or kernels compiled for the CPU."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

Backend = Literal["auto", "torch", "numba"]


def compiled(tensor: Tensor, backend: Backend = "auto") -> bool:
    """Whether to compute with compiled kernels: "auto" does for float32 and float64 on the CPU.

    ValueError where "numba" asks for what they cannot do.
    """
    able = tensor.device.type == "cpu" and tensor.dtype in (torch.float32, torch.float64)
    if backend == "numba" and not able:
        raise ValueError(f"no compiled kernel for {tensor.dtype} on {tensor.device.type}")
    return able and backend != "torch"


def arrays(*tensors: Tensor) -> tuple[np.ndarray[Any, Any], ...]:
    """The tensors as C-contiguous arrays, which share their memory where they can."""
    return tuple(tensor.contiguous().numpy(force=True) for tensor in tensors)


def true_steps(mask: Tensor | None) -> np.ndarray[Any, Any] | None:
    """The steps [S] at which `mask` [T] is true; None stands for all of them."""
    if mask is None:
        return None
    steps = np.flatnonzero(mask.numpy(force=True))
    return None if len(steps) == len(mask) else steps


def at_steps(states: Tensor, steps: np.ndarray[Any, Any] | None) -> Tensor:
    """The states [S, B, H] of [T, B, H] at `steps` [S], rising: a view where those are neighbours."""
    if steps is None:
        return states
    if len(steps) == 0:
        return states[:0]
    first, last = int(steps[0]), int(steps[-1])
    if last - first + 1 == len(steps):
        return states[first : last + 1]
    return states.index_select(0, torch.from_numpy(steps).to(states.device))
