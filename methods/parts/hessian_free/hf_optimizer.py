"""Hessian-free optimisation (Martens 2010; Martens & Sutskever 2011) as a torch optimiser.

One step: the gradient g on the whole batch; CG on (G + lambda I + mu lambda S) delta = -g with products on
the first sequences of that batch; back through CG's iterates while the loss falls; a line search; lambda by
the Levenberg-Marquardt rule, whose model is the undamped one. Every loss is that of the whole gradient
batch, on which g is exact and which the curvature batch has not overfitted; a forward pass is cheap beside
CG. A penalty in the recipe reaches the step through g alone.

The gradient batch may be drawn in parts. Sequences of a batch have one length, and a step that sees one
length fits it at the others' expense: the states go on turning after the last key, so that the readout of one
step is wrong for the next. `gradient_batches` batches make one step, and every sequence of them counts alike
in its gradient, its curvature and its losses.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.func import functional_call

from longlag.bench.contract import Batch, BatchOptimizer, MatchingLoss, Network
from longlag.methods.parts.hessian_free.conjugate_gradient import Solution, conjugate_gradient
from longlag.methods.parts.hessian_free.damping import (
    backtrack,
    levenberg_marquardt,
    line_search,
    reduction_ratio,
)
from longlag.methods.parts.hessian_free.gauss_newton import Curvature, TanhGaussNewton, flatten, unflatten
from longlag.methods.parts.hessian_free.gauss_newton_generic import GenericGaussNewton
from longlag.methods.parts.hessian_free.pooled import Batches, Pooled
from longlag.methods.parts.tanh.cell import TanhCell

PRECONDITIONER_EXPONENT = 0.75
"""alpha of Martens 2010, section 4.7."""


class HessianFree(BatchOptimizer):
    """Truncated-Newton steps with the Gauss-Newton matrix; trains all the parameters of `network`.

    The weights move at every call number `gradient_batches` of `step`; `curvature_batch` sequences of those
    batches, as many of each, give the curvature. `damping` is the first lambda, `structural` is mu,
    `max_iterations` and `tolerance` stop CG, `warm_start` is how much of the last solution it starts from.
    lambda, the last solution, the batches taken in so far and the counters `steps` and `failed` live in the
    optimiser's state, so they survive a checkpoint. A failed step leaves the weights as they are, raises
    lambda and forgets the last solution.
    """

    untaken: ClassVar = "its curvature is that of all steps, without noise"

    def __init__(
        self,
        network: Network,
        loss: MatchingLoss,
        *,
        curvature_batch: int,
        gradient_batches: int = 1,
        damping: float = 0.1,
        structural: float = 0.0,
        max_iterations: int = 300,
        tolerance: float = 5e-4,
        warm_start: float = 0.95,
        precondition: bool = False,
    ) -> None:
        super().__init__(
            list(network.parameters()),
            {
                "curvature_batch": curvature_batch,
                "gradient_batches": gradient_batches,
                "damping": damping,
                "structural": structural,
                "max_iterations": max_iterations,
                "tolerance": tolerance,
                "warm_start": warm_start,
                "precondition": precondition,
                "pending": [],
                "steps": 0,
                "failed": 0,
            },
        )
        self.network = network
        self.loss = loss
        self._batch: Batch | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """The one parameter group: lambda (`damping`), the settings and the counters."""
        group: dict[str, Any] = self.param_groups[0]
        return group

    def load(self, batch: Batch) -> None:
        """The batch of the next call of `step`; its first sequences give its share of the curvature."""
        self._batch = batch

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor:  # type: ignore[override]
        """Take a batch in and, once there are enough, one step; the batch's loss before it.

        NaN, and no step, where a loss or a gradient is not finite.
        """
        if closure is None or self._batch is None:
            raise RuntimeError(
                "Hessian-free needs load(batch) and a closure that leaves the gradient in .grad"
            )
        with torch.enable_grad():
            loss = closure()
        batch, s = self._batch, self.settings
        self.cost = 3 * self._per_pass * batch.length * batch.size
        gradient = flatten([torch.zeros_like(p) if p.grad is None else p.grad for p in self._parameters])
        if not (bool(torch.isfinite(loss)) and bool(torch.isfinite(gradient).all())):
            s["pending"] = []
            return loss.new_full((), math.nan)
        s["pending"] = [*s["pending"], (batch.inputs, batch.targets, batch.mask, gradient, float(loss))]
        if len(s["pending"]) == s["gradient_batches"]:
            *parts, gradients, losses = zip(*s["pending"], strict=True)
            s["pending"] = []
            batches = Batches([Batch(*part) for part in zip(*parts, strict=True)])
            self._update(batches, batches.mean(gradients), batches.mean(losses))
        return loss

    def _update(self, batches: Batches, gradient: Tensor, before: float) -> None:
        """One step on `batches`, where the loss is `before`."""
        chosen = batches.narrow(self.settings["curvature_batch"])
        curvature = Pooled(chosen, [gauss_newton(self.network, batch, self.loss) for batch in chosen])
        solution = self._solve(curvature, gradient)
        evaluations = self._advance(curvature, solution, gradient, before, batches)
        self.cost += self._per_pass * chosen.steps * (1 + 4 * (solution.products + 1))
        self.cost += self._per_pass * batches.steps * evaluations
        if self.settings["precondition"]:
            self.cost += 3 * self._per_pass * chosen.steps

    @property
    def _per_pass(self) -> float:
        """FLOPs of one step of one sequence forward."""
        return 2.0 * self.network.recurrent.weights

    @property
    def _parameters(self) -> list[Tensor]:
        parameters: list[Tensor] = self.settings["params"]
        return parameters

    def _solve(self, curvature: Curvature, gradient: Tensor) -> Solution:
        """CG on the damped model, from the decayed last solution; keeps the new one."""
        s = self.settings
        damping = s["damping"]
        preconditioner = None
        if s["precondition"]:
            preconditioner = (curvature.squared_gradients() + damping) ** PRECONDITIONER_EXPONENT
        start = None
        if self.state:
            start = flatten([self.state[p]["solution"] for p in self._parameters]) * s["warm_start"]
        solution = conjugate_gradient(
            lambda v: curvature.product(v, s["structural"] * damping).add_(v, alpha=damping),
            -gradient,
            start,
            max_iterations=s["max_iterations"],
            tolerance=s["tolerance"],
            preconditioner=preconditioner,
        )
        if solution.iterates:
            for parameter, part in zip(
                self._parameters, unflatten(solution.iterates[-1], self._parameters), strict=True
            ):
                self.state[parameter]["solution"] = part.clone()
        return solution

    def _advance(
        self, curvature: Curvature, solution: Solution, gradient: Tensor, before: float, batches: Batches
    ) -> int:
        """Move the weights, or fail, and adapt lambda; how many times the loss was evaluated."""
        theta = flatten(self._parameters)
        names = [name for name, _ in self.network.named_parameters()]
        evaluations = 0

        def evaluate(step: Tensor) -> float:
            # at other weights, not at changed ones: the curvature is known at theta
            nonlocal evaluations
            evaluations += 1
            weights = dict(zip(names, unflatten(theta + step, self._parameters), strict=True))
            outputs = (
                functional_call(self.network, weights, (batch.inputs, batch.mask)) for batch in batches
            )
            losses = [float(self.loss(y, batch.targets)) for y, batch in zip(outputs, batches, strict=True)]
            return batches.mean(losses)

        rate, ratio = 0.0, -math.inf
        if solution.iterates:
            chosen, after = backtrack(evaluate, solution.iterates)
            delta = solution.iterates[chosen]
            slope = float(gradient @ delta)
            predicted = slope + 0.5 * float(delta @ curvature.product(delta))
            ratio = reduction_ratio(before, after, predicted)
            rate, _ = line_search(evaluate, delta, before=before, after=after, slope=slope)
            if rate:
                for parameter, part in zip(
                    self._parameters, unflatten(theta + rate * delta, self._parameters), strict=True
                ):
                    parameter.copy_(part)
        self.settings["damping"] = levenberg_marquardt(self.settings["damping"], ratio if rate else -math.inf)
        self.settings["steps"] += 1
        if not rate:
            self.settings["failed"] += 1
            self.state.clear()
        return evaluations


def gauss_newton(network: Network, batch: Batch, loss: MatchingLoss) -> Curvature:
    """The Gauss-Newton matrix of `network` on `batch`: by hand for a tanh layer, generic for any other."""
    tanh = isinstance(network.recurrent, TanhCell)
    return (TanhGaussNewton if tanh else GenericGaussNewton)(network, batch, loss)
