"""The embedded Reber grammar: predict what may come next; the last symbol but one repeats the second.

Inputs: 7 one-hot symbols, B T S X V P E, all of the string but its last. Targets: the symbols that may come
next, a 1 for each legal one, at every step. Loss: sigmoid cross entropy. Wrong: at some step a symbol that
may not come is as active as one that may (the legal symbols must be the most active ones).

Length: strings of one length a batch; the length is drawn from the grammar's own law, the strings from the
grammar given the length, so that every string has its natural probability. `lag` is the number of symbols of
the shortest string: lag 9 is the published task, all strings; a longer lag keeps the strings of that many
symbols and more. At least lag - 4 steps are bridged, from the second symbol to the step that predicts it
again.

Splits: no string of one is in another. Strings go by the Reber string inside (its first 16 symbols), about
2/5 of them to training and 1/5 each to validation, confirmation and test; those of fewer than 12 symbols are
too few to be shared out, and all go to training. So the training lengths follow the grammar's law from `lag`
on, the others its law from 12 (or `lag`) on, and within a length all strings of a split are equally
probable, as they are in the grammar. (The paper keeps its 256 training strings out of its test set, and they
hold nearly all of the shortest ones, too.)

Trivial predictor, for every symbol how often it is legal: its entropy, every string wrong.

Source: Hochreiter & Schmidhuber 1997, experiment 1 (256 training and 256 test strings there; fresh ones
here); grammar: Cleeremans, Servan-Schreiber & McClelland 1989, Neural Computation 1(3).
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from longlag.bench.contract import Batch, Lags, SigmoidCrossEntropy, Split, Task
from longlag.tasks.parts.draws import every_step, uniforms
from longlag.tasks.parts.entropy import binary_entropy
from longlag.tasks.parts.grammar import NUMEROUS, PARTS, SHORTEST, SYMBOLS, grammar

# The parts of the grammar that each split holds.
SPLITS: dict[Split, tuple[int, ...]] = {
    "train": (0, 1),
    "validation": (2,),
    "confirmation": (3,),
    "test": (4,),
}
ALL = tuple(range(PARTS))


class Reber(Task):
    """Strings of the embedded Reber grammar."""

    name = "reber"
    source = "Hochreiter & Schmidhuber 1997, Neural Computation 9(8), experiment 1"
    variants: ClassVar = {"embedded": "B, T or P, a Reber string, the same T or P, E"}
    facts: ClassVar = {
        "inputs": "7 one-hot symbols",
        "targets": "the legal next symbols, at every step",
        "length": "that of the string but one, one length a batch, by the grammar's own law; "
        "strings of fewer than 12 symbols are all for training",
        "lag": "symbols of the shortest string (published: 9); at least lag - 4 is bridged",
        "loss": "sigmoid cross entropy",
        "wrong": "an illegal symbol as active as a legal one, at any step",
        "trivial": "how often each symbol is legal: its entropy, all wrong",
    }

    # A net may know the strings of all lengths but one.
    of_a_length = 2

    def __init__(self, lag: int, variant: str | None = None) -> None:
        super().__init__(lag, variant)
        self.input_size = len(SYMBOLS)
        self.output_size = len(SYMBOLS)
        self.loss = SigmoidCrossEntropy()
        self.grammar = grammar(lag)
        self.minimal_lag = lag - 4
        share = self.grammar.legal_share()
        self.chance = 1.0
        self.chance_loss = binary_entropy(share)

    @classmethod
    def lags(cls, variant: str) -> Lags:
        """From the shortest string of the grammar on."""
        return Lags(SHORTEST, 1000)

    @classmethod
    def no_twin(cls, variant: str) -> str:
        """None."""
        return "the grammar says where its symbols stand"

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        """Training strings: inputs [L - 1, B, 7], targets [L - 1, B, 7] in {0, 1}."""
        return self.draw(batch_size, generator, "train")

    def draw(self, batch_size: int, generator: torch.Generator, split: Split) -> Batch:
        """Strings of one split."""
        tables = self.grammar if split == "train" else grammar(max(self.lag, NUMEROUS))
        place = torch.rand(1, generator=generator, dtype=torch.float64).item()
        longest = len(tables.cumulative) - 1
        length = tables.shortest + min(int(tables.cumulative.searchsorted(place, "right")), longest)
        steps = length - 1
        parts = ALL if length < NUMEROUS else SPLITS[split]
        inputs, targets = tables.walk(uniforms(batch_size, steps, generator), length, parts)
        return Batch(torch.from_numpy(inputs), torch.from_numpy(targets), every_step(steps))

    def wrong(self, outputs: Tensor, batch: Batch) -> Tensor:
        """An illegal symbol is as active as a legal one."""
        legal = batch.targets > 0.5
        least = outputs.masked_fill(~legal, float("inf")).amin(-1)
        most = outputs.masked_fill(legal, float("-inf")).amax(-1)
        return ~(least > most).all(0)
