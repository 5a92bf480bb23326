"""A reservoir: a recurrent layer whose weights stay as drawn, and the harvest of its states.

x_t = (1 - a) x_(t-1) + a tanh(W x_(t-1) + W_in u_t + b) + noise, x_(-1) = 0, with one leak rate a
for each unit (Jaeger, Lukosevicius, Popovici & Siewert 2007, Neural Networks 20(3), equation 2, with
the leak outside the nonlinearity). States have the dtype of the weights; the ridge readout asks for float64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from longlag.bench.contract import BadInput, Kernels
from longlag.methods.parts.backend import compiled, wanted

Topology = Literal["sparse", "orthogonal", "ring", "self", "none"]
Leak = Literal["none", "slow", "blocks", "spread"]

FEW = 0.25
"""Share of non-zero recurrent weights up to which only those are multiplied."""


@dataclass(frozen=True)
class Reservoir:
    """Fixed weights: `recurrent` [N, N], `input` [N, D], `bias` [N] and `leak` [N], all of one dtype."""

    recurrent: Tensor
    input: Tensor
    bias: Tensor
    leak: Tensor

    @property
    def units(self) -> int:
        """N."""
        return self.recurrent.shape[0]

    @cached_property
    def sparse(self) -> bool:
        """Whether so few recurrent weights are non-zero that only those are multiplied."""
        return int(self.recurrent.count_nonzero()) <= FEW * self.recurrent.numel()

    @cached_property
    def weights(self) -> int:
        """The recurrent and input weights used at every step; of the recurrent, the non-zero if `sparse`."""
        recurrent = int(self.recurrent.count_nonzero()) if self.sparse else self.recurrent.numel()
        return recurrent + self.input.numel()

    @cached_property
    def drive_weight(self) -> npt.NDArray[Any]:
        """[W_in, b], of shape [N, D + 1]."""
        return np.concatenate([self.input.numpy(), self.bias.numpy()[:, None]], 1)

    @cached_property
    def compressed(self) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """W without its zeros as compressed sparse rows: values, columns, row starts."""
        rows, columns = self.recurrent.numpy().nonzero()
        starts = np.searchsorted(rows, np.arange(self.units + 1))
        return self.recurrent.numpy()[rows, columns], columns, starts

    @cached_property
    def coordinates(self) -> Tensor:
        """W as a sparse tensor of coordinates, for products on any device."""
        coordinates: Tensor = self.recurrent.to_sparse_coo()
        return coordinates

    def hears(self, state: Tensor) -> Tensor:
        """W x for every state of [B, N]."""
        if not self.sparse:
            return state @ self.recurrent.T
        heard: Tensor = self.coordinates.mm(state.T).T
        return heard


def recurrent_weights(units: int, topology: Topology, radius: float, connections: int = 10) -> Tensor:
    """W [N, N] with spectral radius `radius`, from torch's global generator.

    sparse: `connections` normal weights into each unit; orthogonal: `radius` times an orthogonal
    matrix, uniform over them; ring: each unit hears its neighbour alone (the simple cycle reservoir of
    Rodan & Tino 2011, IEEE Transactions on Neural Networks 22(1)); self: each hears itself alone, and
    latches above 1, where x = tanh(radius x) has two stable solutions; none: no unit hears another, and
    the radius is 0 whatever is asked.
    """
    if topology == "none":
        return torch.zeros(units, units, dtype=torch.float64)
    if topology == "self":
        return torch.eye(units, dtype=torch.float64) * radius
    if topology == "ring":
        return torch.roll(torch.eye(units, dtype=torch.float64), 1, 0) * radius
    dense = torch.randn(units, units, dtype=torch.float64)
    if topology == "orthogonal":
        q, r = torch.linalg.qr(dense)
        orthogonal: Tensor = q * r.diagonal().sign() * radius
        return orthogonal
    if topology == "sparse":
        kept = torch.rand(units, units).argsort(1) < min(connections, units)
        weights = dense * kept
        return weights * (radius / float(torch.linalg.eigvals(weights).abs().max()))
    raise BadInput(f"no reservoir is called {topology!r}: choose from {', '.join(get_args(Topology))}")


def leak_rates(units: int, kind: Leak, slowest: float) -> Tensor:
    """Leak rates a [N] in (0, 1]; 1 / a is a unit's time constant in steps.

    none: all 1; slow: all `slowest`; blocks: one half `slowest`, the other 1; spread: log-uniform, at
    even steps, from `slowest` to 1. A `slowest` above 1 counts as 1.
    """
    slowest = min(slowest, 1.0)
    rates = torch.ones(units, dtype=torch.float64)
    if kind == "slow":
        return rates * slowest
    if kind == "blocks":
        rates[: units // 2] = slowest
        return rates
    if kind == "spread":
        return torch.logspace(math.log10(slowest), 0.0, units, dtype=torch.float64)
    if kind == "none":
        return rates
    raise BadInput(f"no leak is called {kind!r}: choose from {', '.join(get_args(Leak))}")


def harvest(
    reservoir: Reservoir,
    inputs: Tensor,
    mask: Tensor,
    state: Tensor | None = None,
    noise: Tensor | None = None,
    backend: Kernels = "auto",
) -> tuple[Tensor, Tensor]:
    """States [S, B, N] where `mask` [T] is true, and the last state [B, N], from inputs [T, B, D].

    `state` [B, N] is where to begin (zero without it), `noise` [T, B, N] is added to the states. torch
    serves inputs that ask for a gradient. Compiled kernels give states that are a view of [N, S, B] memory:
    flattened to rows [S B, N] they stay one.
    """
    size = inputs.shape[1]
    if state is None:
        state = torch.zeros(size, reservoir.units, dtype=reservoir.recurrent.dtype, device=inputs.device)
    differentiable = torch.is_grad_enabled() and inputs.requires_grad
    if (differentiable and backend == "auto") or not compiled(state, backend):
        return _harvest_torch(reservoir, inputs.to(state.dtype), mask, state, noise)
    return _harvest_compiled(reservoir, inputs, mask, state, noise)


def _harvest_torch(
    reservoir: Reservoir, inputs: Tensor, mask: Tensor, state: Tensor, noise: Tensor | None
) -> tuple[Tensor, Tensor]:
    kept = [state.new_empty(0, *state.shape)]
    # Taken apart at once: a step picked out of a tensor would get a gradient as large as all of it.
    for step, drive in enumerate((inputs @ reservoir.input.T + reservoir.bias).unbind()):
        fresh = torch.tanh(drive + reservoir.hears(state))
        state = (1 - reservoir.leak) * state + reservoir.leak * fresh
        if noise is not None:
            state = state + noise[step]
        if mask[step]:
            kept.append(state[None])
    return torch.cat(kept), state


def _harvest_compiled(
    reservoir: Reservoir, inputs: Tensor, mask: Tensor, state: Tensor, noise: Tensor | None
) -> tuple[Tensor, Tensor]:
    length, size, width = inputs.shape
    kind = reservoir.recurrent.numpy().dtype
    drive = np.empty((length, width + 1, size), kind)
    drive[:, :-1] = inputs.numpy().transpose(0, 2, 1)
    drive[:, -1] = 1.0
    last = np.array(state.numpy().T, kind, order="C")
    kept = np.empty((reservoir.units, int(mask.sum()), size), kind)
    disturbance = np.empty((0, reservoir.units, size), kind)
    if noise is not None:
        disturbance = np.ascontiguousarray(noise.numpy().transpose(0, 2, 1), kind)
    rest = (reservoir.drive_weight, reservoir.leak.numpy(), drive, disturbance, mask.numpy(), last, kept)
    if reservoir.sparse:
        _kernels().sparse(*reservoir.compressed, *rest)
    else:
        _kernels().dense(np.ascontiguousarray(reservoir.recurrent.numpy()), *rest)
    return torch.from_numpy(kept).permute(1, 2, 0), torch.from_numpy(last.T)


def warm_up() -> None:
    """Compile both kernels, or load them from the cache."""
    if not wanted():
        return
    from longlag.methods.parts.compiled import alone

    for units in (2, 200):
        ring = recurrent_weights(units, "ring", 1.0)
        column = torch.zeros(units, dtype=torch.float64)
        reservoir = Reservoir(ring, column[:, None], column, column)
        with alone():
            harvest(reservoir, torch.zeros(1, 1, 1), torch.ones(1, dtype=torch.bool), backend="compiled")


@cache
def _kernels() -> Any:
    """The compiled loops, imported when first needed: Numba takes a while to import."""
    from longlag.methods.parts.echo_state import reservoir_numba

    return reservoir_numba
