"""Pascanu's Omega: keep the norm of the error as it goes back through time.

With e_k = dE/dh_k and J_k = dh_k/dh_(k-1) = diag(1 - h_k^2) W, Pascanu, Mikolov & Bengio 2013
(section 3.3, equations 9 and 10) add to the loss

    Omega = sum_k ( |e_k J_k| / |e_k| - 1 )^2

and follow its immediate derivative with respect to W alone: h_k and e_k count as constants.

Two forms. `paper` is the equation: the sum over the steps k = 1..T (the first leads to the initial state), a
mean over the sequences b. `code` is what the authors published with the paper, to which their weights
of 2 to 4 belong. Its norms are squared, and it takes the mean over the steps, too:

    Omega = mean over (k, b) of ( |e_kb J_kb|^2 / |e_kb|^2 - 1 )^2.

At T = 100 the paper's is some thirty times larger. In both, steps whose error has
vanished take no part, and E is the loss as it stands, a mean over the batch. Where the gradient explodes to
infinity or NaN, so does the loss's own: nothing is replaced (the authors' code resets such updates).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import optuna
import torch
from torch import Tensor

from longlag.bench.contract import BadInput, Batch, Change, Network, Penalty, Recipe, Task
from longlag.methods.parts.tanh.cell import TanhCell, TanhUnits

Form = Literal["code", "paper"]

VANISHED = 1e-20
"""|e_kb|^2 below which an error has vanished."""


@dataclass(frozen=True)
class Omega(Penalty):
    """`weight` times Omega; for a network of tanh units."""

    weight: float
    form: Form = "code"

    def prepare(self, network: Network) -> None:
        """Have the cell keep its states and their gradients; raises BadInput for another cell."""
        self._cell(network).record = True

    def add_gradient(self, network: Network, batch: Batch) -> Tensor:
        """Add weight * dOmega/dW to the gradient of the recurrent weights; weight * Omega."""
        cell = self._cell(network)
        deltas, state_gradients = cell.tape.deltas, cell.tape.state_gradients
        weights = cell.recurrent_weight
        if deltas is None or state_gradients is None or weights.grad is None:
            raise RuntimeError("Omega needs the tape of a backward pass through the tanh cell")
        value, gradient = omega(weights.detach(), deltas, state_gradients, self.form)
        weights.grad.add_(gradient, alpha=self.weight)
        return self.weight * value

    def _cell(self, network: Network) -> TanhCell:
        cell = network.recurrent
        if not isinstance(cell, TanhCell):
            raise BadInput(f"Omega is defined for tanh units, not for a {type(cell).__name__}")
        return cell


@torch.no_grad()
def omega(
    recurrent: Tensor, deltas: Tensor, state_gradients: Tensor, form: Form = "code"
) -> tuple[Tensor, Tensor]:
    """Omega, a scalar, and its immediate derivative with respect to `recurrent` [H, H].

    deltas [T, B, H] are e_k diag(1 - h_k^2), state_gradients [T, B, H] are e_k.
    """
    lengths = state_gradients.square().sum(-1)
    counted = ~(lengths < VANISHED)  # so that NaN counts
    scale = torch.where(counted, lengths, 1.0).rsqrt() * counted
    # of unit errors, so that their squares neither overflow nor vanish
    directions = (deltas * scale.unsqueeze(-1)).flatten(0, 1)
    carried = directions @ recurrent
    total = counted.sum().clamp(min=1) if form == "code" else lengths.shape[1]
    share = counted.flatten().to(scale.dtype) / total
    ratios = carried.square().sum(-1)
    if form == "code":
        slopes = 4 * (ratios - 1) * share
    else:
        ratios = ratios.sqrt()
        # a ratio of 0 has no derivative; its subgradient 0 is taken
        slopes = 2 * (ratios - 1) * share * torch.where(ratios > 0, 1 / ratios, 0.0)
    value = ((ratios - 1).square() * share).sum()
    return value, directions.T @ (carried * slopes.unsqueeze(-1))


class RegularisedTanhUnits(Change):
    """Tanh units, with or without Omega: both parts together, since Omega is defined for these units."""

    changes = ("cell", "penalty")

    def __init__(self, weights: tuple[float, float] = (0.01, 10.0)) -> None:
        self.weights = weights

    def warm_up(self) -> None:
        """Have the compiled core ready."""
        TanhUnits().warm_up()

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """Whether to add Omega, in which form, and its weight."""
        chosen: dict[str, Any] = {"with_omega": trial.suggest_categorical("with_omega", (False, True))}
        if chosen["with_omega"]:
            chosen["omega_form"] = trial.suggest_categorical("omega_form", ("code", "paper"))
            chosen["omega"] = trial.suggest_float("omega", *self.weights, log=True)
        return chosen

    def apply(
        self, recipe: Recipe, *, with_omega: bool, omega: float = 0.0, omega_form: Form = "code"
    ) -> Recipe:
        """The recipe with tanh units and, if asked for, Omega."""
        penalty = Omega(omega, omega_form) if with_omega else None
        return TanhUnits().apply(recipe).replace(penalty=penalty)
