"""Hessian-free optimisation: see the curvature of a long lag, and step as far as it allows.

Along the directions that carry a long lag the gradient is tiny, and so is the curvature: their ratio, which
is how far to go, is not. Descent sees only the gradient and never moves there. Martens & Sutskever 2011
minimise, at every step, a quadratic model with the Gauss-Newton matrix G of the loss L,

    q(delta) = grad L . delta + delta' (G + lambda I + mu lambda S) delta / 2,

by conjugate gradient, which needs only products with G. lambda follows how well the model predicted the last
step (Levenberg-Marquardt). S is the curvature of how far the hidden states move: *structural damping* holds
back steps that are small in the weights and large in the states, where nets of many steps leave the model.

The one change to the recipe is the optimiser. It was published with sparse initial weights and large batches;
an orthogonal recurrent matrix is the alternative, which shows the first steps more of the lag. A step's
sequences come in several batches, because tasks draw one length for a batch and a step fits what it sees.
"""

from __future__ import annotations

from typing import Any

import optuna
import torch

from longlag.bench.contract import MatchingLoss, Network, Recipe, Remedy, Sizes, Task
from longlag.methods.parts.first_guesses import within
from longlag.methods.parts.hessian_free.gauss_newton import warm_up
from longlag.methods.parts.hessian_free.hf_optimizer import HessianFree as Optimizer
from longlag.methods.parts.initialisers import TunedWeights
from longlag.methods.parts.size import BatchSize, Units

FEW_SUFFICE = 100
"""The lag up to which a step on 200 sequences learns the task."""


class HessianFree(Remedy):
    """Gauss-Newton steps by conjugate gradient, with structural damping."""

    name = "hessian_free"
    source = "Martens & Sutskever 2011, ICML; Martens 2010, ICML"
    changes = "optimiser"
    companions = (
        TunedWeights(radii=(1.0, 1.25), input_scales=(0.01, 1.0)),
        Units(16, 128),
        BatchSize((25, 50, 100, 200, 500, 1000, 2000, 10000)),
    )

    def warm_up(self) -> None:
        """Have the compiled products ready."""
        warm_up()

    def supports(self, task: Task) -> str | None:
        """Tasks whose loss knows its curvature in the outputs."""
        if isinstance(task.loss, MatchingLoss):
            return None
        return f"the loss of task {task.name!r} has no Gauss-Newton curvature"

    def recipes(self, sizes: Sizes) -> list[dict[str, Any]]:
        """Small nets and few sequences in several batches; fewer, and less damping; many.

        Small inputs let the states keep what they hold. The first learned temporal order at lags to 100 and
        adding to 50 from as few FLOPs as any that was tried. With inputs of 10 / T the second learned
        temporal order at 100 with ten of sixteen seeds, with 6 / T with fifteen. At lags beyond 100 a step
        fits its sequences and not the task, on some seeds, unless it has five times as many: at 200 that
        solved temporal order with two and three keys and adding on a seed each that fewer did not. The
        5,000 sequences of the third are for exclusive or and random permutation: with inputs of .3 it stayed
        at chance of both at a lag of 100, with ten times smaller ones it learned the permutation. At 30,
        inputs of .16 learned that with 7 of 20 seeds, of .09 with all.
        """
        lag = sizes.lag
        large = lag > FEW_SUFFICE
        common = {
            "recurrent_weights": "orthogonal",
            "spectral_radius": 1.03,
            "input_scale": within(6 / lag, 0.01, 0.3),
            "readout_scale": 0.1,
            "centred": False,
            "hold_biases": False,
            "structural": True,
            "structural_damping": 0.1,
            "gradient_batches": 20 if large else 4,
            "batch_size": 50,
            "precondition": False,
        }
        some = {
            "units": 32,
            "damping": 1.0,
            "curvature_batch": 200 if large else 50,
            "cg_iterations": 15,
        }
        few = {
            "units": 32,
            "damping": 0.1,
            "curvature_batch": 200 if large else 25,
            "cg_iterations": 20,
        }
        many = {
            "units": 50,
            "input_scale": 0.01 if large else min(2.7 / lag, 0.3),
            "damping": 1.0,
            "curvature_batch": 200,
            "cg_iterations": 40,
            "gradient_batches": 10,
            "batch_size": 500,
        }
        return [{**common, **some}, {**common, **few}, {**common, **many}]

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """The first lambda, mu (or none), the most CG iterations, the sequences and batches of a step.

        And whether CG is preconditioned by the squared gradients (Martens 2010, section 4.7).
        """
        chosen: dict[str, Any] = {
            "damping": trial.suggest_float("damping", 1e-2, 10.0, log=True),
            "structural": trial.suggest_categorical("structural", (False, True)),
        }
        if chosen["structural"]:
            chosen["structural_damping"] = trial.suggest_float("structural_damping", 1e-2, 1.0, log=True)
        sizes = (25, 50, 100, 200, 300, 500, 1000)
        return {
            **chosen,
            "cg_iterations": trial.suggest_int("cg_iterations", 10, 300, log=True),
            "curvature_batch": trial.suggest_categorical("curvature_batch", sizes),
            "gradient_batches": trial.suggest_categorical("gradient_batches", (1, 2, 4, 10, 20)),
            "precondition": trial.suggest_categorical("precondition", (False, True)),
        }

    def apply(
        self,
        recipe: Recipe,
        *,
        damping: float,
        structural: bool,
        cg_iterations: int,
        curvature_batch: int,
        gradient_batches: int,
        structural_damping: float = 0.0,
        precondition: bool = False,
    ) -> Recipe:
        """The recipe with the Hessian-free optimiser."""

        def optimiser(network: Network, task: Task) -> torch.optim.Optimizer:
            loss = task.loss
            assert isinstance(loss, MatchingLoss)
            return Optimizer(
                network,
                loss,
                curvature_batch=curvature_batch,
                gradient_batches=gradient_batches,
                damping=damping,
                structural=structural_damping if structural else 0.0,
                max_iterations=cg_iterations,
                precondition=precondition,
            )

        return recipe.replace(optimiser=optimiser)
