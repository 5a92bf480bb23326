"""Training the reader of pen strokes, on words written by a pen that is never twice the same.

The weights that ship were made by

    python -m longlag.reports.gallery.reader_training

on one core, in the time (also that of the processor, where others use it) and with the label error rates
that it tells at its end. `--data DIR` trains on the lines of IAM-OnDB instead (`iam.py`), four of five; the
fifth are what it is judged by.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from longlag.bench.contract.errors import BadInput
from longlag.bench.contract.seeds import derive, generator
from longlag.bench.store.files import replace_file
from longlag.reports.gallery.reader import BLANK, UNITS, Reader, drawn, label_error_rate, padded, to_bytes
from longlag.tasks.parts.glyphs import DOUBLED, ITALIC, ROMAN, SANS, SCRIPT, Points, glyphs
from longlag.tasks.parts.pen import drawn_hand, followed, write
from longlag.tasks.parts.words import ALPHABET, HELD_OUT, TRAINING

FONTS = {SCRIPT: 0.5, SANS: 0.2, ROMAN: 0.15, ITALIC: 0.15}
"""The hands of training, and how often each writes."""
UPDATES, SIZE, RATE, NORM = 8000, 32, 4e-3, 5.0
ASKED = 1000
"""Words of each kind that a reader is judged by."""
_BUCKET = 8
"""Batches that are drawn together and sorted by length, so that little is padded."""
_SPELT = 0.3
"""The share of written words that are letters at random, so that the net learns letters and not the words."""


@dataclass(frozen=True)
class Written:
    """A word and the pen's way [T, 3] of it."""

    word: str
    way: Points


def words(
    seed: int, stream: str, vocabulary: Sequence[str], fonts: dict[str, float], odd: bool = False
) -> Iterator[Written]:
    """Words without end, each by a hand of its own, drawn from `seed` and the name of the stream."""
    draws = np.random.default_rng(derive(seed, "handwriting", stream))
    names, shares = list(fonts), np.array(list(fonts.values()))
    while True:
        word = str(draws.choice(vocabulary))
        hand = drawn_hand(draws, odd=odd)
        strokes = write(word, glyphs(str(draws.choice(names, p=shares))), hand, draws)
        yield Written(word, followed(strokes, hand, draws))


def training_words(seed: int) -> Iterator[Written]:
    """What the reader learns from: words of the training list, and letters at random."""
    draws = np.random.default_rng(derive(seed, "handwriting", "letters"))
    listed = words(seed, "training", TRAINING, FONTS)
    while True:
        if draws.uniform() >= _SPELT:
            yield next(listed)
            continue
        word = "".join(draws.choice(list(ALPHABET), draws.integers(1, 8)))
        yield next(words(int(draws.integers(2**62)), "spelt", (word,), FONTS))


def questions(seed: int, count: int) -> dict[str, list[Written]]:
    """Words to judge by, of which training showed none: in its hands, in odd ones, in a font it never saw."""
    kinds = {
        "held-out words": words(seed, "words", HELD_OUT, FONTS),
        "held-out distortions": words(seed, "distortions", HELD_OUT, FONTS, odd=True),
        "held-out font": words(seed, "font", HELD_OUT, {DOUBLED: 1.0}),
    }
    return {kind: list(islice(stream, count)) for kind, stream in kinds.items()}


def error_rate(reader: Reader, asked: Sequence[Written]) -> float:
    """The reader's label error rate."""
    return label_error_rate(reader.read([each.way for each in asked]), [each.word for each in asked])


def ctc(logits: Tensor, lengths: Tensor, targets: Sequence[str]) -> Tensor:
    """-log p(word), the mean over words of its share a letter."""
    letters = torch.tensor([ALPHABET.index(letter) for word in targets for letter in word])
    sizes = torch.tensor([len(word) for word in targets])
    return functional.ctc_loss(
        logits.log_softmax(2), letters, lengths, sizes, blank=BLANK, zero_infinity=True
    )


def batches(stream: Iterator[Written], size: int) -> Iterator[list[Written]]:
    """Batches of words of about one length; ends with the stream."""
    while drawn_together := list(islice(stream, size * _BUCKET)):
        drawn_together.sort(key=lambda each: len(each.way))
        parts = [drawn_together[k : k + size] for k in range(0, len(drawn_together), size)]
        # short ones first would be a rhythm that the optimiser hears
        yield from (
            parts[k] for k in np.random.default_rng(len(drawn_together[0].way)).permutation(len(parts))
        )


def train(
    reader: Reader,
    stream: Iterator[Written],
    updates: int,
    size: int = SIZE,
    tell: Callable[[int, float], object] | None = None,
) -> Reader:
    """Adam, the gradient's norm bounded, its rate falling along a cosine to nothing; `tell` hears of each."""
    optimiser = torch.optim.Adam(reader.parameters(), RATE)
    rising = min(100, updates // 10 + 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda done: min(1.0, (done + 1) / rising) * (1 + math.cos(math.pi * done / updates)) / 2
    )
    for update, batch in enumerate(islice(batches(stream, size), updates)):
        steps, lengths = padded([each.way for each in batch])
        loss = ctc(reader(steps, lengths), lengths, [each.word for each in batch])
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(reader.parameters(), NORM)
        optimiser.step()
        schedule.step()
        if tell is not None:
            tell(update + 1, float(loss.detach()))
    return reader.eval()


def main(arguments: Sequence[str]) -> None:
    """Train, write the weights, tell how well it reads; raises BadInput."""
    parser = argparse.ArgumentParser(prog="reader_training", description="Train the reader of pen strokes.")
    parser.add_argument("--out", type=Path, default=Path("handwriting.safetensors"))
    parser.add_argument("--updates", type=int, default=UPDATES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--units", type=int, default=UNITS)
    parser.add_argument("--data", type=Path, help="IAM-OnDB's folder, with lineStrokes and ascii")
    asked = parser.parse_args(arguments)
    if asked.updates < 1 or asked.units < 1 or asked.seed < 0:
        parser.error("--updates and --units begin with 1, --seed with 0")
    if not asked.out.parent.is_dir():
        raise BadInput(f"--out {asked.out}: no such folder")
    if asked.data is None:
        stream, held = training_words(asked.seed), questions(asked.seed, ASKED)
    else:
        stream, held = _lines(asked.data, asked.seed)
    began = time.perf_counter()

    def tell(update: int, loss: float) -> None:
        if update % 250 == 0:
            print(f"{update} updates, {time.perf_counter() - began:.0f} s: loss {loss:.3f}", flush=True)  # noqa: T201

    reader = train(
        drawn(generator(asked.seed, "handwriting", "weights"), asked.units), stream, asked.updates, tell=tell
    )
    replace_file(asked.out, to_bytes(reader))
    took = f"{time.perf_counter() - began:.0f} s, {time.process_time():.0f} s of the processor"
    print(f"{asked.out}: {asked.updates} updates of {SIZE} words in {took}")  # noqa: T201
    for kind, those in held.items():
        print(f"label error rate, {kind}: {100 * error_rate(reader, those):.2f}% ({len(those)})")  # noqa: T201


def _lines(folder: Path, seed: int) -> tuple[Iterator[Written], dict[str, list[Written]]]:
    from longlag.reports.gallery.iam import read_lines

    found = read_lines(folder)
    lines = [Written(line.text, line.way) for line in found.lines]
    if len(lines) < 5:
        raise BadInput(f"{folder}: {len(lines)} lines that can be read; five are the fewest to learn from")
    learned = [each for k, each in enumerate(lines) if k % 5]
    draws = np.random.default_rng(derive(seed, "handwriting", "lines"))

    def again() -> Iterator[Written]:
        while True:
            yield learned[int(draws.integers(len(learned)))]

    return again(), {"held-out lines": lines[::5]}


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except BadInput as error:
        print(error, file=sys.stderr)  # noqa: T201
        sys.exit(2)
