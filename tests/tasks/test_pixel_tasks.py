"""Digits and MNIST: the data as they are, split once, and damaged files named."""

import gzip
import math
import struct
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.linear_model import RidgeClassifier
from torch import Tensor

from longlag import BadInput, SequenceModel
from longlag.bench.contract.seeds import generator
from longlag.bench.contract.task import Split
from longlag.bench.trial.checks import SuccessCheck, batches
from longlag.bench.trial.meter import BudgetMeter
from longlag.bench.trial.spec import Checks, Limits
from longlag.tasks.digits import Digits, load
from longlag.tasks.mnist import Mnist
from longlag.tasks.parts.idx import read_idx
from longlag.tasks.parts.images import permutation, stratified

SPLITS: tuple[Split, ...] = ("train", "validation", "confirmation", "test")


def stream(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_digits_are_the_published_images_split_without_overlap() -> None:
    data = load_digits()
    known = sorted(
        (*image, label) for image, label in zip(data.data.astype(int).tolist(), data.target, strict=True)
    )
    parts = load()
    ours = sorted(
        (*image, label)
        for part in parts.values()
        for image, label in zip(part.pixels.tolist(), part.classes.tolist(), strict=True)
    )
    assert ours == known  # every image once: no overlap, none lost


def test_digits_split_is_stratified_and_fixed() -> None:
    parts = load()
    whole = np.bincount(load_digits().target)
    for name, share in zip(SPLITS, (0.6, 0.1, 0.1, 0.2), strict=True):
        assert np.bincount(parts[name].classes) == pytest.approx(share * whole, abs=1.01)
    again = stratified(np.repeat(np.arange(3), 10), (0.6, 0.2, 0.2), 5)
    assert [part.tolist() for part in again] == [
        part.tolist() for part in stratified(np.repeat(np.arange(3), 10), (0.6, 0.2, 0.2), 5)
    ]


@settings(max_examples=20)
@given(size=st.integers(1, 40), seed=st.integers(0, 2**40), split=st.sampled_from(SPLITS))
def test_digit_sequences_are_images_read_row_by_row(size: int, seed: int, split: Split) -> None:
    batch = Digits(64).draw(size, stream(seed), split)
    part = load()[split]
    known = {
        (image.tobytes(), label) for image, label in zip(part.pixels, part.classes.tolist(), strict=True)
    }
    for b in range(size):
        image = (batch.inputs[:, b, 0] * 16).numpy().astype(np.uint8)
        assert (image.tobytes(), int(batch.targets[0, b])) in known


def test_enlarged_digits_repeat_every_pixel() -> None:
    small = Digits(64).draw(20, stream(0), "test").inputs.squeeze(-1).T.reshape(20, 8, 8)
    large = Digits(576).draw(20, stream(0), "test").inputs.squeeze(-1).T.reshape(20, 24, 24)
    assert torch.equal(large, small.repeat_interleave(3, 1).repeat_interleave(3, 2))


def test_permuted_digits_are_one_fixed_permutation() -> None:
    straight = Digits(64, "pixels").sample(300, stream(0)).inputs
    permuted = Digits(64, "permuted").sample(300, stream(0)).inputs
    assert not torch.equal(straight, permuted)
    assert torch.equal(straight.sort(0).values, permuted.sort(0).values)
    assert torch.equal(permuted, Digits(64, "permuted").sample(300, stream(0)).inputs)
    # One order for all: the sorted columns of pixel histories agree, too.
    assert sorted(map(tuple, straight.squeeze(-1).tolist())) == sorted(
        map(tuple, permuted.squeeze(-1).tolist())
    )


@pytest.mark.parametrize("factor", [2, 3, 8])
def test_permuted_and_enlarged_holds_every_pixel(factor: int) -> None:
    small = Digits(64, "permuted").draw(20, stream(0), "test").inputs
    large = Digits(64 * factor**2, "permuted").draw(20, stream(0), "test").inputs
    assert torch.equal(large, small.repeat_interleave(factor**2, 0))


@pytest.mark.parametrize("lag", [256, 1024, 4096])
def test_the_last_steps_of_permuted_digits_are_not_enough(lag: int) -> None:
    # Were the copies of a pixel scattered, the last twentieth of 4,096 steps would show all 64 of them.
    task = Digits(lag, "permuted")
    known, asked = (task.draw(size, stream(1), split) for size, split in ((1000, "train"), (300, "test")))

    def share_right(steps: slice) -> float:
        fit = RidgeClassifier()
        fit.fit(known.inputs[steps, :, 0].T.numpy(), known.targets[0].numpy())
        right: float = fit.score(asked.inputs[steps, :, 0].T.numpy(), asked.targets[0].numpy())
        return right

    last = slice(lag - lag // 20, lag)
    assert len(known.inputs[last, :, 0].unique(dim=0)) <= math.ceil(64 / 20) + 1
    assert share_right(last) < 0.6
    assert share_right(slice(0, lag, lag // 64)) > 0.9  # every pixel once


def test_the_pixels_of_784_are_permuted_as_published() -> None:
    order = permutation(784)
    assert order[:6].tolist() == [319, 576, 323, 107, 355, 716]
    assert np.array_equal(order, np.random.RandomState(92916).permutation(784))


def drawn(task: Digits, count: int, walker: torch.Generator, split: Split) -> Counter[bytes]:
    """How often each image comes when the engine asks for `count`."""
    asked = batches(task, count, walker, split)
    return Counter(image.numpy().tobytes() for batch in asked for image in batch.inputs.unbind(1))


@pytest.mark.parametrize(("split", "images"), [("validation", 180), ("confirmation", 180), ("test", 359)])
def test_every_image_comes_equally_often(split: Split, images: int) -> None:
    count = len(load()[split].classes)
    assert count == pytest.approx(images, abs=2)
    assert sum(drawn(Digits(64), count, stream(3), split).values()) == count
    assert set(drawn(Digits(64), count, stream(3), split).values()) == {1}
    often = drawn(Digits(64), 1000, stream(3), split)
    assert len(often) == count
    assert max(often.values()) - min(often.values()) <= 1


class Watched(SequenceModel):
    """Sees images, and answers nothing."""

    def __init__(self, task: Digits) -> None:
        super().__init__(task)
        self.seen: Counter[bytes] = Counter()

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        self.seen.update(image.numpy().tobytes() for image in inputs.unbind(1))
        return torch.zeros(1, inputs.shape[1], 10)


def test_confirmation_shows_no_image_of_validation() -> None:
    task = Digits(64)
    splits = [set(drawn(task, 1000, stream(seed), split)) for seed, split in enumerate(SPLITS)]
    assert sum(map(len, splits)) == len(set.union(*splits))
    # And as the engine asks: after a false alarm the walk through the confirmation images goes on.
    check = SuccessCheck(task, Checks(100, 150, 100), 5, BudgetMeter(Limits(1e9)))
    model, validated = Watched(task), set(drawn(task, 100, generator(5, "validation"), "validation"))
    for _ in range(3):
        assert not check.confirm(model)  # gives up after the first 50
    assert model.seen.total() == len(model.seen) == 150
    assert not set(model.seen) & validated


def test_digits_trivial_predictor() -> None:
    task = Digits(64)
    shares = torch.from_numpy(np.bincount(load()["train"].classes)).double()
    logits = (shares / shares.sum()).log()
    batch = task.draw(len(load()["test"].classes), stream(0), "test")
    outputs = logits.float().expand(1, batch.size, 10)
    assert float(task.loss(outputs, batch.targets)) == pytest.approx(task.chance_loss, rel=1e-5)
    assert float(task.wrong(outputs, batch).double().mean()) == pytest.approx(task.chance)
    assert 0.88 < task.chance < 0.91


@pytest.mark.parametrize("lag", [63, 65, 100, 784, 5184])
def test_digits_say_which_lags_they_make(lag: int) -> None:
    with pytest.raises(BadInput, match="lags 64, 256, 576, 1024"):
        Digits(lag)


def idx(array: np.ndarray, magic: int | None = None) -> bytes:
    header = struct.pack(">I", 0x0800 | array.ndim if magic is None else magic)
    return header + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(np.uint8).tobytes()


def write_mnist(folder: Path, train: int = 120, test: int = 30, suffix: str = "") -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    arrays = {}
    for stem, count in (("train", train), ("t10k", test)):
        arrays[f"{stem}-images-idx3-ubyte"] = random.integers(0, 256, (count, 28, 28))
        arrays[f"{stem}-labels-idx1-ubyte"] = np.arange(count) % 10
    for name, array in arrays.items():
        data = idx(array)
        (folder / (name + suffix)).write_bytes(gzip.compress(data) if suffix else data)
    return arrays


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_mnist_reads_the_files_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    arrays = write_mnist(tmp_path, suffix=suffix)
    monkeypatch.setenv("LONGLAG_DATA", str(tmp_path))
    task = Mnist(784)
    seen = {}
    for split, size in (("train", 400), ("validation", 10), ("confirmation", 10), ("test", 30)):
        batch = task.draw(size, stream(0), split)
        assert batch.inputs.shape == (784, size, 1)
        images = np.rint(batch.inputs.squeeze(-1).T.numpy() * 255).astype(np.uint8)
        seen[split] = {
            (image.tobytes(), label) for image, label in zip(images, batch.targets[0].tolist(), strict=True)
        }
    known = {
        stem: {
            (image.astype(np.uint8).tobytes(), int(label))
            for image, label in zip(
                arrays[f"{stem}-images-idx3-ubyte"], arrays[f"{stem}-labels-idx1-ubyte"], strict=True
            )
        }
        for stem in ("train", "t10k")
    }
    assert seen["test"] == known["t10k"]
    assert len(seen["train"]) > 80
    held_out = ("validation", "confirmation")
    assert sum(len(seen[split]) for split in (*held_out, "train")) == len(
        seen["validation"] | seen["confirmation"] | seen["train"]
    )
    assert seen["validation"] | seen["confirmation"] | seen["train"] <= known["train"]
    for split in held_out:  # stratified: 1 of 12 each
        assert sorted(label for _, label in seen[split]) == list(range(10))
    permuted = Mnist(784, "permuted").draw(30, stream(0), "test").inputs
    assert torch.equal(permuted.sort(0).values, task.draw(30, stream(0), "test").inputs.sort(0).values)


Damage = Callable[[Path], object]
IMAGES, LABELS = "train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


def rewrite(name: str, data: bytes) -> Damage:
    return lambda folder: (folder / name).write_bytes(data)


def cut(name: str, size: int) -> Damage:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:size])


@pytest.mark.parametrize(
    ("damage", "file", "complaint"),
    [
        (lambda folder: (folder / IMAGES).unlink(), IMAGES, "no such file"),
        (rewrite(LABELS, idx(np.arange(30) % 10, magic=0x803)), LABELS, "wrong magic number 00000803"),
        (rewrite(LABELS, b"\x89PNG and more"), LABELS, "wrong magic number 89504e47"),
        (cut(IMAGES, 5000), IMAGES, "truncated: 4984 of the 94080 bytes"),
        (cut(IMAGES, 9), IMAGES, "truncated: 9 bytes"),
        (cut(IMAGES, 0), IMAGES, "truncated: 0 bytes"),
        (rewrite(LABELS, idx(np.arange(29) % 10)), LABELS, "29 labels for the 30 images"),
        (rewrite(LABELS, idx(np.arange(30) % 10) + b"\0"), LABELS, "sizes disagree"),
        (rewrite(LABELS, idx(np.arange(30))), LABELS, "label 29"),
        (rewrite(IMAGES, idx(np.zeros((120, 14, 14)))), IMAGES, "14 x 14"),
    ],
)
def test_damaged_files_are_named_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Damage, file: str, complaint: str
) -> None:
    write_mnist(tmp_path)
    damage(tmp_path)
    monkeypatch.setenv("LONGLAG_DATA", str(tmp_path))
    with pytest.raises(BadInput) as caught:
        Mnist(784)
    assert file in str(caught.value)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_damaged_gzip_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    for data in (b"not gzip", gzip.compress(bytes(1000))[:-5]):
        path.write_bytes(data)
        with pytest.raises(BadInput, match=r"x\.gz: cannot be read"):
            read_idx(path, 3)


def test_a_missing_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LONGLAG_DATA", raising=False)
    with pytest.raises(BadInput, match="--data DIR"):
        Mnist(784)
    monkeypatch.setenv("LONGLAG_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(BadInput, match="nowhere: no such folder"):
        Mnist(784)
