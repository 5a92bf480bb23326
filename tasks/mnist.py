"""Sequential and permuted MNIST, 784 steps, from IDX files of the user's own.

Inputs: one pixel in [0, 1] a step, row by row. Target: the digit, at the last step. Length = lag = 784.
Loss: softmax cross entropy. Wrong: another class; solved when less than 5% are.

Files: train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte (or
the same with .gz), in the folder that --data names, or the environment variable LONGLAG_DATA.

Variants: sequential, row by row; permuted, the same in one fixed random order, the one of published code
(numpy's RandomState(92916); Wisdom et al. 2016, Helfrich, Willmott & Ye 2018 and others).
Split: test is the t10k files; of the train files, stratified by class and fixed, 1/12 is for validation and
1/12 for confirmation. Each of the three is walked through: no image comes twice before all have come once.
Trivial predictor, the classes' shares in the training part: about ln 10, about 89% wrong.

Source: LeCun, Bottou, Bengio & Haffner 1998; pixel by pixel: Le, Jaitly & Hinton 2015.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from longlag.bench.contract import BadInput, Lags, Split, data_folder
from longlag.tasks.parts.idx import find, read_idx
from longlag.tasks.parts.images import CLASSES, Images, PixelTask, permutation, stratified

SIDE = 28
SHARES = (5 / 6, 1 / 12, 1 / 12)
SPLIT_SEED = 60000


def read_part(folder: Path, stem: str) -> Images:
    """Images and labels of one part, which must agree; raises BadInput."""
    image_file = find(folder, f"{stem}-images", 3)
    label_file = find(folder, f"{stem}-labels", 1)
    images = read_idx(image_file, 3)
    labels = read_idx(label_file, 1)
    count, *size = images.shape
    if size != [SIDE, SIDE]:
        raise BadInput(f"{image_file}: sizes disagree: images of {size[0]} x {size[1]} pixels, not 28 x 28")
    if count != len(labels):
        raise BadInput(f"{label_file}: sizes disagree: {len(labels)} labels for the {count} images beside it")
    if count == 0:
        raise BadInput(f"{image_file}: holds no images")
    if labels.max() >= CLASSES:
        raise BadInput(f"{label_file}: holds the label {labels.max()}, not a digit")
    return Images(images.reshape(count, SIDE**2), labels.astype(np.int64))


@cache
def load(folder: Path) -> dict[Split, Images]:
    """The four parts of the files in `folder`; raises BadInput."""
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder")
    known, test = read_part(folder, "train"), read_part(folder, "t10k")
    train, validation, confirmation = (
        Images(known.pixels[part], known.classes[part])
        for part in stratified(known.classes, SHARES, SPLIT_SEED)
    )
    if not (len(validation.classes) and len(confirmation.classes)):
        raise BadInput(f"{folder}: too few training images to keep some for validation and confirmation")
    unseen = sorted(set(test.classes.tolist()) - set(train.classes.tolist()))
    if unseen:
        raise BadInput(f"{folder}: no training images of the digit {unseen[0]}, which the test images show")
    return {"train": train, "validation": validation, "confirmation": confirmation, "test": test}


class Mnist(PixelTask):
    """MNIST, seen one pixel at a time."""

    name = "mnist"
    source = "LeCun et al. 1998; pixel by pixel: Le, Jaitly & Hinton 2015, arXiv 1504.00941"
    variants: ClassVar = {
        "sequential": "row by row",
        "permuted": "in the fixed random order of published code",
    }
    facts: ClassVar = {
        "inputs": "1: a pixel in [0, 1]",
        "targets": "10 classes, at the last step",
        "length": "784",
        "lag": "784, the number of pixels; needs the IDX files (--data DIR)",
        "loss": "softmax cross entropy",
        "wrong": "wrong class; solved below 5%",
        "trivial": "the training part's class shares: about ln 10, about .89 wrong",
    }

    def __init__(self, lag: int, variant: str | None = None) -> None:
        super().__init__(lag, variant)
        folder = data_folder()
        if folder is None:
            raise BadInput("task 'mnist' needs the MNIST files: say where they are with --data DIR")
        order = permutation(lag) if self.variant == "permuted" else np.arange(lag)
        self.set_up(load(folder), order, 255)

    @classmethod
    def lags(cls, variant: str) -> Lags:
        """All pixels."""
        return Lags(SIDE**2, SIDE**2)
