"""A reader of pen strokes: two layers of memory cells, one reading forwards, one backwards, and CTC.

The steps of a word (`tasks/parts/pen.py`) go in; at each a probability of every letter and of none, the
blank, comes out. Nobody says in training where a letter is: connectionist temporal classification sums the
probability over all ways of spreading the letters over the steps (Graves, Fernandez, Gomez & Schmidhuber
2006, ICML; on pen strokes: Graves et al. 2009, IEEE TPAMI 31(5)). What is read is the best path: the most
probable output of each step, repetitions taken once, blanks left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

import numpy as np
import torch
from torch import Tensor, nn

from longlag.bench.contract.errors import BadInput
from longlag.methods.parts.lstm.cell import LSTMCell
from longlag.tasks.parts.glyphs import Points
from longlag.tasks.parts.words import ALPHABET

INPUTS, UNITS = 3, 64
BLANK = len(ALPHABET)
"""The output of no letter; the letters' are 0 to 25."""
WEIGHTS = "handwriting.safetensors"


class Reader(nn.Module):
    """A bidirectional LSTM with an output for each letter and one for none."""

    def __init__(self, units: int = UNITS) -> None:
        super().__init__()
        self.forwards = LSTMCell(INPUTS, units)
        self.backwards = LSTMCell(INPUTS, units)
        self.readout = nn.Linear(2 * units, len(ALPHABET) + 1)

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """Logits [T, B, 27] from steps [T, B, 3]; beyond a sequence's length [B] they mean nothing."""
        turned = reversal(lengths, len(inputs))
        ahead = self.forwards(inputs)
        back = self.backwards(_at(inputs, turned).contiguous())
        logits: Tensor = self.readout(torch.cat([ahead, _at(back, turned)], 2))
        return logits

    def read(self, ways: Sequence[Points]) -> list[str]:
        """The words of some pens' ways [T, 3], by the best path; a way without steps is the empty word."""
        steps, lengths = padded(ways)
        with torch.no_grad():
            best = self(steps, lengths).argmax(2).numpy()
        return [best_path(best[: len(way), k]) for k, way in enumerate(ways)]


def drawn(generator: torch.Generator, units: int = UNITS) -> Reader:
    """An untrained reader, its weights uniform in 1/sqrt(units), keep gates' biases 1."""
    reader = Reader(units)
    bound = units**-0.5
    with torch.no_grad():
        for parameter in reader.parameters():
            parameter.uniform_(-bound, bound, generator=generator)
        for cell in (reader.forwards, reader.backwards):
            cell.gate_bias("keep").fill_(1.0)
    return reader


def padded(ways: Sequence[Points]) -> tuple[Tensor, Tensor]:
    """Ways [T, 3] side by side, [longest, B, 3] with zeros behind, and their lengths [B]."""
    lengths = [len(way) for way in ways]
    steps = np.zeros((max(1, *lengths, 1), len(ways), INPUTS), dtype=np.float32)
    for k, way in enumerate(ways):
        steps[: len(way), k] = way
    return torch.from_numpy(steps), torch.tensor(lengths)


def reversal(lengths: Tensor, longest: int) -> Tensor:
    """Where each step [T, B] stands when every sequence is read from its own end; padding stays."""
    steps = torch.arange(longest).unsqueeze(1)
    return torch.where(steps < lengths, lengths - 1 - steps, steps)


def _at(values: Tensor, steps: Tensor) -> Tensor:
    return values.gather(0, steps.unsqueeze(2).expand_as(values))


def best_path(outputs: Sequence[int] | np.ndarray[tuple[int], np.dtype[np.int64]]) -> str:
    """The word of a sequence of outputs: repetitions once, blanks left out."""
    kept, last = [], BLANK
    for output in map(int, outputs):
        if output not in (last, BLANK):
            kept.append(ALPHABET[output])
        last = output
    return "".join(kept)


def distance(one: str, other: str) -> int:
    """The fewest letters to put in, leave out or replace, to make one word the other (Levenshtein 1966)."""
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        corner, row[0] = row[0], i
        for j, against in enumerate(other, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (letter != against))
    return row[-1]


def label_error_rate(read: Sequence[str], wanted: Sequence[str]) -> float:
    """Letters to be corrected, as a share of those that were to be read; may pass 1."""
    return sum(map(distance, read, wanted)) / max(1, sum(map(len, wanted)))


def load() -> Reader:
    """The reader whose weights ship; raises BadInput where they cannot be read."""
    source = files("longlag.reports.gallery") / WEIGHTS
    return from_bytes(source.read_bytes(), WEIGHTS)


def from_bytes(data: bytes, name: str) -> Reader:
    """A reader from a safetensors file's bytes; raises BadInput that names the file where they are none."""
    from safetensors import SafetensorError
    from safetensors.torch import load as parse

    try:
        weights = parse(data)
        reader = Reader(weights["readout.weight"].shape[1] // 2)
        reader.load_state_dict(weights)
    except (SafetensorError, KeyError, IndexError, RuntimeError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadInput(f"{name}: no weights of this reader: {said}") from None
    return reader.eval()


def to_bytes(reader: Reader) -> bytes:
    """Its weights as a safetensors file."""
    from safetensors.torch import save

    return save({name: value.contiguous() for name, value in reader.state_dict().items()})
