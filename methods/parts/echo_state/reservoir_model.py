"""A reservoir with its readout as a LightningModule: a training step is a few more rows of a regression.

The readout is a ridge regression from normal equations, accumulated batch by batch in float64, on
standardised features of the states. It is solved again whenever a tenth more rows have been seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor, nn

from longlag.bench.contract import Batch, SequenceModel, SquaredError, Task
from longlag.methods.parts.draws import Draws
from longlag.methods.parts.echo_state import reservoir
from longlag.methods.parts.echo_state.expansions import Expansion, Plain
from longlag.methods.parts.echo_state.reservoir import Reservoir
from longlag.methods.parts.echo_state.ridge import SETTLED, NormalEquations
from longlag.methods.parts.echo_state.whitening import Whitening

CHUNK = 4_000_000
"""Numbers of state or feature held at once: longer sequences are harvested piece by piece."""
GROWTH = 1.1
"""The rows seen grow by this factor between two solves."""
WHITENING_BATCHES, WHITENING_SEQUENCES = 3, 100
"""What decides the whitening at least: several batches, as each may have a length of its own."""
SHARPNESSES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)


class EchoStateModel(SequenceModel):
    """A fixed reservoir and its readout, trained by regression: there is nothing to optimise by gradient.

    Class targets are regressed one-hot, as y. Where the loss takes logits they are s (2 y - 1), with the
    sharpness s that suited the last batch best before it was learned from (Platt 1999 scaling
    with one parameter): y = 1/2 stays undecided, and probabilities are no surer than the readout is right.

    With a `whitening`, the first batches decide that alone, and are not regressed on.
    """

    # A fit in closed form is final at once: checked rarely, it is charged for sequences it had no need of.
    check_share: float | None = 1.0

    def __init__(
        self,
        task: Task,
        layer: Reservoir,
        *,
        ridge: float,
        whitening: Whitening | None = None,
        expansion: Expansion | None = None,
        noise: float = 0.0,
        steps: int | None = None,
        batch_size: int = 200,
    ) -> None:
        super().__init__(task)
        self.automatic_optimization = False
        self.batch_size = batch_size
        self.layer = layer
        self.ridge = ridge
        self.noise = noise
        self.steps = steps
        self.whitening = whitening
        width = layer.units if whitening is None else whitening.components
        self.expansion = Plain(width) if expansion is None else expansion
        features = self.expansion.count
        self.equations = NormalEquations(features, task.output_size)
        readout = torch.zeros(features, task.output_size, dtype=torch.float64)
        self.readout = nn.Parameter(readout, requires_grad=False)
        self.intercept = nn.Parameter(readout[0].clone(), requires_grad=False)
        self.logits = not isinstance(task.loss, SquaredError)
        self.register_buffer("sharpness", torch.tensor(4.0, dtype=torch.float64))
        self.register_buffer("solved_rows", torch.tensor(0.0, dtype=torch.float64))
        self.register_buffer("batches", torch.tensor(0))
        self.register_buffer("seen", torch.tensor(0))
        self.draws = Draws()
        self._cost = 0.0

    sharpness: Tensor
    solved_rows: Tensor
    batches: Tensor
    seen: Tensor

    @property
    def weights(self) -> int:
        """N, recurrent and input weights: all, or the non-zero ones where only those are multiplied."""
        return self.layer.weights

    @property
    def state_bytes(self) -> float:
        """The states of all units."""
        return float(self.layer.units * self.readout.element_size())

    def get_extra_state(self) -> dict[str, Tensor]:
        """The weights as they were drawn, without which the readout is worth nothing."""
        return {each.name: getattr(self.layer, each.name) for each in fields(self.layer)}

    def set_extra_state(self, state: dict[str, Tensor]) -> None:
        """A reservoir of these weights."""
        self.layer = Reservoir(**state)

    @property
    def revision(self) -> int:
        """The rows that the readout was solved with."""
        return int(self.solved_rows)

    def configure_optimizers(self) -> Any:
        """None is needed."""
        return []

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Outputs [S, B, K], float32, by the readout last solved."""
        linear = [self._linear(features) for features in self._features(inputs, mask)]
        return self._outputs(torch.cat(linear)).float()

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """Learn from a batch; the loss on it *before* it was learned from."""
        self._cost = 2.0 * self.weights * batch.length * batch.size
        self.batches += 1
        self.seen += batch.size
        batch = self.thinned(batch)
        if self.whitening is not None and not self.whitening.fixed:
            self._whiten(self.whitening, batch)
            nothing = self.readout.new_zeros(int(batch.mask.sum()), batch.size, self.task.output_size)
            return self.task.loss(self._outputs(nothing).float(), batch.targets)
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
        self._cost += row * batch.size * self._feature_flops + self.equations.add_cost(row * batch.size)
        if self.settled or self.equations.rows >= GROWTH * self.solved_rows:
            self._solve()
        return self.task.loss(self._outputs(before).float(), batch.targets)

    @property
    def settled(self) -> bool:
        """Whether it has seen so many sequences that its fit is final; not steps, which may be alike."""
        return int(self.seen) >= SETTLED * self.expansion.count

    def cost(self, batch: Batch) -> float:
        """FLOPs of the last training step, F features and K outputs.

        2 N T a sequence to harvest; to whiten and expand a supervised state what these say they take;
        2 F (F + K) to add it to the normal equations, and F^3 / 3 + 2 F^2 K where they were solved.
        """
        return self._cost

    def thinned(self, batch: Batch) -> Batch:
        """The batch with at most `steps` of its supervised steps, drawn anew."""
        supervised = batch.mask.nonzero().flatten()
        if self.steps is None or len(supervised) <= self.steps:
            return batch
        drawn = torch.randperm(len(supervised), generator=self.draws.generator)[: self.steps].sort().values
        mask = torch.zeros_like(batch.mask)
        mask[supervised[drawn.to(mask.device)]] = True
        return Batch(batch.inputs, batch.targets[drawn], mask)

    @property
    def _feature_flops(self) -> float:
        """FLOPs from a state to its features."""
        return self.expansion.flops + (0.0 if self.whitening is None else self.whitening.flops)

    def _whiten(self, whitening: Whitening, batch: Batch) -> None:
        """Add a batch to what the whitening is made by; fix it once there are enough."""
        for states in self.states(batch.inputs, batch.mask, self.noise):
            self._cost += whitening.add(states.flatten(0, 1))
        if self.batches >= WHITENING_BATCHES and self.seen >= WHITENING_SEQUENCES:
            self._cost += whitening.fix()

    def _solve(self) -> None:
        found = self.equations.solve(self.ridge)
        self.readout.copy_(found.weights)
        self.intercept.copy_(found.intercept)
        self.solved_rows.copy_(self.equations.rows)
        self._cost += found.flops

    def _features(self, inputs: Tensor, mask: Tensor, noise: float = 0.0) -> Iterator[Tensor]:
        """Features [S', B, F] at the supervised steps, piece by piece."""
        for states in self.states(inputs, mask, noise):
            yield self.expansion(states if self.whitening is None else self.whitening(states))

    def states(self, inputs: Tensor, mask: Tensor, noise: float) -> Iterator[Tensor]:
        """States [S', B, N] at the supervised steps, piece by piece."""
        size, units = inputs.shape[1], self.layer.units
        steps = max(1, CHUNK // (size * max(units, self.expansion.count)))
        state: Tensor | None = None
        for piece, supervised in zip(inputs.split(steps), mask.split(steps), strict=True):
            disturbance: Tensor | None = None
            if noise:
                shape = (len(piece), size, units)
                normal = torch.randn(shape, generator=self.draws.generator, dtype=torch.float64)
                # As much of it as of everything else that enters a unit.
                disturbance = (noise * self.layer.leak * normal).to(inputs.device)
            states, state = reservoir.harvest(self.layer, piece, supervised, state, disturbance)
            if len(states):
                yield states

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
