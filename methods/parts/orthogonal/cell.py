"""A layer of modReLU units: h_t = s(W_in u_t + W h_(t-1)), h_(-1) learned, with W meant to be orthogonal.

s(z) = sign(z) max(0, |z| + b) keeps the sign and moves the size by a bias (Arjovsky, Shah & Bengio 2016,
equation 8; for real numbers as by Helfrich, Willmott & Ye 2018). Where b is 0 the layer is linear: with an
orthogonal W it turns its state, and neither state nor error shrinks or grows. The way back is, with
e_t = [dE/dh_t given from outside] + W^T d_(t+1),

    d_t = e_t where h_t is not 0, else 0,    dE/db = sum over t of sign(h_t) d_t
"""

from __future__ import annotations

from types import ModuleType
from typing import ClassVar

from torch import Tensor

from longlag.methods.parts.recurrence import PlainCell, Recurrence
from longlag.methods.parts.through_time import Carried, noisy, unrolled


def _kernels() -> ModuleType:
    from longlag.methods.parts.orthogonal import modrelu_numba

    return modrelu_numba


def _by_torch(
    inputs: Tensor,
    input_weight: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    initial: Tensor,
    *,
    noise: Tensor | None = None,
    horizon: int | None = None,
) -> Tensor:
    def step(drive: Tensor, carried: Carried) -> Carried:
        sum_ = drive + carried[0] @ recurrent.T
        return (sum_.sign() * (sum_.abs() + bias).relu(),)

    return unrolled(
        step, noisy(inputs @ input_weight.T, noise), (initial.expand(inputs.shape[1], -1),), horizon
    )


MODRELU = Recurrence(_kernels, _by_torch)
"""Of inputs [T, B, D] and input_weight [H, D], recurrent [H, H], bias [H], initial [H]."""


class ModReLUCell(PlainCell):
    """A layer of modReLU units with a learned initial state."""

    recurrence: ClassVar = MODRELU
