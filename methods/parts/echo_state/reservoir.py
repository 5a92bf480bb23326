"""A reservoir: a recurrent layer whose weights stay as drawn, and the harvest of its states.

x_t = (1 - a) x_(t-1) + a tanh(W x_(t-1) + W_in u_t + b) + noise, x_(-1) = 0, with one leak rate a
for each unit (Jaeger, Lukosevicius, Popovici & Siewert 2007, Neural Networks 20(3), equation 2, with
the leak outside the nonlinearity). Everything is float64: the ridge readout asks for it.
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

from longlag.bench.contract import BadInput

Topology = Literal["sparse", "orthogonal", "ring", "self", "none"]
Leak = Literal["none", "slow", "blocks", "spread"]

FEW = 0.25
"""Share of non-zero recurrent weights up to which only those are multiplied."""


@dataclass(frozen=True)
class Reservoir:
    """Fixed weights: `recurrent` [N, N], `input` [N, D], `bias` [N] and `leak` [N], all float64."""

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
    def combined(self) -> npt.NDArray[np.float64]:
        """[W, W_in], of shape [N, N + D]."""
        return np.concatenate([self.recurrent.numpy(), self.input.numpy()], 1)

    @cached_property
    def compressed(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """[W, W_in] without the zeros of W as compressed sparse rows: values, columns, row starts."""
        recurrent, inputs = self.recurrent.numpy(), self.input.numpy()
        rows, columns = recurrent.nonzero()
        every_row, every_column = np.indices(inputs.shape)
        all_rows = np.concatenate([rows, every_row.ravel()])
        order = np.argsort(all_rows, kind="stable")
        values = np.concatenate([recurrent[rows, columns], inputs.ravel()])[order]
        all_columns = np.concatenate([columns, self.units + every_column.ravel()])[order]
        return values, all_columns, np.searchsorted(all_rows[order], np.arange(self.units + 1))

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
    backend: Literal["auto", "torch", "numba"] = "auto",
) -> tuple[Tensor, Tensor]:
    """States [S, B, N] where `mask` [T] is true, and the last state [B, N], from inputs [T, B, D].

    `state` [B, N] is where to begin (zero without it), `noise` [T, B, N] is added to the states. On the
    CPU the backend is Numba calling BLAS; torch, on any device, is the reference, and serves inputs that ask
    for a gradient. Numba's states are a view of [N, S, B] memory: flattened to rows [S B, N] they stay one.
    """
    size = inputs.shape[1]
    if state is None:
        state = torch.zeros(size, reservoir.units, dtype=torch.float64, device=inputs.device)
    differentiable = torch.is_grad_enabled() and inputs.requires_grad
    if backend == "torch" or (backend == "auto" and (differentiable or inputs.device.type != "cpu")):
        return _harvest_torch(reservoir, inputs.double(), mask, state, noise)
    return _harvest_numba(reservoir, inputs, mask, state, noise)


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


def _harvest_numba(
    reservoir: Reservoir, inputs: Tensor, mask: Tensor, state: Tensor, noise: Tensor | None
) -> tuple[Tensor, Tensor]:
    _, size, width = inputs.shape
    units = reservoir.units
    drive = np.ascontiguousarray(inputs.numpy().transpose(0, 2, 1), dtype=np.float64)
    # Units and inputs one below the other: one product a step serves both.
    stacked = np.empty((units + width, size))
    stacked[:units] = state.numpy().T
    kept = np.empty((units, int(mask.sum()), size))
    steps = mask.numpy()
    disturbance = (
        np.empty((0, 0, 0)) if noise is None else np.ascontiguousarray(noise.numpy().transpose(0, 2, 1))
    )
    bias, leak = reservoir.bias.numpy(), reservoir.leak.numpy()
    if reservoir.sparse:
        _kernels().sparse(*reservoir.compressed, bias, leak, drive, disturbance, steps, stacked, kept)
    else:
        _kernels().dense(reservoir.combined, bias, leak, drive, disturbance, steps, stacked, kept)
    return torch.from_numpy(kept).permute(1, 2, 0), torch.from_numpy(stacked[:units].T)


def warm_up() -> None:
    """Compile both kernels, or load them from the cache."""
    for units in (2, 200):
        ring = recurrent_weights(units, "ring", 1.0)
        column = torch.zeros(units, dtype=torch.float64)
        reservoir = Reservoir(ring, column[:, None], column, column)
        harvest(reservoir, torch.zeros(1, 1, 1), torch.ones(1, dtype=torch.bool), backend="numba")


@cache
def _kernels() -> Any:
    """The compiled loops, imported when first needed: Numba takes a while to import."""
    from longlag.methods.parts.echo_state import reservoir_numba

    return reservoir_numba
