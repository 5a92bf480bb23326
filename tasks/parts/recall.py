"""Tasks that show some symbols, wait, and ask for them back: memorisation and copy memory."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from longlag.bench.contract import Batch, SoftmaxCrossEntropy, Task
from longlag.tasks.parts.draws import Ints, every_step, integers, one_hot, uniforms
from longlag.tasks.parts.rules import wrong_class


class Recall(Task):
    """n symbols of k, T steps of blanks of which the last is a trigger, and n steps to recall in.

    Inputs one-hot [T + 2n, B, k + 2]: the symbols, then blank, then trigger. Targets [T + 2n, B] of
    k + 1 classes: blank until the trigger has been seen, then the n symbols in order.
    """

    def __init__(self, lag: int, variant: str | None, symbols: int, alphabet: int) -> None:
        super().__init__(lag, variant)
        self.symbols = symbols
        self.alphabet = alphabet
        self.blank = alphabet
        self.trigger = alphabet + 1
        self.length = lag + 2 * symbols
        self.input_size = alphabet + 2
        self.output_size = alphabet + 1
        self.loss = SoftmaxCrossEntropy()
        self.minimal_lag = lag + symbols
        self.chance = 1 - float(alphabet) ** -symbols
        self.chance_loss = symbols * math.log(alphabet) / self.length

    def bring_near(self) -> None:
        """The symbols come just before the trigger, so that each is kept for n + 1 steps."""
        self.minimal_lag = self.symbols + 1

    def placed(self, batch_size: int, generator: torch.Generator) -> tuple[Ints, Ints]:
        """The symbols [B, n] in order, and the steps [B, n] or [n] they are shown at."""
        shown = integers(uniforms(batch_size, self.symbols, generator), 0, self.alphabet)
        return shown, np.arange(self.symbols) + (self.lag - 1 if self.is_twin else 0)

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        """Inputs [T + 2n, B, k + 2], targets [T + 2n, B] classes."""
        shown, steps = self.placed(batch_size, generator)
        sequence = np.full((batch_size, self.length), self.blank)
        sequence[np.arange(batch_size)[:, None], steps] = shown
        sequence[:, self.lag + self.symbols - 1] = self.trigger
        answer = np.full((self.length, batch_size), self.blank)
        answer[-self.symbols :] = shown.T
        return Batch(one_hot(sequence, self.input_size), torch.from_numpy(answer), every_step(self.length))

    def wrong_symbols(self, outputs: Tensor, batch: Batch) -> Tensor:
        """How many of the n recalled symbols are wrong, ints [B] (the figure some papers report)."""
        errors = outputs.argmax(-1) != batch.targets
        return errors[-self.symbols :].sum(0)

    def wrong(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Any wrong symbol or blank at any step."""
        return wrong_class(outputs, batch)
