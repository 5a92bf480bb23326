"""Images read pixel by pixel: what the tasks on real data share.

The data are finite: split once, the same for everyone, stratified by class. Training sequences are drawn with
replacement. Validation, confirmation and test sequences are walked through, one walk a generator: each image
once, and from the start again, in another order, when more are asked for than there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longlag.bench.contract import Batch, SoftmaxCrossEntropy, Split, Task
from longlag.tasks.parts.draws import Ints, integers, last_step, uniforms
from longlag.tasks.parts.rules import wrong_class
from longlag.tasks.parts.walks import Walks

PERMUTATION_SEED = 92916
"""The seed that published code permutes MNIST with: Wisdom et al. 2016, Helfrich, Willmott & Ye 2018, ..."""

CLASSES = 10


@dataclass(frozen=True)
class Images:
    """Pixels [N, P] as stored, and classes [N]."""

    pixels: NDArray[np.uint8]
    classes: Ints


def stratified(classes: Ints, shares: Sequence[float], seed: int) -> list[Ints]:
    """Indices of disjoint parts with the given shares of every class, shuffled with a fixed `seed`."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(classes), generator=generator).numpy()
    bounds = np.cumsum(shares)
    parts: list[list[Ints]] = [[] for _ in shares]
    for label in np.unique(classes):
        members = order[classes[order] == label]
        cuts = np.rint(bounds * len(members)).astype(np.int64)
        for part, start, stop in zip(parts, (0, *cuts[:-1]), cuts, strict=True):
            part.append(members[start:stop])
    return [np.sort(np.concatenate(part)) for part in parts]


def permutation(pixels: int) -> Ints:
    """The one permutation of the permuted variants: for 784 pixels that of the published code."""
    # Only numpy's old generator, whose stream is frozen, gives the published order.
    order: Ints = np.random.RandomState(PERMUTATION_SEED).permutation(pixels)
    return order


class PixelTask(Task):
    """One pixel a step, the class at the end. Inputs [lag, B, 1] in [0, 1], targets [1, B] classes.

    A subclass hands over the parts, the pixel shown at each step, and what white is.
    """

    solved_below = 0.05

    def set_up(self, parts: Mapping[Split, Images], order: Ints, white: float) -> None:
        """Keep the data, and reckon what the commonest training class reaches on the test part."""
        self.parts = parts
        self.walks = {split: Walks(len(part.classes)) for split, part in parts.items()}
        self.order = order
        self.white = np.float32(white)
        self.input_size = 1
        self.output_size = CLASSES
        self.loss = SoftmaxCrossEntropy()
        self.minimal_lag = 0
        counts = np.bincount(parts["train"].classes, minlength=CLASSES)
        test = parts["test"].classes
        self.chance = float((test != counts.argmax()).mean())
        self.chance_loss = float(-np.log(counts[test] / counts.sum()).mean())

    @classmethod
    def no_twin(cls, variant: str) -> str:
        """None."""
        return "the pixels that matter lie all over the image"

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        """Training sequences."""
        return self.draw(batch_size, generator, "train")

    def draw(self, batch_size: int, generator: torch.Generator, split: Split) -> Batch:
        """Sequences of one part of the data."""
        part = self.parts[split]
        if split == "train":
            chosen = integers(uniforms(batch_size, 1, generator)[:, 0], 0, len(part.classes))
        else:
            chosen = self.walks[split].step(batch_size, generator)
        pixels = part.pixels[chosen[:, None], self.order].T.astype(np.float32) / self.white
        inputs = torch.from_numpy(np.ascontiguousarray(pixels)).unsqueeze(-1)
        return Batch(inputs, torch.from_numpy(part.classes[chosen]).unsqueeze(0), last_step(len(pixels)))

    def wrong(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Another class."""
        return wrong_class(outputs, batch)
