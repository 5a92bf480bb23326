"""Text: predict every next character; a mark that was opened is closed by its name, a context of T later.

Inputs: 30 one-hot characters, a to z, space, < / and >, all of the sequence but its last. Targets: the next
character, at every step. Loss: softmax cross entropy in nats a character; over ln 2 it is bits a byte.
Wrong: at one of the four letters of the closing name another character is more probable.

A sequence is <name>, words at random until the context is long enough, the last cut off, and </name>; the
name is one of eight, all of four letters, no two with the same first. T steps, the lag, lie between the
opening name's last letter and the step that has to predict the closing one's first. Length: T + 9. What is
said in between helps nobody to know the name, so a net whose context is shorter than T pays log2 8 = 3 bits
for that letter, and one that remembers pays nothing: all else costs the same, whatever a net remembers. What
the words cost at best, one of sixteen, 4 bits each, remains, and no net gets the loss to 0.

Why not text that somebody wrote? There no context makes the next character sure, so no rule could say that a
net has solved it, and which context helps is not known. `longlag compress` measures bits a byte on any file.

Trivial predictor, how often each character comes: its entropy, 2.5 to 2.9 nats (3.6 to 4.2 bits a byte); and
any of the eight names, 7/8 wrong.

Source: Schmidhuber & Heil 1996, IEEE Transactions on Neural Networks 7(1), for nets that predict text for its
compression; the question is this project's.
"""

from __future__ import annotations

from functools import cache
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from longlag.bench.contract import Batch, Lags, SoftmaxCrossEntropy, Task
from longlag.tasks.parts.draws import Floats, Ints, every_step, integers, one_hot, uniforms
from longlag.tasks.parts.pieces import Pieces
from longlag.tasks.parts.words import ALPHABET

CHARACTERS = ALPHABET + " </>"
NAMES = ("bold", "code", "head", "item", "link", "note", "page", "term")
SAID = (
    "the",
    "of",
    "and",
    "to",
    "in",
    "that",
    "it",
    "was",
    "for",
    "on",
    "with",
    "as",
    "they",
    "at",
    "be",
    "from",
)
"""The words between: few, so that a net's effort goes into the name and not into a vocabulary."""
_LONG = 4
"""Letters of a name."""
_SHORTEST = 4
"""The lag of the shortest context, one character between the marks."""


def coded(text: str) -> Ints:
    """Characters as their places in CHARACTERS."""
    return np.array([CHARACTERS.index(character) for character in text])


@cache
def words() -> Pieces:
    """The words, each with the space behind it."""
    return Pieces.of([coded(word + " ") for word in SAID])


class Text(Task):
    """Predict characters, and close what was opened."""

    name = "text"
    source = (
        "predicting text: Schmidhuber & Heil 1996, IEEE Transactions on Neural Networks 7(1); "
        "the question: this project"
    )
    variants: ClassVar = {"marks": "a mark's name is repeated where it is closed"}
    one_length = ("marks",)
    facts: ClassVar = {
        "inputs": "30 one-hot characters",
        "targets": "the next character, at every step",
        "length": "T + 9",
        "lag": "T, the context: the steps from the opening name's end to the closing one's first letter",
        "loss": "softmax cross entropy; over ln 2 it is bits a byte",
        "wrong": "another character in the closing name",
        "trivial": "how often each character comes: its entropy; any of the eight names: 7/8 wrong",
    }

    def __init__(self, lag: int, variant: str | None = None) -> None:
        super().__init__(lag, variant)
        self.input_size = len(CHARACTERS)
        self.output_size = len(CHARACTERS)
        self.loss = SoftmaxCrossEntropy()
        self.between = lag - _SHORTEST + 1
        self.minimal_lag = lag
        share = shares(self.between)
        self.chance = 1 - 1 / len(NAMES)
        self.chance_loss = float(-(share[share > 0] * np.log(share[share > 0])).sum())

    @classmethod
    def lags(cls, variant: str) -> Lags:
        """From one character between the marks on."""
        return Lags(_SHORTEST)

    def bring_near(self) -> None:
        """The words come first, and nothing lies between the marks."""
        self.minimal_lag = _SHORTEST - 1

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        """Inputs [T + 9, B, 30], targets [T + 9, B] classes."""
        pieces = words()
        block = uniforms(batch_size, 1 + pieces.enough(self.between), generator)
        names = _names()[integers(block[:, 0], 0, len(NAMES))]
        said = pieces.line(integers(block[:, 1:], 0, len(SAID)), self.between)
        opened, closed = (_framed(before, names, ">") for before in ("<", "</"))
        order = (said, opened, closed) if self.is_twin else (opened, said, closed)
        characters = np.concatenate(order, axis=1)
        targets = torch.from_numpy(np.ascontiguousarray(characters[:, 1:].T))
        inputs = one_hot(characters[:, :-1], self.input_size)
        return Batch(inputs, targets, every_step(len(inputs)))

    def wrong(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Another character in the closing name."""
        asked, wanted = (part[-_LONG - 1 : -1] for part in (outputs, batch.targets))
        return (asked.argmax(-1) != wanted).any(0) | outputs.isnan().any(-1).any(0)


@cache
def _names() -> Ints:
    return np.stack([coded(name) for name in NAMES])


def _framed(before: str, names: Ints, after: str) -> Ints:
    """Names [B, 4] with what stands before and after each."""
    ends = (np.tile(coded(end), (len(names), 1)) for end in (before, after))
    first, last = ends
    return np.concatenate([first, names, last], axis=1)


def shares(between: int) -> Floats:
    """How often each character is a target, [30], in sequences of so many characters between the marks."""
    text, places = np.zeros(len(CHARACTERS)), words()
    # how likely a word begins at each place: the first does, and each where one before ends
    begins = np.zeros(between)
    begins[0] = 1.0
    by_length = np.bincount(places.lengths) / len(SAID)
    for at in range(between):
        reach = by_length[: between - at]
        begins[at : at + len(reach)] += begins[at] * reach
    sure = np.cumsum(begins)
    for start, length in zip(places.starts, places.lengths, strict=True):
        for k, character in enumerate(places.rows[start : start + min(length, between)]):
            text[character] += sure[between - 1 - k] / len(SAID)
    names = np.bincount(_names().ravel(), minlength=len(CHARACTERS)) / len(NAMES)
    counts = text + 2 * names + np.bincount(coded("></>"), minlength=len(CHARACTERS))
    found: Floats = counts / counts.sum()
    return found
