"""Echo state network: a recurrent layer left as it was drawn, and a readout found by linear regression.

Nothing is learned through time, so no gradient can vanish or explode: what bridges the lag is memory
the reservoir has from the start (Jaeger 2001, GMD report 148). Jaeger 2012 (Long short-term memory in
echo state networks, Jacobs University report 27) shows how far that goes when the reservoir is made
for the task's time scale:

    x_t = (1 - a) x_(t-1) + a tanh(W x_(t-1) + W_in u_t + b),      y_t = V f(x_t) + c

Three memories, none of which has much to do with rich dynamics:

slow integrators  a of the order of 1/T or far below, W almost or exactly 0: each unit sums up a random
                  nonlinear function of the inputs, and a quadratic f makes answers of the sums. Adding,
                  multiplication and xor need no recurrent weight at all, and the timer none, with random
                  features f of the whitened states; temporal order needs a trace of it (a ring of weight
                  .03), for sums do not know what came first. That so little suffices is a finding about
                  these tasks: there a trained readout of slow sums is the remedy, not echoes.
a delay line      a = 1, W a ring or orthogonal, and inputs so small that tanh is linear: it holds the
                  whole past while there are more units than steps to remember (memorisation, copying;
                  Rodan & Tino 2011, IEEE Transactions on Neural Networks 22(1)).
latches           a = 1, W = w I with w > 1: every unit goes to one of two stable states and stays, as in
                  Bengio, Simard & Frasconi 1994 (what came first: two-sequence).

Feeding the output back (Jaeger 2001, section 3) has not been tried here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import optuna
import torch

from longlag.bench.contract import (
    Method,
    SigmoidCrossEntropy,
    Sizes,
    SoftmaxCrossEntropy,
    SquaredError,
    Task,
)
from longlag.methods.parts.echo_state import reservoir
from longlag.methods.parts.echo_state.expansions import Expansion, Plain, Products, RandomTanh, Squares
from longlag.methods.parts.echo_state.reservoir import Leak, Reservoir, Topology
from longlag.methods.parts.echo_state.whitening import Whitening

if TYPE_CHECKING:
    from longlag.bench.contract import SequenceModel

Features = Literal["linear", "squares", "products", "random"]
WHITENED = ("products", "random")
"""Features of whitened states: those of all states would be too many."""
MOST_UNITS = 1600
"""Of a delay line: a readout of F features takes up to 9 F^3 FLOPs to solve."""


class EchoState(Method):
    """A fixed reservoir with a ridge readout."""

    name = "echo_state"
    source = "Jaeger 2001, GMD report 148; Jaeger 2012, Jacobs University technical report 27"

    def supports(self, task: Task) -> str | None:
        """Losses whose targets can be regressed."""
        if isinstance(task.loss, SquaredError | SoftmaxCrossEntropy | SigmoidCrossEntropy):
            return None
        return "the readout is a linear regression: it needs a squared error or a cross entropy"

    def warm_up(self) -> None:
        """Compile the harvest's kernels, or load them."""
        reservoir.warm_up()

    def recipes(self, sizes: Sizes) -> Sequence[Mapping[str, Any]]:
        """Slow integrators with squares; a delay line; slow integrators with random features.

        The delay line needs more units than steps, and more the more symbols there are to tell apart; where
        the lag is longer than any line, all products of whitened slow units take its place. The last has no
        bias, so that its state depends on when something came in, not on when the sequence began.
        """
        slow = {
            "memory": "slow",
            "leak_scale": 0.1,
            "leaky_topology": "ring",
            "leaky_radius": 0.03,
            "leaky_input_scale": 1.0,
            "biased": True,
            "bias": 0.5,
            "units": 200,
            "features": "squares",
            "readout": "exact",
            "exact_ridge": 1e-13,
            "all_steps": True,
            "batch_size": 50,
        }
        delay = {
            "memory": "delay",
            "delay_topology": "ring",
            "delay_radius": 1.0,
            "delay_input_scale": 1e-3,
            "biased": False,
            "delay_units": min((sizes.lag + 50) * max(1, sizes.inputs // 2 - 1), MOST_UNITS),
            "features": "linear",
            "readout": "exact",
            "exact_ridge": 1e-13,
            "all_steps": True,
            "batch_size": 20,
        }
        random = {
            "memory": "slow",
            "leak_scale": 1.0,
            "leaky_topology": "none",
            "leaky_input_scale": 2.0,
            "biased": False,
            "units": 60,
            "features": "random",
            "components": 6,
            "random_features": 300,
            "feature_scale": 1.0,
            "readout": "exact",
            "exact_ridge": 1e-9,
            "all_steps": False,
            "steps": 50,
            "batch_size": 20,
        }
        products = {
            "memory": "slow",
            "leak_scale": 0.05,
            "leaky_topology": "none",
            "leaky_input_scale": 1.0,
            "biased": True,
            "bias": 0.5,
            "units": 60,
            "features": "products",
            "components": 10,
            "readout": "exact",
            "exact_ridge": 1e-13,
            "all_steps": True,
            "batch_size": 50,
        }
        return slow, delay if sizes.lag < MOST_UNITS else products, random

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """What makes the memory, its size, what the readout is given, and how it is fitted.

        The memory is leaky units of three kinds, a delay line, or units that latch. `leak_scale` is the
        slowest leak rate times the task's lag. An exact readout is one that may use the last digits of
        the states; a smooth one may not, for its penalty or for noise in the states.
        """
        memory = trial.suggest_categorical("memory", ("slow", "spread", "blocks", "delay", "latch"))
        if memory == "delay":
            chosen = self._delay_line(trial)
        elif memory == "latch":
            chosen = self._latches(trial)
        else:
            chosen = self._leaky(trial, memory)
        if trial.suggest_categorical("biased", (True, False)):
            chosen["bias"] = trial.suggest_float("bias", 0.01, 1.0, log=True)
        chosen |= self._features(trial) | self._regression(trial)
        if not trial.suggest_categorical("all_steps", (True, False)):
            chosen["steps"] = trial.suggest_int("steps", 10, 500, log=True)
        return {**chosen, "batch_size": trial.suggest_int("batch_size", 20, 200, log=True)}

    @staticmethod
    def _leaky(trial: optuna.Trial, leak: str) -> dict[str, Any]:
        topology = trial.suggest_categorical("leaky_topology", ("none", "ring", "sparse", "orthogonal"))
        chosen = {
            "leak": leak,
            "leak_scale": trial.suggest_float("leak_scale", 0.01, 3.0, log=True),
            "topology": topology,
            "input_scale": trial.suggest_float("leaky_input_scale", 0.05, 3.0, log=True),
            "units": trial.suggest_int("units", 20, 500, log=True),
        }
        if topology != "none":
            chosen["radius"] = trial.suggest_float("leaky_radius", 0.01, 1.05, log=True)
        return chosen

    @staticmethod
    def _delay_line(trial: optuna.Trial) -> dict[str, Any]:
        topology = trial.suggest_categorical("delay_topology", ("ring", "orthogonal", "sparse"))
        # The radius of a large sparse matrix is slow to find.
        most, name = (500, "sparse_units") if topology == "sparse" else (MOST_UNITS, "delay_units")
        return {
            "leak": "none",
            "topology": topology,
            "radius": trial.suggest_float("delay_radius", 0.9, 1.05),
            "input_scale": trial.suggest_float("delay_input_scale", 1e-4, 3.0, log=True),
            "units": trial.suggest_int(name, 50, most, log=True),
        }

    @staticmethod
    def _latches(trial: optuna.Trial) -> dict[str, Any]:
        return {
            "leak": "none",
            "topology": "self",
            "radius": trial.suggest_float("latch_radius", 0.9, 3.0),
            "input_scale": trial.suggest_float("latch_input_scale", 0.05, 3.0, log=True),
            "units": trial.suggest_int("units", 20, 500, log=True),
        }

    @staticmethod
    def _features(trial: optuna.Trial) -> dict[str, Any]:
        features = trial.suggest_categorical("features", ("linear", "squares", "products", "random"))
        chosen: dict[str, Any] = {"features": features}
        if features in WHITENED:
            chosen["components"] = trial.suggest_int("components", 3, 30, log=True)
        if features == "random":
            chosen["random_features"] = trial.suggest_int("random_features", 50, 1000, log=True)
            chosen["feature_scale"] = trial.suggest_float("feature_scale", 0.1, 3.0, log=True)
        return chosen

    @staticmethod
    def _regression(trial: optuna.Trial) -> dict[str, Any]:
        if trial.suggest_categorical("readout", ("exact", "smooth")) == "exact":
            return {"ridge": trial.suggest_float("exact_ridge", 1e-13, 1e-9, log=True)}
        chosen = {"ridge": trial.suggest_float("smooth_ridge", 1e-10, 1e-2, log=True)}
        if trial.suggest_categorical("noisy", (False, True)):
            chosen["noise"] = trial.suggest_float("noise", 1e-6, 1e-3, log=True)
        return chosen

    def build(  # type: ignore[override]
        self,
        task: Task,
        *,
        units: int,
        input_scale: float,
        ridge: float,
        topology: Topology = "sparse",
        radius: float = 0.0,
        leak: Leak = "none",
        leak_scale: float = 1.0,
        bias: float = 0.0,
        features: Features = "linear",
        components: int = 10,
        random_features: int = 500,
        feature_scale: float = 1.0,
        noise: float = 0.0,
        steps: int | None = None,
        batch_size: int = 200,
    ) -> SequenceModel:
        """The model; weights from torch's global generator, input weights U[-1, 1] `input_scale`."""
        # With Lightning, which takes seconds to import; nothing but training needs it.
        from longlag.methods.parts.echo_state.reservoir_model import EchoStateModel

        recurrent = reservoir.recurrent_weights(units, topology, radius)
        inputs = (2.0 * torch.rand(units, task.input_size, dtype=torch.float64) - 1.0) * input_scale
        biases = torch.randn(units, dtype=torch.float64) * bias
        rates = reservoir.leak_rates(units, leak, leak_scale / task.lag)
        layer = Reservoir(recurrent, inputs, biases, rates)
        whitening = Whitening(units, components) if features in WHITENED else None
        width = units if whitening is None else whitening.components
        expansion: Expansion
        if features == "random":
            expansion = RandomTanh(width, random_features, feature_scale)
        elif features == "products":
            expansion = Products(width)
        else:
            expansion = Squares(width) if features == "squares" else Plain(width)
        return EchoStateModel(
            task,
            layer,
            ridge=ridge,
            whitening=whitening,
            expansion=expansion,
            noise=noise,
            steps=steps,
            batch_size=batch_size,
        )
