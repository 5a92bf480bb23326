"""Products with the Gauss-Newton matrix of a tanh net, by a hand-written R-forward and R-backward pass.

With outputs y(theta), states h(theta) and a loss L(y), the Gauss-Newton matrix is G = J_y' H_L J_y (Schraudolph
2002), positive semidefinite wherever the loss is convex in the outputs. A product with V needs no J: differentiate
the forward pass along V (Pearlmutter's R operator),

    Rh_t = (1 - h_t^2) (V_in u_t + V h_(t-1) + v_b + W Rh_(t-1)),      Rh_(-1) = v_initial,
    Ry_t = V_out h_t + v_out + W_out Rh_t,

apply H_L, and send the result back through the ordinary backward pass

    d_t = (1 - h_t^2) (W' d_(t+1) + W_out' [H_L Ry]_t) + s Rh_t.

The states h are those at theta and are cached, so that a product takes four recurrent products a step: 8 N T B FLOPs.

Structural damping (Martens & Sutskever 2011, section 3.3) adds s J_h' H_D J_h for a distance D(h, h_0) of the hidden
states. Convention: D is the *matching* distance of tanh, the cross entropy between the logistic units (1 + h) / 2 of
logit 2a, summed over steps and units and averaged over sequences. Its curvature in the pre-activations a is
(1 - h^2) / B, which makes the damping term s Rh_t / B above: Sussillo's convention, four times Sutskever's code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from bench import Batch, MatchingLoss, Network
from methods.parts.tanh import TanhCell


class Curvature(Protocol):
    """The Gauss-Newton matrix of a network's loss on one batch, at the weights it was made with."""

    def product(self, direction: Tensor, structural: float = 0.0) -> Tensor:
        """(G + structural * S) direction, [P]; P parameters in the order of the network's `parameters()`."""
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
    """The Gauss-Newton matrix of a network of one tanh layer, at its present weights, on `batch`."""

    def __init__(self, network: Network, batch: Batch, loss: MatchingLoss) -> None:
        """Runs the net forward once, 2 N T B FLOPs, and caches its states."""
        cell = network.recurrent
        if not isinstance(cell, TanhCell):
            raise TypeError(f"a {type(cell).__name__} is no tanh layer")
        self.network, self.cell, self.loss, self.batch = network, cell, loss, batch
        self.parameters: list[nn.Parameter] = list(network.parameters())
        with torch.no_grad():
            self.inputs = network.shifted(batch.inputs)
            self.states = cell(self.inputs)
            self.slopes = 1 - self.states**2
            self.supervised = self.states[batch.mask]
            self.outputs = network.readout(self.supervised)

    @torch.no_grad()
    def product(self, direction: Tensor, structural: float = 0.0) -> Tensor:
        """(G + structural * S) direction, [P]."""
        v = dict(zip(self.parameters, unflatten(direction, self.parameters), strict=True))
        cell, readout = self.cell, self.network.readout
        moved = self._forward(v[cell.input_weight], v[cell.recurrent_weight], v[cell.bias], v[cell.initial])
        moved_outputs = (
            self.supervised @ v[readout.weight].T
            + v[readout.bias]
            + moved[self.batch.mask] @ readout.weight.T
        )
        output_errors = self.loss.curvature(self.outputs, moved_outputs)
        return self._transpose(output_errors, moved * (structural / self.batch.size) if structural else None)

    def _forward(
        self, input_weight: Tensor, recurrent_weight: Tensor, bias: Tensor, initial: Tensor
    ) -> Tensor:
        """Rh [T, B, H]: how the states move along a direction in the weights."""
        drive = self.inputs @ input_weight.T + bias
        drive[1:] += self.states[:-1] @ recurrent_weight.T
        drive[0] += recurrent_weight @ self.cell.initial
        moved = torch.empty_like(self.states)
        before = initial.expand(self.batch.size, -1)
        weight = self.cell.recurrent_weight.T
        for t in range(self.batch.length):
            torch.addmm(drive[t], before, weight, out=moved[t])
            before = moved[t].mul_(self.slopes[t])
        return moved

    def _backward(self, output_errors: Tensor, state_errors: Tensor | None) -> Tensor:
        """Errors [T, B, H] at the pre-activations; `state_errors` [T, B, H] are added there as they are."""
        errors = torch.zeros_like(self.states)
        errors[self.batch.mask] = output_errors @ self.network.readout.weight
        weight = self.cell.recurrent_weight
        for t in reversed(range(self.batch.length)):
            if t + 1 < self.batch.length:
                errors[t].addmm_(errors[t + 1], weight)
            errors[t].mul_(self.slopes[t])
            if state_errors is not None:
                errors[t].add_(state_errors[t])
        return errors

    def _transpose(self, output_errors: Tensor, state_errors: Tensor | None) -> Tensor:
        """J' of errors at the outputs and at the pre-activations, [P]."""
        cell, readout = self.cell, self.network.readout
        errors = self._backward(output_errors, state_errors)
        first = errors[0].sum(0)
        recurrent = errors[1:].flatten(0, 1).T @ self.states[:-1].flatten(0, 1)
        recurrent += torch.outer(first, cell.initial)
        gradients = {
            cell.input_weight: errors.flatten(0, 1).T @ self.inputs.flatten(0, 1),
            cell.recurrent_weight: recurrent,
            cell.bias: errors.sum((0, 1)),
            cell.initial: first @ cell.recurrent_weight,
            readout.weight: output_errors.flatten(0, 1).T @ self.supervised.flatten(0, 1),
            readout.bias: output_errors.sum((0, 1)),
        }
        return flatten([gradients[parameter] for parameter in self.parameters])

    @torch.no_grad()
    def squared_gradients(self) -> Tensor:
        """The mean over sequences of the squared gradient of each one's own loss, [P]."""
        cell, readout = self.cell, self.network.readout
        output_errors = self.loss.gradient(self.outputs, self.batch.targets)
        errors = self._backward(output_errors, None)
        before = torch.cat([cell.initial.expand(1, self.batch.size, -1), self.states[:-1]])

        def of_product(left: Tensor, right: Tensor) -> Tensor:
            return torch.einsum("tbi,tbj->bij", left, right).square_().sum(0)

        squares = {
            cell.input_weight: of_product(errors, self.inputs),
            cell.recurrent_weight: of_product(errors, before),
            cell.bias: errors.sum(0).square().sum(0),
            cell.initial: (errors[0] @ cell.recurrent_weight).square().sum(0),
            readout.weight: of_product(output_errors, self.supervised),
            readout.bias: output_errors.sum(0).square().sum(0),
        }
        # the loss is a mean: a sequence's own loss is B times its share
        return flatten([squares[parameter] for parameter in self.parameters]) * self.batch.size
