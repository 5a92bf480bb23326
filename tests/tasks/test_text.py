"""The text that is predicted, read back as characters, and what it costs who knows what."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch

from longlag import Batch
from longlag.bench.plugins.registry import discover
from longlag.tasks import text


def stream(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def characters(batch: Batch) -> list[str]:
    first, rest = batch.inputs[0].argmax(1), batch.targets
    codes = torch.cat([first.unsqueeze(0), rest]).T.tolist()
    return ["".join(text.CHARACTERS[code] for code in row) for row in codes]


@pytest.mark.parametrize("lag", [4, 5, 23, 400])
def test_a_sequence_is_a_mark_words_and_its_end(lag: int) -> None:
    task = discover().task("text", "marks", lag)
    batch = task.sample(60, stream(lag))
    for row in characters(batch):
        name, said, closing = row[1:5], row[6:-7], row[-7:]
        assert row[0] == "<"
        assert row[5] == ">"
        assert name in text.NAMES
        assert closing == f"</{name}>"
        assert len(row) == lag + 10
        *whole, cut = said.split(" ")
        assert all(word in text.SAID for word in whole)
        assert any(word.startswith(cut) for word in text.SAID)
        # the step that predicts the closing name's first letter, less that of the opening one's last
        assert (row.rindex("/")) - 4 == lag == task.minimal_lag
    assert torch.equal(batch.inputs[1:].argmax(2), batch.targets[:-1])


def test_the_twin_opens_what_it_closes_just_before() -> None:
    twin = discover().task("text", "marks_twin", 50)
    for row in characters(twin.sample(40, stream(0))):
        name = row[-5:-1]
        assert row.endswith(f"<{name}></{name}>")
        assert row.rindex("/") - (row.index("<") + 4) == twin.minimal_lag == 3


def test_names_are_told_apart_by_their_first_letters() -> None:
    assert len({name[0] for name in text.NAMES}) == len(text.NAMES) == 8
    assert {len(name) for name in text.NAMES} == {4}


@pytest.mark.parametrize("lag", [4, 30, 300])
def test_chance_is_the_entropy_of_the_characters(lag: int) -> None:
    task = discover().task("text", "marks", lag)
    batch = task.sample(4000, stream(1))
    counts = Counter(batch.targets.flatten().tolist())
    share = np.array([counts[k] for k in range(task.output_size)]) / batch.targets.numel()
    assert share == pytest.approx(text.shares(lag - 3), abs=0.004)
    outputs = torch.from_numpy(text.shares(lag - 3)).clamp(min=1e-9).log().float()
    outputs = outputs.expand(*batch.targets.shape, -1)
    assert float(task.loss(outputs, batch.targets)) == pytest.approx(task.chance_loss, rel=0.01)


def test_who_knows_no_name_pays_three_bits_for_it_and_is_wrong_seven_times_in_eight() -> None:
    task = discover().task("text", "marks", 40)
    batch = task.sample(2000, stream(2))
    known = 40.0 * torch.nn.functional.one_hot(batch.targets, task.output_size).float()
    assert not task.wrong(known, batch).any()
    guessed = known.clone()
    first = batch.targets.shape[0] - 5
    guessed[first] = 0
    for name in text.NAMES:
        guessed[first, :, text.CHARACTERS.index(name[0])] = 40
    bits = float(task.loss(guessed, batch.targets) - task.loss(known, batch.targets)) / math.log(2)
    assert bits * len(batch.targets) == pytest.approx(3, abs=0.05)
    assert float(task.wrong(guessed, batch).double().mean()) == pytest.approx(task.chance, abs=0.03)
    assert task.chance == 7 / 8
    known[:first] = 0
    assert not task.wrong(known, batch).any()
