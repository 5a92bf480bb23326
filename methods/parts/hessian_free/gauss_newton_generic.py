"""Products with the Gauss-Newton matrix of any differentiable recurrent layer, by double backward.

The pullback w -> J' w is linear in w, so its own backward pass is V -> J V: both graphs are recorded once,
and a product walks each of them once, without running the net again (Townsend 2017, "A new trick for
calculating Jacobian vector products"). Slower than the hand-written products of a tanh layer, and asks
nothing of the layer but to be differentiable twice. The weights must stay as they are while it is in use.

Structural damping uses the squared distance of the states, sum_(t,i) |h - h_0|^2 / 2 averaged over
sequences, whose curvature in the states is I / B: which nonlinearity made them, and so which distance would
match, is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from longlag.bench.contract import Batch, MatchingLoss, Network
from longlag.methods.parts.hessian_free.gauss_newton import flatten, unflatten


@contextmanager
def differentiable_twice() -> Iterator[None]:
    """A context in which torch's LSTM is made of ordinary operations: oneDNN's has no second derivative."""
    mkldnn: Any = torch.backends.mkldnn
    before = mkldnn.enabled
    mkldnn.enabled = False
    try:
        yield
    finally:
        mkldnn.enabled = before


class GenericGaussNewton:
    """The Gauss-Newton matrix of a network with any recurrent layer, at its present weights, on `batch`."""

    def __init__(self, network: Network, batch: Batch, loss: MatchingLoss) -> None:
        """Records the forward and the backward pass once."""
        self.network, self.batch, self.loss = network, batch, loss
        self.parameters = list(network.parameters())
        self.trained = [parameter for parameter in self.parameters if parameter.requires_grad]
        with torch.enable_grad(), differentiable_twice():
            self.states: Tensor = network.recurrent(network.shifted(batch.inputs))
            self.outputs: Tensor = network.readout(self.states[batch.mask])
            self.errors = [torch.zeros_like(v, requires_grad=True) for v in (self.outputs, self.states)]
            self.pullback = torch.autograd.grad(
                [self.outputs, self.states],
                self.trained,
                self.errors,
                create_graph=True,
                materialize_grads=True,
            )

    def product(self, direction: Tensor, structural: float = 0.0) -> Tensor:
        """(G + structural * S) direction, [P]."""
        moves = dict(zip(self.parameters, unflatten(direction, self.parameters), strict=True))
        moved_outputs, moved_states = torch.autograd.grad(
            self.pullback,
            self.errors,
            [moves[parameter] for parameter in self.trained],
            retain_graph=True,
            materialize_grads=True,
        )
        values, errors = [self.outputs], [self.loss.curvature(self.outputs.detach(), moved_outputs)]
        if structural:
            values.append(self.states)
            errors.append(moved_states * (structural / self.batch.size))
        return self._gradient(values, errors)

    def _gradient(self, values: list[Tensor], errors: list[Tensor]) -> Tensor:
        """What `errors` in `values` are in the parameters, [P]."""
        parts = torch.autograd.grad(values, self.trained, errors, retain_graph=True, materialize_grads=True)
        found = dict(zip(self.trained, parts, strict=True))
        return flatten([found[p] if p in found else torch.zeros_like(p) for p in self.parameters])

    def squared_gradients(self) -> Tensor:
        """The mean over sequences of the squared gradient of each one's own loss, [P]; each in turn."""
        total = torch.zeros_like(flatten(self.parameters))
        for start in range(self.batch.size):
            one = self.batch.narrow(1, start)
            with torch.enable_grad():
                loss = self.loss(self.network(one.inputs, one.mask), one.targets)
                parts = torch.autograd.grad(loss, self.trained, materialize_grads=True)
            found = dict(zip(self.trained, parts, strict=True))
            total += flatten([found.get(p, torch.zeros_like(p)) for p in self.parameters]).square_()
        return total / self.batch.size
