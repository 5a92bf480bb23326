"""How far a second-order step is trusted: the Levenberg-Marquardt rule, backtracking, the line search.

A loss that is not finite counts as worse than any other, so that a step into it is never taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from torch import Tensor

Evaluate = Callable[[Tensor], float]
"""A step in the weights [P] -> the loss after it."""

ARMIJO = 1e-2
"""The share of the predicted first-order decrease that a step must deliver (Martens 2010, section 4.6)."""
SHRINK = 0.8
SMALLEST_RATE = 1e-5
WEAKEST, STRONGEST = 1e-12, 1e12


def reduction_ratio(before: float, after: float, predicted: float) -> float:
    """rho, the actual change of the loss over the change `predicted` by the model, which is negative.

    -inf where the loss after the step is not finite, or the model predicts no decrease.
    """
    return (after - before) / predicted if math.isfinite(after) and predicted < 0 else -math.inf


def levenberg_marquardt(damping: float, ratio: float) -> float:
    """lambda after a step of ratio rho: x 3/2 below 1/4, x 2/3 above 3/4 (Martens 2010, section 4.1)."""
    if ratio < 0.25:
        return min(damping * 1.5, STRONGEST)
    return max(damping / 1.5, WEAKEST) if ratio > 0.75 else damping


def backtrack(evaluate: Evaluate, iterates: Sequence[Tensor]) -> tuple[int, float]:
    """The iterate to use and the loss after it: back from the last one as long as the loss falls.

    Iterates of no finite loss are passed over; where all are, the first, with an infinite loss.
    """
    chosen, lowest = 0, math.inf
    for index in reversed(range(len(iterates))):
        loss = evaluate(iterates[index])
        if not math.isfinite(loss):
            continue
        if loss >= lowest:
            break
        chosen, lowest = index, loss
    return chosen, lowest


def line_search(
    evaluate: Evaluate, step: Tensor, *, before: float, after: float, slope: float
) -> tuple[float, float]:
    """The largest rate 0.8^k whose loss is at most before + 0.01 rate slope (Armijo), and that loss.

    `after` is the loss at rate 1, `slope` the gradient times the step. Rate 0 and the loss `before` where
    there is none: a step that does not descend, or one that fails down to a rate of 1e-5.
    """
    rate, loss = 1.0, after
    while slope < 0 and rate >= SMALLEST_RATE:
        if math.isfinite(loss) and loss <= before + ARMIJO * rate * slope:
            return rate, loss
        rate *= SHRINK
        loss = evaluate(step * rate)
    return 0.0, before
