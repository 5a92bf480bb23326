"""Handwriting: joined script goes by as a pen's steps; say at the end which letter the marked one was.

Inputs: a step's dx and dy in units of a mean step, 1 where the pen moved through the air, 1 while the marked
letter is written. Target: that letter, a to z, at the last step. Loss: softmax cross entropy. Wrong: another
letter; solved when less than 10% are.

The marked letter is written first, at the end of a slot of 27 steps in which the pen rests before; then
words of a list follow, in one line, for T steps, T the lag. So T steps are bridged, from the letter's last
step to the answer, and what is written meanwhile is of the same kind as what is to be kept: no other letter
is marked. Length: 27 + T. The letter is uniform over 26; the words are drawn anew for each sequence, as are
slant (standard deviation .15), turn, scale and stretch (5%, 15%, 10%), one of three speeds, and what shakes
every point (4% of a step).

Why not whole words, by a loss that sums over all ways of spreading their letters (CTC)? A net that reads
forwards meets a letter before it is whole, and neither a ridge readout nor Gauss-Newton products know that
loss: it would be a task for one method. That reader, which reads both ways, is in the gallery. Here every
method has the same question with one right answer, and the lag is how long that is kept.

Trivial predictor, equal probabilities: loss ln 26, 25/26 of the sequences wrong.

Source: pen strokes after Graves et al. 2009, IEEE TPAMI 31(5), and Liwicki & Bunke 2005, ICDAR; the letters
are Hershey's script of 1967. The question is this project's.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from longlag.bench.contract import Batch, SoftmaxCrossEntropy, Task
from longlag.tasks.parts import script
from longlag.tasks.parts.draws import Flags, Floats, Ints, integers, last_step, normals, uniforms
from longlag.tasks.parts.rules import wrong_class
from longlag.tasks.parts.words import ALPHABET, WORDS

SLOT = 27
"""Steps of the marked letter's place: as many as the longest letter takes when written slowly."""
SLANT, TURN, SCALE, STRETCH, TREMOR = 0.15, 0.05, 0.15, 0.1, 0.04
_BENDINGS = 4


class Handwriting(Task):
    """Tell a letter that was written before other words were."""

    name = "handwriting"
    source = (
        "pen strokes after Graves et al. 2009, IEEE TPAMI 31(5); letters: Hershey 1967, NWL report 2101; "
        "the question: this project"
    )
    variants: ClassVar = {"script": "joined script, one letter marked, then words"}
    one_length = ("script",)
    solved_below = 0.1
    facts: ClassVar = {
        "inputs": "4: dx, dy, pen lifted, marked",
        "targets": "the marked letter, 26 classes, at the last step",
        "length": f"T + {SLOT}",
        "lag": "T, the steps of writing after the marked letter",
        "loss": "softmax cross entropy",
        "wrong": "another letter; solved below 10%",
        "trivial": "equal probabilities: ln 26, 25/26 wrong",
    }

    def __init__(self, lag: int, variant: str | None = None) -> None:
        super().__init__(lag, variant)
        self.input_size = 4
        self.output_size = len(ALPHABET)
        self.loss = SoftmaxCrossEntropy()
        self.chance = 1 - 1 / self.output_size
        self.chance_loss = math.log(self.output_size)
        self.minimal_lag = lag

    def bring_near(self) -> None:
        """The marked letter is written last, its end one step before the answer."""
        self.minimal_lag = 1

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        """Inputs [T + 27, B, 4], targets [1, B] classes."""
        length = SLOT + self.lag
        words, paces = script.words(), len(script.PACES)
        count = words.enough(self.lag)
        block = uniforms(batch_size, 2 + _BENDINGS + count + 2 * length, generator)
        pace, letter = (integers(block[:, k], 0, n) for k, n in ((0, paces), (1, len(ALPHABET))))
        bendings = normals(block[:, 2 : 2 + _BENDINGS])
        chosen = integers(block[:, 2 + _BENDINGS : 2 + _BENDINGS + count], 0, len(WORDS))

        steps = np.zeros((batch_size, length, 4), dtype=np.float32)
        start = self.lag - 1 if self.is_twin else 0
        marked = steps[:, start : start + SLOT]
        others = np.r_[0:start, start + SLOT : length]
        steps[:, others, :3] = words.line(chosen + len(WORDS) * pace[:, None], self.lag)
        resting = _into_slots(marked, letter + len(ALPHABET) * pace)
        factors = (np.exp(share * bendings[:, k]) for k, share in ((2, SCALE), (3, STRETCH)))
        script.bent(steps, SLANT * bendings[:, 0], TURN * bendings[:, 1], *factors)
        steps[..., :2] /= script.UNIT
        steps[..., :2] += TREMOR * normals(block[:, -2 * length :]).reshape(batch_size, length, 2)
        # where the pen rests nothing trembles
        marked[resting] = (0, 0, 1, 0)
        inputs = torch.from_numpy(np.ascontiguousarray(steps.transpose(1, 0, 2)))
        return Batch(inputs, torch.from_numpy(letter).unsqueeze(0), last_step(length))

    def wrong(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Another letter."""
        return wrong_class(outputs, batch)


def _into_slots(slots: Floats, chosen: Ints) -> Flags:
    """Write the chosen letters [B], marked, at the ends of their slots [B, SLOT, 4]; which steps are none."""
    letters = script.letters()
    lengths = letters.lengths[chosen]
    into = np.arange(SLOT) - (SLOT - lengths)[:, None]
    on = into >= 0
    slots[on, :3] = letters.rows[(letters.starts[chosen][:, None] + into)[on]]
    slots[on, 3] = 1
    return ~on
