"""The losses tasks use: value, and curvature in the outputs where a second-order method asks for it.

Shapes: outputs [S, B, K]; targets [S, B, K] floats (squared error, sigmoid) or [S, B] int64 classes
(softmax). Values are means over the S supervised steps and the B sequences, so that a loss does not
depend on the batch size.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn import functional


@runtime_checkable
class Loss(Protocol):
    """A loss in the outputs; `matching` losses also know their Gauss-Newton curvature."""

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean loss, a scalar."""
        ...


@runtime_checkable
class MatchingLoss(Loss, Protocol):
    """A loss whose output nonlinearity matches it (Schraudolph 2002), as Gauss-Newton products need."""

    def gradient(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """dL/d outputs, [S, B, K]."""
        ...

    def curvature(self, outputs: Tensor, direction: Tensor) -> Tensor:
        """The Hessian of L in the outputs times `direction`, [S, B, K]."""
        ...


def value_and_gradient(loss: Loss, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """The loss and dL/d outputs [S, B, K]: by the loss's own formula, else by autograd."""
    if hasattr(loss, "gradient"):
        return loss(outputs, targets), loss.gradient(outputs, targets)
    with torch.enable_grad():
        value = loss(outputs.requires_grad_(), targets)
    return value.detach(), torch.autograd.grad(value, outputs)[0]


class SquaredError:
    """Mean squared error over steps, sequences and outputs."""

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean of (outputs - targets)^2."""
        return functional.mse_loss(outputs, targets)

    def gradient(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """2 (y - t) / (S B K)."""
        return (outputs - targets).mul_(2.0 / outputs.numel())

    def curvature(self, outputs: Tensor, direction: Tensor) -> Tensor:
        """2 v / (S B K)."""
        return direction * (2.0 / outputs.numel())


class SoftmaxCrossEntropy:
    """Cross entropy in nats of a softmax over K classes, mean over steps and sequences."""

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean of -log p(target)."""
        return functional.nll_loss(outputs.flatten(0, 1).log_softmax(-1), targets.flatten())

    def gradient(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """(p - onehot(target)) / (S B)."""
        residual = outputs.softmax(-1)
        classes = targets.unsqueeze(-1)
        residual.scatter_add_(-1, classes, residual.new_full(classes.shape, -1.0))
        return residual.div_(targets.numel())

    def curvature(self, outputs: Tensor, direction: Tensor) -> Tensor:
        """(diag(p) - p p^T) v / (S B)."""
        p = outputs.softmax(-1)
        pv = p * direction
        return (pv - p * pv.sum(-1, keepdim=True)) / (outputs.shape[0] * outputs.shape[1])


class SigmoidCrossEntropy:
    """Binary cross entropy in nats of K independent sigmoids, mean over steps, sequences and outputs."""

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean of -t log p - (1-t) log(1-p)."""
        return functional.binary_cross_entropy_with_logits(outputs, targets)

    def gradient(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """(p - t) / (S B K)."""
        return outputs.sigmoid().sub_(targets).div_(outputs.numel())

    def curvature(self, outputs: Tensor, direction: Tensor) -> Tensor:
        """p (1 - p) v / (S B K)."""
        p = torch.sigmoid(outputs)
        return p * (1 - p) * direction / outputs.numel()
