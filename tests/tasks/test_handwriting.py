"""The pen, its fonts and words, and the task made of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from HersheyFonts import HersheyFonts

from longlag.bench.plugins.registry import discover
from longlag.tasks import handwriting
from longlag.tasks.parts import script
from longlag.tasks.parts.glyphs import DOUBLED, ROMAN, SANS, SCRIPT, glyphs
from longlag.tasks.parts.pen import STEP, Hand, drawn_hand, followed, write
from longlag.tasks.parts.words import ALPHABET, HELD_OUT, TRAINING, WORDS

FONTS = (SCRIPT, SANS, ROMAN, DOUBLED)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("font", FONTS)
def test_glyphs_are_in_x_heights_above_their_line(font: str) -> None:
    found = glyphs(font)
    assert set(found) == set(ALPHABET)
    x = np.concatenate(found["x"].body)
    assert (x[:, 1].min(), x[:, 1].max()) == (-1, 0)
    for letter in "bdhkl":
        assert np.concatenate(found[letter].body)[:, 1].min() < -1.25
    for letter in "gpqy":
        assert np.concatenate(found[letter].body)[:, 1].max() > 0.25
    assert {letter for letter in ALPHABET if found[letter].marks} == set("ijt")


def test_letters_stand_where_the_font_s_own_renderer_puts_them() -> None:
    source = HersheyFonts(load_default_font=SANS)
    theirs = [np.array(stroke) for stroke in source.strokes_for_text("wonder")]
    ours = write("wonder", glyphs(SANS), Hand(joining=0), generator())
    unit = 14.0  # of this font's x
    ends = {tuple(np.round(stroke[k] / unit, 6)) for stroke in theirs for k in (0, -1)}
    for stroke in ours:
        for k in (0, -1):
            assert any(np.allclose(stroke[k] + (0, 9 / unit), end, atol=1e-5) for end in ends)


def test_joined_letters_are_one_stroke_and_others_are_not() -> None:
    assert len(write("ace", glyphs(SCRIPT), Hand(), generator())) == 1
    assert len(write("ace", glyphs(SCRIPT), Hand(joining=0), generator())) == 3
    at_once, late = (
        write("ice", glyphs(SCRIPT), Hand(late_marks=late), generator()) for late in (False, True)
    )
    assert np.ptp(at_once[1][:, 0]) < 0.5
    assert np.ptp(late[-1][:, 0]) < 0.5
    assert (len(at_once), len(late)) == (3, 2)


def test_the_way_of_the_pen_leads_along_the_strokes() -> None:
    line, dot = np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[6.0, 4.0]])
    way = followed([line, dot])
    assert way[:20] == pytest.approx(np.tile([0.6, 0.8, 0.0], (20, 1)))
    assert way[20] == pytest.approx([3 / STEP, 0, 1])
    assert followed([]).shape == (0, 3)
    strokes = write("quick", glyphs(SCRIPT), drawn_hand(generator(1)), generator(2))
    places = strokes[0][0] + STEP * np.cumsum(followed(strokes)[:, :2], 0)
    for stroke in strokes:
        assert np.abs(places - stroke[-1]).sum(1).min() < 1e-9
    assert np.hypot(*followed(strokes)[:, :2].T)[followed(strokes)[:, 2] == 0].max() < 1.5


def test_a_hand_comes_from_its_generator_and_no_two_are_alike() -> None:
    one, same, other = (drawn_hand(generator(seed)) for seed in (3, 3, 4))
    assert one == same != other
    ways = [followed(write("word", glyphs(SCRIPT), one, generator(s)), one, generator(s)) for s in (5, 5, 6)]
    assert np.array_equal(ways[0], ways[1])
    assert ways[0].shape != ways[2].shape or not np.array_equal(ways[0], ways[2])
    assert one.curl == one.growth == 0
    assert drawn_hand(generator(3), odd=True).curl


def test_words_are_held_out() -> None:
    assert not set(HELD_OUT) & set(TRAINING)
    assert sorted(HELD_OUT + TRAINING) == sorted(set(WORDS)) == sorted(WORDS)
    for words in (HELD_OUT, TRAINING):
        assert set("".join(words)) == set(ALPHABET)


def letter_of(row: np.ndarray) -> int:
    """The letter that the marked steps of a sequence [T, 4] are, up to a linear map."""
    way = row[row[:, 3] == 1, :3]
    known = script.letters()
    off = {}
    for piece in np.flatnonzero(known.lengths == len(way)):
        font = known.rows[known.starts[piece] :][: len(way)]
        if np.array_equal(font[:, 2], way[:, 2]):
            fit = np.linalg.lstsq(font[:, :2], way[:, :2], rcond=None)[0]
            off[piece % 26] = float(np.square(way[:, :2] - font[:, :2] @ fit).sum())
    return min(off, key=lambda letter: off[letter])


@pytest.mark.parametrize("expression", ["script", "script_twin"])
def test_the_answer_is_the_marked_letter(expression: str) -> None:
    task = discover().task("handwriting", expression, 60)
    batch = task.sample(300, torch.Generator().manual_seed(0))
    read = [letter_of(batch.inputs[:, b].numpy()) for b in range(300)]
    assert (torch.tensor(read) == batch.targets[0]).double().mean() > 0.98
    assert len(set(batch.targets[0].tolist())) == 26
    for b in range(300):
        marked = batch.inputs[:, b, 3].nonzero().flatten()
        assert int(marked[-1] - marked[0]) == len(marked) - 1
        last = handwriting.SLOT - 1 + (task.lag - 1 if task.is_twin else 0)
        assert int(marked[-1]) == last == batch.length - 1 - task.minimal_lag


def test_pieces_are_laid_out_one_after_another() -> None:
    words = script.words()
    chosen = np.array([[3, 5, 8, 3], [900, 1, 2, 903]])
    for row, line in zip(chosen, words.line(chosen, 80), strict=True):
        ways = [words.rows[words.starts[piece] :][: words.lengths[piece]] for piece in row]
        assert np.array_equal(np.concatenate(ways)[:80], line)
    assert words.lengths.min() * words.enough(500) >= 500


def test_a_step_of_writing_is_about_one_unit_long() -> None:
    batch = discover().task("handwriting", "script", 500).sample(40, torch.Generator().manual_seed(1))
    moved = batch.inputs[handwriting.SLOT :, :, :2].norm(dim=2)[batch.inputs[handwriting.SLOT :, :, 2] == 0]
    assert float(moved.mean()) == pytest.approx(1, abs=0.15)
