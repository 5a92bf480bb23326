"""Linear conjugate gradient with the stopping rule and the iterate storage of Martens 2010.

CG minimises phi(x) = x'Ax / 2 - b'x for a symmetric positive definite A known by its products. Hessian-free
optimisation wants neither the exact solution nor the last iterate: it stops when phi stops falling, and
keeps iterates on the way, because an earlier one often lowers the true objective more.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

Product = Callable[[Tensor], Tensor]
"""v [P] -> A v [P]."""

STORAGE_RATIO = 1.3
"""Iterates are stored at iterations ceil(1.3^j) (Martens 2010, section 4.6)."""


@dataclass
class Solution:
    """What CG found: `iterates` [P] and the `iterations` they belong to, oldest first, the answer last.

    `objective` holds phi at iterations 0, 1, 2, ...; `products` counts products with A. `iterates` is empty
    where not even the start was finite.
    """

    iterates: list[Tensor] = field(default_factory=list)
    iterations: list[int] = field(default_factory=list)
    objective: list[float] = field(default_factory=list)
    products: int = 0

    def store(self, iterate: Tensor, iteration: int) -> None:
        """Keep a copy of `iterate`, unless this iteration is stored already."""
        if not self.iterations or self.iterations[-1] != iteration:
            self.iterates.append(iterate.clone())
            self.iterations.append(iteration)


def stalled(objective: list[float], tolerance: float) -> bool:
    """Martens' stopping rule (2010, section 4.4), given phi at iterations 0 to i.

    True where i > k, phi_i < 0 and (phi_i - phi_(i-k)) / phi_i < k * tolerance, with k = max(10, 0.1 i).
    """
    i = len(objective) - 1
    k = max(10, math.ceil(0.1 * i))
    if i <= k or objective[i] >= 0:
        return False
    return (objective[i] - objective[i - k]) / objective[i] < k * tolerance


def conjugate_gradient(
    product: Product,
    b: Tensor,
    start: Tensor | None = None,
    *,
    max_iterations: int,
    tolerance: float = 5e-4,
    preconditioner: Tensor | Product | None = None,
) -> Solution:
    """Solve A x = b from `start` (zero without one), for b [P].

    `preconditioner` is M: a diagonal [P], or a function that gives M^-1 r. `tolerance` is epsilon of the
    stopping rule; 0 turns the rule off. Also stops at an exact solution, at a direction of no positive
    curvature, and before anything that is not finite, which is never stored.
    """
    x = torch.zeros_like(b) if start is None else start.clone()
    solution = Solution(objective=[0.0])
    residual = b.clone()
    if start is not None:
        residual -= product(x)
        solution.products += 1
        solution.objective = [-0.5 * float(x @ (residual + b))]
    if not math.isfinite(solution.objective[0]):
        return solution
    precondition = _inverse(preconditioner)
    scaled = precondition(residual)
    direction = scaled.clone()
    slope = float(residual @ scaled)
    floor = _rounding(b) * float(b @ precondition(b))
    due = 1.0
    for iteration in range(1, max_iterations + 1):
        if not slope > floor:
            break
        image = product(direction)
        solution.products += 1
        curvature = float(direction @ image)
        if not (curvature > 0 and math.isfinite(curvature)):
            break
        length = slope / curvature
        x.add_(direction, alpha=length)
        residual.sub_(image, alpha=length)
        value = -0.5 * float(x @ (residual + b))
        if not math.isfinite(value):
            return solution
        solution.objective.append(value)
        if iteration >= math.ceil(due):
            solution.store(x, iteration)
            while math.ceil(due) <= iteration:
                due *= STORAGE_RATIO
        if tolerance > 0 and stalled(solution.objective, tolerance):
            break
        scaled = precondition(residual)
        before, slope = slope, float(residual @ scaled)
        direction.mul_(slope / before).add_(scaled)
    solution.store(x, len(solution.objective) - 1)
    return solution


def _rounding(b: Tensor) -> float:
    """A residual this much smaller than b (squared) is rounding."""
    return float(torch.finfo(b.dtype).eps) ** 2


def _inverse(preconditioner: Tensor | Product | None) -> Product:
    if preconditioner is None:
        return torch.Tensor.clone
    if isinstance(preconditioner, Tensor):
        diagonal = preconditioner
        return lambda r: r / diagonal
    return preconditioner
