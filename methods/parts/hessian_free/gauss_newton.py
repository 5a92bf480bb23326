"""Products with the Gauss-Newton matrix of a tanh net, by a hand-written R-forward and R-backward pass.

With outputs y(theta), states h(theta) and a loss L(y), the Gauss-Newton matrix is G = J_y' H_L J_y
(Schraudolph 2002), positive semidefinite wherever the loss is convex in the outputs. A product with V
needs no J: differentiate the forward pass along V (Pearlmutter's R operator),

    Rh_t = (1 - h_t^2) (V_in u_t + V h_(t-1) + v_b + W Rh_(t-1)),      Rh_(-1) = v_initial,
    Ry_t = V_out h_t + v_out + W_out Rh_t,

apply H_L, and send the result back through the ordinary backward pass

    d_t = (1 - h_t^2) (W' d_(t+1) + W_out' [H_L Ry]_t) + s Rh_t.

The states h are those at theta and are cached: a product takes four recurrent products a step, 8 N T B
FLOPs.

Structural damping (Martens & Sutskever 2011, section 3.3) adds s J_h' H_D J_h for a distance D(h, h_0) of
the hidden states. Convention: D is the *matching* distance of tanh, the cross entropy between the logistic
units (1 + h) / 2 of logit 2a, summed over steps and units and averaged over sequences. Its curvature in the
pre-activations a is (1 - h^2) / B, which makes the damping term s Rh_t / B above: Sussillo's convention,
four times Sutskever's code.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from longlag.bench.contract import Batch, Kernels, MatchingLoss, Network
from longlag.methods.parts.backend import arrays, compiled, wanted
from longlag.methods.parts.tanh.cell import TanhCell
from longlag.methods.parts.tanh.passes import (
    backward_states,
    forward_states,
    tangent_states,
    weight_gradients,
)


class Curvature(Protocol):
    """The Gauss-Newton matrix of a network's loss on one batch, at the weights it was made with."""

    def product(self, direction: Tensor, structural: float = 0.0) -> Tensor:
        """(G + structural * S) direction, [P]; P in the order of the network's `parameters()`.

        Zero where a parameter is held (its `requires_grad` is false), so that CG never moves it.
        """
        ...

    def squared_gradients(self) -> Tensor:
        """The mean over sequences of the squared gradient of each one's own loss, [P]."""
        ...


def flatten(tensors: Sequence[Tensor]) -> Tensor:
    """One vector [P] of all `tensors`."""
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


def unflatten(vector: Tensor, like: Sequence[Tensor]) -> list[Tensor]:
    """Views of `vector` [P] in the shapes of `like`."""
    parts = vector.split([tensor.numel() for tensor in like])
    return [part.view(tensor.shape) for part, tensor in zip(parts, like, strict=True)]


class TanhGaussNewton:
    """The Gauss-Newton matrix of a network of one tanh layer, at its present weights, on `batch`.

    `backend` "torch" runs on any device and dtype, "compiled" on the CPU in float32 and float64; "auto" takes
    the second where it can.
    """

    def __init__(self, network: Network, batch: Batch, loss: MatchingLoss, backend: Kernels = "auto") -> None:
        """Runs the net forward once, 2 N T B FLOPs, and caches its states."""
        cell = network.recurrent
        if not isinstance(cell, TanhCell):
            raise TypeError(f"a {type(cell).__name__} is no tanh layer")
        self.network, self.cell, self.loss, self.batch, self.backend = network, cell, loss, batch, backend
        self.parameters: list[Tensor] = list(network.parameters())
        with torch.no_grad():
            self.inputs = network.shifted(batch.inputs).contiguous()
            weights = (cell.input_weight, cell.recurrent_weight, cell.bias, cell.initial)
            self.states = forward_states(self.inputs, *weights, backend=backend)
            self.steps = np.flatnonzero(batch.mask.numpy(force=True))
            self.supervised = self.states[self.steps + 1]
            self.outputs = network.readout(self.supervised)
        self.compiled = compiled(self.states, backend)
        # every product writes here: T B H floats, allocated once
        self.moved = torch.empty_like(self.states)

    @torch.no_grad()
    def product(self, direction: Tensor, structural: float = 0.0) -> Tensor:
        """(G + structural * S) direction, [P]."""
        v = dict(zip(self.parameters, unflatten(direction, self.parameters), strict=True))
        readout = self.network.readout
        self._move(v)
        moved_outputs = torch.addmm(v[readout.bias], self.supervised.flatten(0, 1), v[readout.weight].T) + (
            self.moved[self.steps + 1].flatten(0, 1) @ readout.weight.T
        )
        output_errors = self.loss.curvature(self.outputs, moved_outputs.view_as(self.outputs))
        weights = self._weights(output_errors @ readout.weight, structural / self.batch.size)
        cell = self.cell
        gradients: dict[Tensor, Tensor] = dict(
            zip((cell.input_weight, cell.recurrent_weight, cell.bias, cell.initial), weights, strict=True)
        )
        gradients[readout.weight] = output_errors.flatten(0, 1).T @ self.supervised.flatten(0, 1)
        gradients[readout.bias] = output_errors.sum((0, 1))
        return flatten([gradients[p] if p.requires_grad else torch.zeros_like(p) for p in self.parameters])

    def _move(self, v: dict[Tensor, Tensor]) -> None:
        """Set `moved` [T+1, B, H] to Rh, how the states move along v."""
        cell = self.cell
        vectors = v[cell.bias], v[cell.initial]
        if self.compiled:
            matrices = cell.recurrent_weight, v[cell.input_weight], v[cell.recurrent_weight]
            given = arrays(self.inputs, self.states, *matrices, *vectors, self.moved)
            _kernels(given[0].dtype).move_states(*given)
            return
        drive = self.inputs @ v[cell.input_weight].T + self.states[:-1] @ v[cell.recurrent_weight].T
        drive += v[cell.bias]
        self.moved = tangent_states(cell.recurrent_weight, self.states, drive, v[cell.initial], self.backend)

    def _weights(self, state_errors: Tensor, damping: float) -> tuple[Tensor, ...]:
        """What errors [S, B, H] at the supervised states are in the cell's weights; uses up `moved`."""
        cell = self.cell
        if self.compiled:
            weights = (cell.input_weight, cell.recurrent_weight, cell.bias, cell.initial)
            found = tuple(torch.empty_like(weight) for weight in weights)
            before = arrays(self.inputs, cell.recurrent_weight, self.states)
            between = arrays(state_errors, self.moved)
            _kernels(before[0].dtype).errors_back(*before, self.steps, *between, damping, *arrays(*found))
            return found
        deltas = self._deltas(state_errors, damping)
        initial = deltas[0].sum(0) @ cell.recurrent_weight
        return (*weight_gradients(deltas, self.states, self.inputs, self.backend), initial)

    def _deltas(self, state_errors: Tensor, damping: float) -> Tensor:
        """d [T, B, H] from errors [S, B, H] at the supervised states, by torch."""
        weight = self.cell.recurrent_weight
        if not damping:
            return backward_states(weight, self.states, state_errors, self.steps, backend=self.backend)[0]
        given = {int(step): error for step, error in zip(self.steps, state_errors, strict=True)}
        deltas = self.moved[1:] * damping
        carried = torch.zeros_like(deltas[0])
        for t in reversed(range(len(deltas))):
            if t in given:
                carried = carried + given[t]
            deltas[t] += carried * (1 - self.states[t + 1] ** 2)
            carried = deltas[t] @ weight
        return deltas

    @torch.no_grad()
    def squared_gradients(self) -> Tensor:
        """The mean over sequences of the squared gradient of each one's own loss, [P]."""
        cell, readout = self.cell, self.network.readout
        errors = self.loss.gradient(self.outputs, self.batch.targets)
        deltas, _ = backward_states(
            cell.recurrent_weight, self.states, errors @ readout.weight, self.steps, backend=self.backend
        )

        def of_product(left: Tensor, right: Tensor) -> Tensor:
            return torch.einsum("tbi,tbj->bij", left, right).square_().sum(0)

        squares: dict[Tensor, Tensor] = {
            cell.input_weight: of_product(deltas, self.inputs),
            cell.recurrent_weight: of_product(deltas, self.states[:-1]),
            cell.bias: deltas.sum(0).square().sum(0),
            cell.initial: (deltas[0] @ cell.recurrent_weight).square().sum(0),
            readout.weight: of_product(errors, self.supervised),
            readout.bias: errors.sum(0).square().sum(0),
        }
        # the loss is a mean: a sequence's own loss is B times its share
        return flatten([squares[parameter] for parameter in self.parameters]) * self.batch.size


def warm_up() -> None:
    """Compile the float32 kernels, or load them from Numba's cache."""
    if wanted():
        _kernels(np.dtype(np.float32))


@cache
def _kernels(kind: np.dtype[Any]) -> Any:
    """The compiled passes for arrays of `kind`, imported when first needed: that takes a while."""
    from longlag.methods.parts import compiled as loops
    from longlag.methods.parts.hessian_free import gauss_newton_numba

    return loops.ready(gauss_newton_numba, kind)
