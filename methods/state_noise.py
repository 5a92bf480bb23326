"""Noise on what units hear: a net learns answers that do not hang on the last digit of its states.

In training alone, every unit hears at every step and of every sequence a number drawn afresh (Jaeger 2002,
section on noise insertion), inside its nonlinearity:

    x(n+1) = f(W_in u(n+1) + W x(n) + nu(n)),    nu ~ N(0, sigma^2)

What a net holds by a state that creeps is lost among the noise, step by step, so that errors favour states
that are pulled back: attractors, which hold a bit over any lag, or units deep in saturation. So it mends no
gradient: it changes what is worth learning, and a task whose answer is a number may suffer.

Jim, Giles & Horne 1996 put the noise on the weights instead. They predict that it does best where it is
additive and drawn anew at every step; that it adds to the error a term that looks ahead, and so helps
convergence; and one that drives units into saturation, of use with automata, and of unknown use elsewhere.
That is in their abstract, which was read. Of Jaeger's report, which inserts noise in a reservoir while its
readout is fitted, title and contents were read; the equation is second hand. A layer of gates hears noise at
each of them.

The one change to the recipe is its state noise, whose size is tuned. It is charged one FLOP a number drawn.
"""

from __future__ import annotations

from typing import Any

import optuna

from longlag.bench.contract import Recipe, Remedy, Sizes, Task


class StateNoise(Remedy):
    """Gaussian noise inside the units' nonlinearity, in training alone."""

    name = "state_noise"
    source = "Jaeger 2002, GMD report 159; Jim, Giles & Horne 1996, IEEE Transactions on Neural Networks 7(6)"
    changes = "state_noise"

    def recipes(self, sizes: Sizes) -> list[dict[str, Any]]:
        """Noise that shows after many steps, after some, and at once, on a customary net."""
        net = {"init_scale": 1.0, "learning_rate": 0.01, "units": 50, "batch_size": 20}
        return [{**net, "noise": 0.01}, {**net, "noise": 0.1}, {**net, "noise": 0.001}]

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """Sigma, from what a state hardly shows to what saturates a unit now and then."""
        return {"noise": trial.suggest_float("noise", 1e-4, 1.0, log=True)}

    def apply(self, recipe: Recipe, *, noise: float) -> Recipe:
        """The recipe with noise of this size."""
        return recipe.replace(state_noise=noise)
