"""Echo state network: a recurrent layer left as it was drawn, and a readout found by linear regression.

Nothing is learned through time, so no gradient can vanish or explode: what bridges the lag is memory
the reservoir has from the start (Jaeger 2001, GMD report 148). Jaeger 2012 (Long short-term memory in
echo state networks, Jacobs University report 27) shows how far that goes when the reservoir is made
for the task's time scale:

    x_t = (1 - a) x_(t-1) + a tanh(W x_(t-1) + W_in u_t + b),      y_t = V x_t + c

Leak rates a from about 1/T to 1 sum up what comes in slowly, and tanh mixes it (adding, temporal order);
or a = 1, W orthogonal or a ring, and inputs so small that tanh is linear: a delay line, which holds the
whole past as long as there are more units than steps to remember (memorisation).

The readout is a ridge regression from normal equations, accumulated batch by batch in float64, on
standardised states. It is solved again whenever a tenth more sequences have been seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import optuna
import torch
from torch import Tensor, nn

from bench import Batch, Method, SequenceModel, SigmoidCrossEntropy, SoftmaxCrossEntropy, SquaredError, Task
from methods.parts import reservoir
from methods.parts.reservoir import Leak, Reservoir, Topology
from methods.parts.ridge import NormalEquations

CHUNK = 4_000_000
"""Numbers of state held at once: longer sequences are harvested piece by piece."""
GROWTH = 1.1
"""The rows seen grow by this factor between two solves."""
SHARPNESSES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)


class EchoStateModel(SequenceModel):
    """A fixed reservoir and its readout, trained by regression: there is nothing to optimise by gradient.

    Class targets are regressed one-hot, as y. Where the loss takes logits they are s (2 y - 1), with the
    sharpness s that suited the last batch best before it was learned from (Platt 1999 scaling
    with one parameter): y = 1/2 stays undecided, and probabilities are no surer than the readout is right.
    """

    def __init__(
        self,
        task: Task,
        layer: Reservoir,
        *,
        ridge: float,
        squares: bool = False,
        noise: float = 0.0,
        batch_size: int = 200,
    ) -> None:
        super().__init__(task)
        self.automatic_optimization = False
        self.batch_size = batch_size
        self.layer = layer
        self.ridge = ridge
        self.squares = squares
        self.noise = noise
        features = layer.units * (2 if squares else 1)
        self.equations = NormalEquations(features, task.output_size)
        readout = torch.zeros(features, task.output_size, dtype=torch.float64)
        self.readout = nn.Parameter(readout, requires_grad=False)
        self.intercept = nn.Parameter(readout[0].clone(), requires_grad=False)
        self.logits = not isinstance(task.loss, SquaredError)
        self.register_buffer("sharpness", torch.tensor(4.0, dtype=torch.float64))
        self.register_buffer("solved_rows", torch.tensor(0.0, dtype=torch.float64))
        self._generator = torch.Generator().manual_seed(int(torch.randint(2**62, ())))
        self._cost = 0.0

    sharpness: Tensor
    solved_rows: Tensor

    @property
    def weights(self) -> int:
        """N, recurrent and input weights: all, or the non-zero ones where only those are multiplied."""
        return self.layer.weights

    def configure_optimizers(self) -> Any:
        """None is needed."""
        return []

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Outputs [S, B, K], float32, by the readout last solved."""
        linear = [self._linear(features) for features in self._features(inputs, mask)]
        return self._outputs(torch.cat(linear)).float()

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """Learn from a batch; the loss on it *before* it was learned from."""
        goals = self._goals(batch.targets)
        linear, row = [], 0
        for features in self._features(batch.inputs, batch.mask, self.noise):
            steps = features.shape[0]
            linear.append(self._linear(features))
            self.equations.add(features.flatten(0, 1), goals[row : row + steps].flatten(0, 1))
            row += steps
        before = torch.cat(linear)
        if self.logits and self.solved_rows > 0:
            self._sharpen(before, batch)
        loss: Tensor = self.task.loss(self._outputs(before).float(), batch.targets)
        self._cost = 2.0 * self.weights * batch.length * batch.size
        self._cost += self.equations.add_cost(row * batch.size)
        if self.equations.rows >= GROWTH * self.solved_rows:
            self._solve()
        return loss

    def cost(self, batch: Batch) -> float:
        """FLOPs of the last training step, F features and K outputs.

        2 N T a sequence to harvest, 2 F (F + K) a supervised state to add it to the normal equations, and
        F^3 / 3 + 2 F^2 K where they were solved.
        """
        return self._cost

    def _solve(self) -> None:
        found = self.equations.solve(self.ridge, standardise=True)
        self.readout.copy_(found.weights)
        self.intercept.copy_(found.intercept)
        self.solved_rows.copy_(self.equations.rows)
        self._cost += found.flops

    def _features(self, inputs: Tensor, mask: Tensor, noise: float = 0.0) -> Iterator[Tensor]:
        """Features [S', B, F] at the supervised steps, piece by piece."""
        size, units = inputs.shape[1], self.layer.units
        steps = max(1, CHUNK // (size * units))
        state: Tensor | None = None
        for piece, supervised in zip(inputs.split(steps), mask.split(steps), strict=True):
            disturbance: Tensor | None = None
            if noise:
                shape = (len(piece), size, units)
                normal = torch.randn(shape, generator=self._generator, dtype=torch.float64)
                disturbance = noise * normal.to(inputs.device)
            states, state = reservoir.harvest(self.layer, piece, supervised, state, disturbance)
            if len(states):
                yield self._squared(states) if self.squares else states

    @staticmethod
    def _squared(states: Tensor) -> Tensor:
        """States and their squares, [S, B, 2 N]: a readout of them is quadratic."""
        return torch.cat([states, states.square()], -1)

    def _linear(self, features: Tensor) -> Tensor:
        return features @ self.readout + self.intercept

    def _outputs(self, linear: Tensor) -> Tensor:
        return self.sharpness * (2.0 * linear - 1.0) if self.logits else linear

    def _goals(self, targets: Tensor) -> Tensor:
        """What is regressed, [S, B, K]: classes become one-hot."""
        if targets.is_floating_point():
            return targets.double()
        return nn.functional.one_hot(targets, self.task.output_size).double()

    def _sharpen(self, linear: Tensor, batch: Batch) -> None:
        """Choose the sharpness with the smallest loss; none is smaller than a loss that is not a number."""
        losses = [float(self.task.loss(s * (2.0 * linear - 1.0), batch.targets)) for s in SHARPNESSES]
        self.sharpness.fill_(SHARPNESSES[losses.index(min(losses))])


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

    def start(self, task: Task) -> dict[str, Any]:
        """Leaky units at every time scale up to the task's, with next to no recurrence.

        The bias makes tanh uneven: without it value x marker^2 is all it holds of their product, the
        same for marks 1 and -1.
        """
        return {
            "memory": "spread",
            "leak_scale": 0.17,
            "leaky_topology": "sparse",
            "leaky_radius": 0.07,
            "leaky_input_scale": 0.44,
            "bias": 0.3,
            "units": 100,
            "squares": False,
            "readout": "exact",
            "exact_ridge": 1e-13,
        }

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """What makes the memory (leaky units of three kinds, or a delay line), its size, and the readout.

        `leak_scale` is the slowest leak rate times the task's lag. An exact readout is one that may use the
        last digits of the states; a smooth one may not, for its penalty or for noise in the states.
        """
        memory = trial.suggest_categorical("memory", ("spread", "blocks", "slow", "delay"))
        return {
            **(self._delay_line(trial) if memory == "delay" else self._leaky(trial, memory)),
            "units": trial.suggest_categorical("units", (30, 50, 100, 200, 350, 500)),
            "squares": trial.suggest_categorical("squares", (False, True)),
            **self._regression(trial),
            "batch_size": trial.suggest_categorical("batch_size", (100, 200)),
        }

    @staticmethod
    def _leaky(trial: optuna.Trial, leak: str) -> dict[str, Any]:
        return {
            "leak": leak,
            "leak_scale": trial.suggest_float("leak_scale", 0.05, 3.0, log=True),
            "topology": trial.suggest_categorical("leaky_topology", ("sparse", "orthogonal", "ring")),
            "radius": trial.suggest_float("leaky_radius", 0.01, 1.05, log=True),
            "input_scale": trial.suggest_float("leaky_input_scale", 0.05, 3.0, log=True),
            "bias": trial.suggest_float("bias", 0.01, 1.0, log=True),
        }

    @staticmethod
    def _delay_line(trial: optuna.Trial) -> dict[str, Any]:
        chosen: dict[str, Any] = {
            "leak": "none",
            "topology": trial.suggest_categorical("delay_topology", ("orthogonal", "ring", "sparse")),
            "radius": trial.suggest_float("delay_radius", 0.9, 1.05),
            "input_scale": trial.suggest_float("delay_input_scale", 1e-4, 3.0, log=True),
        }
        if trial.suggest_categorical("delay_biased", (False, True)):
            chosen["bias"] = trial.suggest_float("delay_bias", 0.01, 1.0, log=True)
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
        radius: float,
        input_scale: float,
        ridge: float,
        topology: Topology = "sparse",
        leak: Leak = "none",
        leak_scale: float = 1.0,
        bias: float = 0.0,
        squares: bool = False,
        noise: float = 0.0,
        batch_size: int = 200,
    ) -> SequenceModel:
        """The model; weights from torch's global generator, input weights U[-1, 1] `input_scale`."""
        recurrent = reservoir.recurrent_weights(units, topology, radius)
        inputs = (2.0 * torch.rand(units, task.input_size, dtype=torch.float64) - 1.0) * input_scale
        biases = torch.randn(units, dtype=torch.float64) * bias
        rates = reservoir.leak_rates(units, leak, leak_scale / task.lag)
        layer = Reservoir(recurrent, inputs, biases, rates)
        return EchoStateModel(task, layer, ridge=ridge, squares=squares, noise=noise, batch_size=batch_size)
