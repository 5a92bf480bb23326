"""Handwritten digits, pixel by pixel: scikit-learn's 1797 images of 8 x 8 pixels.

Inputs: one pixel in [0, 1] a step, row by row. Target: the digit, at the last step. Length = lag: 64, or
(8 k)^2 with k = 2 to 8, the images enlarged k times (every pixel k x k times). Loss: softmax cross entropy.
Wrong: another class; solved when less than 5% are. Nothing must be bridged at least: the pixels that matter
lie all over the image.

Variants: pixels, row by row; permuted, the 64 pixels in one fixed random order, an enlarged image showing
each of them k x k times in a row (scattered copies would put all 64 into any few steps, and nothing would be
left to bridge).
Split: 60% training, 10% validation, 10% confirmation, 20% test, stratified by class, fixed; each of the last
three is walked through, so that no image comes twice before all have come once.
Trivial predictor, the classes' shares in the training part: about ln 10, about 90% wrong.

Source: Alpaydin & Kaynak 1998, Optical recognition of handwritten digits, UCI; read pixel by pixel after Le,
Jaitly & Hinton 2015.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from longlag.bench.contract import Lags, Split
from longlag.tasks.parts.draws import Ints
from longlag.tasks.parts.images import Images, PixelTask, permutation, stratified

SIDE = 8
LARGEST = 8
SHARES = (0.6, 0.1, 0.1, 0.2)
SPLIT_SEED = 1797


@dataclass(frozen=True)
class SquareLags(Lags):
    """The lags (8 k)^2 only."""

    shortest: int = SIDE**2
    longest: int | None = (SIDE * LARGEST) ** 2

    def __contains__(self, lag: int) -> bool:
        return lag in self.all()

    def __str__(self) -> str:
        return "lags " + ", ".join(map(str, self.all()))

    @staticmethod
    def all() -> list[int]:
        """Each of them."""
        return [(SIDE * k) ** 2 for k in range(1, LARGEST + 1)]


@cache
def load() -> dict[Split, Images]:
    """The four parts of scikit-learn's digits."""
    # scikit-learn takes a second to import, and only this task needs it.
    from sklearn.datasets import load_digits

    data = load_digits()
    pixels = data.data.astype(np.uint8)
    classes: Ints = data.target.astype(np.int64)
    names: tuple[Split, ...] = ("train", "validation", "confirmation", "test")
    parts = stratified(classes, SHARES, SPLIT_SEED)
    return {name: Images(pixels[part], classes[part]) for name, part in zip(names, parts, strict=True)}


def enlarged(factor: int) -> Ints:
    """Which of the 64 pixels is shown at each of the (8 factor)^2 steps, row by row."""
    image = np.arange(SIDE**2).reshape(SIDE, SIDE)
    return image.repeat(factor, axis=0).repeat(factor, axis=1).ravel()


def permuted(factor: int) -> Ints:
    """Which is shown at each step in the fixed random order: every pixel factor^2 times in a row."""
    return permutation(SIDE**2).repeat(factor**2)


class Digits(PixelTask):
    """Tell a digit seen one pixel at a time."""

    name = "digits"
    source = "Alpaydin & Kaynak 1998, UCI; pixel by pixel after Le, Jaitly & Hinton 2015, arXiv 1504.00941"
    variants: ClassVar = {
        "pixels": "row by row",
        "permuted": "in one fixed random order, the copies of a pixel in a row",
    }
    facts: ClassVar = {
        "inputs": "1: a pixel in [0, 1]",
        "targets": "10 classes, at the last step",
        "length": "the lag",
        "lag": "the number of pixels: 64, or (8 k)^2 up to 4096 for enlarged images",
        "loss": "softmax cross entropy",
        "wrong": "wrong class; solved below 5%",
        "trivial": "the training part's class shares: about ln 10, about .90 wrong",
    }

    def __init__(self, lag: int, variant: str | None = None) -> None:
        super().__init__(lag, variant)
        factor = math.isqrt(lag) // SIDE
        self.set_up(load(), permuted(factor) if self.variant == "permuted" else enlarged(factor), 16)

    @classmethod
    def lags(cls, variant: str) -> Lags:
        """64 and its enlargements."""
        return SquareLags()
