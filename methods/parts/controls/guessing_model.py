"""Random guessing as a LightningModule: a training step judges some more nets on a fresh batch."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import torch
from torch import Tensor, nn

from longlag.bench.contract import Batch, SequenceModel, SquaredError, Task
from longlag.methods.parts.controls.guesses import Guesses
from longlag.methods.parts.draws import Draws

MOST = 512
"""Nets guessed at a step."""
NUMBERS = 4_000_000
"""Numbers of input or state held at once: of longer sequences fewer nets are guessed at a step."""
FIRST, LIKELY = 6, 8
"""Sequences that every guess is judged on, and how many guesses on the rest of the batch, too."""


class GuessingModel(SequenceModel):
    """The best net guessed so far; nothing is trained.

    At every step a number of fresh nets answers the first sequences of the batch, and those least wrong
    (always as many, so that all steps cost alike) the rest. The best of them is kept where it beats the one
    kept before, which answers every batch as well. They are compared by (wrong + 1) / (asked + 2), as what
    has been right on more sequences is the surer.
    """

    batch_size = 100

    def __init__(self, task: Task, *, units: int, scale: float) -> None:
        super().__init__(task)
        self.automatic_optimization = False
        self.logits = not isinstance(task.loss, SquaredError)
        self.net_sizes = task.input_size, units, task.output_size
        self.scale = scale
        self.draws = Draws()
        best = self._draw(1)
        self.best = nn.ParameterDict(
            {part.name: nn.Parameter(getattr(best, part.name), requires_grad=False) for part in fields(best)}
        )
        self.register_buffer("wrong", torch.tensor(0.0, dtype=torch.float64))
        self.register_buffer("asked", torch.tensor(0.0, dtype=torch.float64))
        self._cost = 0.0

    wrong: Tensor
    asked: Tensor

    @property
    def weights(self) -> int:
        """N, recurrent and input weights of one net."""
        entering, units, _ = self.net_sizes
        return units * (units + entering)

    @property
    def state_bytes(self) -> float:
        """The states of one net."""
        return float(self.net_sizes[1] * next(iter(self.best.values())).element_size())

    def configure_optimizers(self) -> Any:
        """None is needed."""
        return []

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Outputs [S, B, K] of the best net so far."""
        return Guesses(**self.best).answers(inputs, mask, self.logits).squeeze(1)

    @torch.no_grad()
    def training_step(self, batch: Batch, index: int) -> Tensor:
        """Guess and judge; the loss of the net kept before."""
        self._cost = 0.0
        outputs = self(batch.inputs, batch.mask)
        self._charge(batch, batch.size)
        self.wrong += int(self.task.wrong(outputs, batch).sum())
        self.asked += batch.size

        first = batch.narrow(min(FIRST, batch.size))
        guesses = self._draw(min(MOST, self._room(first)))
        wrong = self._judge(guesses, first)
        likely = wrong.sort(stable=True).indices[:LIKELY]
        guesses, wrong = guesses.chosen(likely), wrong[likely]
        if batch.size > first.size:
            rest = batch.narrow(batch.size, first.size)
            parts = torch.arange(len(likely)).split(self._room(rest))
            wrong = wrong + torch.cat([self._judge(guesses.chosen(part), rest) for part in parts])
        least = wrong.argmin()
        if (wrong[least] + 1) / (batch.size + 2) < (self.wrong + 1) / (self.asked + 2):
            for name, kept in self.best.items():
                kept.copy_(getattr(guesses, name)[least : least + 1])
            self.wrong.fill_(float(wrong[least]))
            self.asked.fill_(batch.size)
        return self.task.loss(outputs, batch.targets)

    def cost(self, batch: Batch) -> float:
        """FLOPs of the last training step: a forward pass, 2 N T, for every sequence a net was judged on."""
        return self._cost

    def _draw(self, count: int) -> Guesses:
        return Guesses.drawn(count, self.net_sizes, self.scale, self.logits, self.draws.generator)

    def _room(self, batch: Batch) -> int:
        """How many nets can answer `batch` at once."""
        return max(1, NUMBERS // (batch.length * batch.size * max(self.net_sizes)))

    def _charge(self, batch: Batch, sequences: int) -> None:
        self._cost += 2.0 * self.weights * batch.length * sequences

    def _judge(self, guesses: Guesses, batch: Batch) -> Tensor:
        """How many sequences of `batch` each guess gets wrong, ints [G]."""
        outputs = guesses.answers(batch.inputs, batch.mask, self.logits)
        count = outputs.shape[1]
        self._charge(batch, count * batch.size)
        # Every net's answers side by side, as if they were to one large batch.
        asked = Batch(batch.inputs.repeat(1, count, 1), _repeated(batch.targets, count), batch.mask)
        return self.task.wrong(outputs.flatten(1, 2), asked).view(count, batch.size).sum(1)


def _repeated(targets: Tensor, count: int) -> Tensor:
    return targets.repeat(1, count, *([1] * (targets.dim() - 2)))
