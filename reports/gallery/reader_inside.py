"""What the reader of pen strokes does inside: its cells, their clearing, and what a letter is seen by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from longlag.reports.gallery.inside import inside
from longlag.reports.gallery.reader import Reader
from longlag.reports.gallery.reader_training import Written
from longlag.tasks.parts.glyphs import Points
from longlag.tasks.parts.words import ALPHABET


def logits(reader: Reader, steps: Tensor) -> Tensor:
    """Logits [T, 27] of one way [T, 3]."""
    found: Tensor = reader(steps.unsqueeze(1), torch.tensor([len(steps)]))[:, 0]
    return found


def cells(reader: Reader, way: Points) -> tuple[Tensor, Tensor]:
    """The cells' states and keep gates at each step [T, 2H], those of the layer that reads back last."""
    steps = np.ascontiguousarray(way[:, None], dtype=np.float32)
    held, kept = [], []
    for layer, order in ((reader.forwards, slice(None)), (reader.backwards, slice(None, None, -1))):
        _, states, gates = inside(layer, np.ascontiguousarray(steps[order]))
        held.append(states[1:, 0][order])
        kept.append(gates[1, :, 0][order])
    return torch.from_numpy(np.concatenate(held, 1)), torch.from_numpy(np.concatenate(kept, 1))


def gradient(reader: Reader, way: Points, step: int, output: int) -> Tensor:
    """d logit of an output at a step by all inputs, [T, 3]."""
    steps = torch.tensor(way, dtype=torch.float32, requires_grad=True)
    (found,) = torch.autograd.grad(logits(reader, steps)[step, output], steps)
    return found


def peaks(probabilities: Tensor) -> list[tuple[str, int]]:
    """The letters of the best path, and for each the step at which it is most probable while it holds on."""
    best = probabilities.argmax(1).tolist()
    found: list[tuple[str, int]] = []
    last = len(ALPHABET)
    for t, output in enumerate(best):
        if output not in (last, len(ALPHABET)):
            found.append((ALPHABET[output], t))
        elif output != len(ALPHABET) and probabilities[t, output] > probabilities[found[-1][1], output]:
            found[-1] = (ALPHABET[output], t)
        last = output
    return found


@dataclass(frozen=True)
class Resets:
    """What the cells that read ahead do where a letter is told: means over all of them, and words."""

    before: float
    """|cell| one step before it is told."""
    after: float
    """|cell| one step after."""
    kept: float
    """The keep gate at that step and the next."""
    elsewhere: float
    """The keep gate at all others."""


def resets(reader: Reader, asked: list[Written]) -> Resets:
    """Those of some words; raises ValueError where no letter is read."""
    sizes: dict[int, list[Tensor]] = {-1: [], 1: []}
    near, far = [], []
    for each in asked:
        with torch.no_grad():
            told = peaks(logits(reader, torch.tensor(each.way, dtype=torch.float32)).softmax(1))
        held, kept = (part[:, : reader.forwards.units] for part in cells(reader, each.way))
        at = torch.zeros(len(each.way), dtype=torch.bool)
        for _, t in told:
            at[t : t + 2] = True
            for off, found in sizes.items():
                if 0 <= t + off < len(held):
                    found.append(held[t + off].abs().mean())
        near.append(kept[at])
        far.append(kept[~at])
    if not sizes[-1] or not sizes[1]:
        raise ValueError("no letter is read")
    before, after = (float(torch.stack(found).mean()) for found in sizes.values())
    return Resets(before, after, float(torch.cat(near).mean()), float(torch.cat(far).mean()))
