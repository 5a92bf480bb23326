"""The reader of pen strokes: against torch's own LSTM, enumerated paths and the page."""

from __future__ import annotations

import itertools
import json
import math
import shutil
import subprocess
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from longlag.bench.contract.errors import BadInput
from longlag.bench.contract.seeds import generator
from longlag.reports.formats import percent
from longlag.reports.gallery import handwriting, reader, reader_inside, reader_training
from longlag.tasks.parts.glyphs import SCRIPT, glyphs
from longlag.tasks.parts.pen import STEP, Hand, drawn_hand, followed, write
from longlag.tasks.parts.words import ALPHABET, HELD_OUT, WORDS

SHIPPED = reader.load()
MOST = 2_000_000
ASKED = reader_training.questions(1, 150)
"""Words that no training and no page was made of."""


def test_the_shipped_weights_read_words_that_they_were_never_shown():
    assert (files("longlag.reports.gallery") / reader.WEIGHTS).stat().st_size <= MOST
    rates = {kind: reader_training.error_rate(SHIPPED, those) for kind, those in ASKED.items()}
    assert rates["held-out words"] < 0.1
    untrained = reader.drawn(generator(0))
    assert reader_training.error_rate(untrained, ASKED["held-out words"]) > 0.8


def test_the_readme_tells_the_rates_of_the_page():
    readme = " ".join((Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8").split())
    rates = [
        percent(reader_training.error_rate(SHIPPED, those))
        for those in reader_training.questions(0, reader_training.ASKED).values()
    ]
    told = (
        "of the letters of words that it was never shown it gets {} wrong, of oddly bent ones {}, and in a "
        "script whose stems are drawn twice, a font that it was never shown, {}"
    )
    assert told.format(*rates) in readme


def test_the_weights_survive_their_file_and_damage_is_told():
    data = reader.to_bytes(SHIPPED)
    again = reader.from_bytes(data, "again")
    for one, other in zip(again.state_dict().values(), SHIPPED.state_dict().values(), strict=True):
        assert torch.equal(one, other)
    for damaged in (b"", b"PK\x03\x04", data[:-100], data.replace(b"readout.bias", b"readout.bios")):
        with pytest.raises(BadInput, match=r"mine: no weights of this reader") as caught:
            reader.from_bytes(damaged, "mine")
        assert "\n" not in str(caught.value)


def by_torch(steps, lengths):
    """Logits [T, B, 27] by torch's own bidirectional LSTM with the shipped weights."""
    theirs, count = nn.LSTM(3, reader.UNITS, bidirectional=True), steps.shape[1]
    cells = (SHIPPED.forwards, SHIPPED.backwards)
    with torch.no_grad():
        for name, cell in zip(("l0", "l0_reverse"), cells, strict=True):
            getattr(theirs, f"weight_ih_{name}").copy_(cell.input_weight)
            getattr(theirs, f"weight_hh_{name}").copy_(cell.recurrent_weight)
            getattr(theirs, f"bias_ih_{name}").copy_(cell.bias)
            getattr(theirs, f"bias_hh_{name}").zero_()
        start, held = (
            torch.stack([getattr(cell, part).expand(count, -1) for cell in cells]).contiguous()
            for part in ("initial", "initial_cell")
        )
    packed = nn.utils.rnn.pack_padded_sequence(steps, lengths, enforce_sorted=False)
    states, _ = nn.utils.rnn.pad_packed_sequence(theirs(packed, (start, held))[0])
    return SHIPPED.readout(states)


def test_it_is_a_bidirectional_lstm():
    ways = [each.way for each in ASKED["held-out words"][:4]]
    steps, lengths = reader.padded(ways)
    with torch.no_grad():
        expected, found = by_torch(steps, lengths), SHIPPED(steps, lengths)
    for k, way in enumerate(ways):
        assert torch.allclose(found[: len(way), k], expected[: len(way), k], atol=1e-4)


def test_gradients_are_those_of_torch_s_own():
    way = ASKED["held-out words"][0].way
    step, output = len(way) // 2, 4
    steps = torch.tensor(way[:, None], dtype=torch.float32, requires_grad=True)
    by_torch(steps, torch.tensor([len(way)]))[step, 0, output].backward()
    found = reader_inside.gradient(SHIPPED, way, step, output)
    assert torch.allclose(found, steps.grad[:, 0], rtol=1e-3, atol=1e-4 * float(found.abs().max()))


def collapsed(path):
    return "".join(ALPHABET[k] for k, _ in itertools.groupby(path) if k != reader.BLANK)


@pytest.mark.parametrize("word", ["a", "ba", "cc"])
def test_the_loss_is_the_sum_over_all_paths(word):
    steps = 4
    logits = torch.randn(steps, 1, 27, generator=torch.Generator().manual_seed(0)).double()
    logits[:, :, 3:26] = -math.inf
    p = logits[:, 0].softmax(1)
    total = sum(
        math.prod(float(p[t, k]) for t, k in enumerate(path))
        for path in itertools.product((0, 1, 2, reader.BLANK), repeat=steps)
        if collapsed(path) == word
    )
    loss = reader_training.ctc(logits, torch.tensor([steps]), [word])
    assert float(loss) == pytest.approx(-math.log(total) / len(word), rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_best_paths_are_read_as_defined(seed):
    path = np.random.default_rng(seed).choice([0, 1, 25, reader.BLANK], 40)
    assert reader.best_path(path) == collapsed(path.tolist())
    assert reader.best_path([]) == ""


def test_distances_are_the_fewest_corrections():
    @cache
    def slowly(one, other):
        if not one or not other:
            return len(one) + len(other)
        return min(
            slowly(one[1:], other) + 1,
            slowly(one, other[1:]) + 1,
            slowly(one[1:], other[1:]) + (one[0] != other[0]),
        )

    draws = np.random.default_rng(0)
    for _ in range(60):
        one, other = ("".join(draws.choice(list("abc"), draws.integers(0, 7))) for _ in range(2))
        assert reader.distance(one, other) == slowly(one, other)
    assert reader.label_error_rate(["cat", ""], ["car", "at"]) == pytest.approx(3 / 5)


def test_nothing_is_read_as_nothing():
    assert SHIPPED.read([followed([])]) == [""]
    way = ASKED["held-out words"][0].way
    assert SHIPPED.read([way, way[:0]]) == [*SHIPPED.read([way]), ""]


def test_training_learns_and_comes_out_the_same_again():
    shown = list(itertools.islice(reader_training.words(0, "few", ("on", "it", "my"), {SCRIPT: 1.0}), 8))

    def trained():
        losses = []
        untrained, stream = reader.drawn(generator(0), 16), itertools.cycle(shown)
        return reader_training.train(untrained, stream, 60, 8, lambda _, loss: losses.append(loss)), losses

    (one, losses), (other, _) = trained(), trained()
    assert np.mean(losses[-5:]) < 0.3 * np.mean(losses[:5])
    for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_what_is_learned_from_comes_from_the_seed_and_holds_no_held_out_word():
    drawn = [list(itertools.islice(reader_training.training_words(seed), 200)) for seed in (0, 0, 1)]
    assert [each.word for each in drawn[0]] == [each.word for each in drawn[1]]
    assert [each.word for each in drawn[0]] != [each.word for each in drawn[2]]
    assert all(np.array_equal(a.way, b.way) for a, b in zip(drawn[0], drawn[1], strict=True))
    listed = [each.word for each in drawn[0] if each.word in WORDS]
    assert len(listed) > 100
    assert not set(listed) & {word for word in HELD_OUT if len(word) > 3}


def test_the_command_trains_on_the_user_s_lines_and_refuses_a_folder_without(tmp_path):
    with pytest.raises(BadInput, match="no such folder"):
        reader_training.main(["--data", str(tmp_path / "none"), "--out", str(tmp_path / "w")])
    with pytest.raises(BadInput, match="no such folder"):
        reader_training.main(["--out", str(tmp_path / "none" / "w")])
    with pytest.raises(SystemExit) as told:
        reader_training.main(["--updates", "0"])
    assert told.value.code == 2
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node; the browser's tests do the same")
def test_the_page_computes_the_same(tmp_path):
    made = handwriting.exhibit(0)
    draws = np.random.default_rng(3)
    hand = drawn_hand(draws)
    strokes = write("jigsaw", glyphs(SCRIPT), hand, draws)
    way, step, output = ASKED["held-out words"][1].way, 20, 7
    given = tmp_path / "given.json"
    given.write_text(
        json.dumps(
            {
                "data": made.data,
                "way": way.tolist(),
                "strokes": [stroke.tolist() for stroke in strokes],
                "at": [step, output],
            }
        )
    )
    script = f"""
      const net = require({str(files("longlag.reports.gallery") / "handwriting_net.js")!r});
      const {{data, way, strokes, at}} = JSON.parse(require("fs").readFileSync({str(given)!r}));
      const weights = net.decode(data.weights, data.shapes), ran = net.run(weights, way);
      const T = way.length;
      console.log(JSON.stringify({{
        logits: ran.logits.map((row) => [...row]),
        cells: way.map((_, t) => [...ran.ahead.cells[t + 1], ...ran.back.cells[T - t]]),
        gradient: net.gradient(weights, ran, ...at),
        letters: net.bestPath(ran.probabilities, data.alphabet),
        followed: net.followed(strokes, data.step),
        written: net.written("tidy", data.glyphs),
      }}));
    """
    told = json.loads(
        subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True).stdout
    )
    steps = torch.tensor(way, dtype=torch.float32)
    with torch.no_grad():
        logits = reader_inside.logits(SHIPPED, steps)
    assert np.abs(np.array(told["logits"]) - logits.numpy()).max() < 1e-3
    assert np.abs(np.array(told["cells"]) - reader_inside.cells(SHIPPED, way)[0].numpy()).max() < 1e-3
    slopes = reader_inside.gradient(SHIPPED, way, step, output).numpy()
    assert np.abs(np.array(told["gradient"]) - slopes).max() < 1e-3 * np.abs(slopes).max() + 1e-6
    assert [(each["letter"], each["t"]) for each in told["letters"]] == reader_inside.peaks(logits.softmax(1))
    assert np.array(told["followed"]) == pytest.approx(followed(strokes), abs=1e-9)
    assert made.data["step"] == STEP
    theirs = [np.array(stroke) for stroke in told["written"]]
    ours = write("tidy", glyphs(SCRIPT), Hand(), np.random.default_rng(0))
    assert len(theirs) == len(ours)
    for one, other in zip(theirs, ours, strict=True):
        assert one == pytest.approx(other, abs=5e-3)


def test_the_cells_that_read_ahead_are_partly_cleared_where_a_letter_is_told():
    found = reader_inside.resets(SHIPPED, ASKED["held-out words"][:40])
    assert found.after < 0.9 * found.before
    assert found.kept < found.elsewhere
    with pytest.raises(ValueError, match="no letter"):
        reader_inside.resets(SHIPPED, [])
