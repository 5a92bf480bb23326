"""The embedded Reber grammar, against strings and probabilities found by walking it."""

from collections import Counter
from fractions import Fraction
from zlib import crc32

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from longlag import BadInput, Batch, Split
from longlag.bench.trial.checks import batches
from longlag.tasks.reber import Reber

# The published diagram, written down a second time: what follows what, and where it leads.
DIAGRAM = {
    1: [("T", 2), ("P", 3)],
    2: [("S", 2), ("X", 4)],
    3: [("T", 3), ("V", 5)],
    4: [("X", 3), ("S", 6)],
    5: [("P", 4), ("V", 6)],
}
SYMBOLS = "BTSXVPE"
SPLITS: tuple[Split, ...] = ("train", "validation", "confirmation", "test")


def stream(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def reber_strings(longest: int) -> dict[str, Fraction]:
    """Every plain Reber string of at most `longest` symbols, and its probability."""
    found: dict[str, Fraction] = {}
    open_ends = [("B", 1, Fraction(1))]
    while open_ends:
        text, state, probability = open_ends.pop()
        if state == 6:
            found[text + "E"] = probability
        elif len(text) < longest - 1:
            open_ends += [(text + symbol, to, probability / 2) for symbol, to in DIAGRAM[state]]
    return found


def embedded_strings(longest: int) -> dict[str, Fraction]:
    inner = reber_strings(longest - 4)
    return {f"B{k}{text}{k}E": p / 2 for text, p in inner.items() for k in "TP"}


def successors(text: str) -> list[set[str]]:
    """The legal symbols after each symbol of an embedded string but the last; fails for an illegal one."""
    assert text[0] == "B"
    assert text[1] in "TP"
    legal, state = [{"T", "P"}, {"B"}], 1
    assert text[2] == "B"
    for place, symbol in enumerate(text[3:], start=3):
        allowed = dict(DIAGRAM[state]) if state in DIAGRAM else {"E": 7}
        legal.append(set(allowed))
        assert symbol in allowed
        state = allowed[symbol]
        if state == 7:
            legal += [{text[1]}, {"E"}]
            assert text[place + 1 :] == text[1] + "E"
            return legal
    raise AssertionError("the string does not end")


def strings(batch: Batch) -> list[str]:
    return ["".join(SYMBOLS[i] for i in row) for row in batch.inputs.argmax(-1).T.tolist()]


@settings(max_examples=30)
@given(lag=st.integers(9, 60), size=st.integers(1, 20), seed=st.integers(0, 2**40))
def test_strings_are_legal_and_targets_are_their_successors(lag: int, size: int, seed: int) -> None:
    task = Reber(lag)
    batch = task.sample(size, stream(seed))
    assert batch.mask.all()
    for b, text in enumerate(strings(batch)):
        assert len(text) + 1 >= lag
        for step, legal in enumerate(successors(text + "E")):
            named = {SYMBOLS[i] for i in batch.targets[step, b].nonzero().flatten().tolist()}
            assert named == legal
        assert len(text) - 1 - 1 - 1 >= task.minimal_lag  # from step 1 to the step that predicts it


def split_of(text: str) -> set[Split]:
    """The splits that may hold an embedded string, by zlib's own CRC-32."""
    if len(text) < 12:
        return {"train"}
    names: tuple[Split, ...] = ("train", "train", "validation", "confirmation", "test")
    return {names[crc32(text[2:-2][:16].encode()) % 5]}


def law(lag: int, split: Split, longest: int) -> dict[str, float]:
    """A split's strings up to some length, and their probabilities: the grammar's lengths, then evenly."""
    shortest = lag if split == "train" else max(lag, 12)
    known = embedded_strings(longest)
    lengths: Counter[int] = Counter()
    held = Counter(len(text) for text in known if split in split_of(text))
    for text, probability in known.items():
        lengths[len(text)] += probability
    whole = 1 - sum(lengths[n] for n in range(shortest))
    return {
        text: float(lengths[len(text)] / whole) / held[len(text)]
        for text in known
        if split in split_of(text) and len(text) >= shortest
    }


def drawn_from(task: Reber, split: Split, batches: int, size: int, seed: int = 0) -> Counter[str]:
    generator = stream(seed)
    return Counter(text + "E" for _ in range(batches) for text in strings(task.draw(size, generator, split)))


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("lag", [9, 14, 21])
def test_every_string_of_a_split_has_its_natural_probability(lag: int, split: Split) -> None:
    drawn = drawn_from(Reber(lag), split, 3000, 4)
    longest = max(15, lag + 1)
    known = law(lag, split, longest)
    total = sum(drawn.values())
    for text, probability in known.items():
        # Strings of one batch share their length: at most four times the variance of independent draws.
        spread = (4 * probability / total) ** 0.5
        assert drawn[text] / total == pytest.approx(probability, abs=5 * spread)
    assert {text for text in drawn if len(text) <= longest} <= set(known)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("lag", [9, 15])
def test_lengths_keep_the_law_of_the_grammar(lag: int, split: Split) -> None:
    task, generator = Reber(lag), stream(1)
    lengths = Counter(task.draw(1, generator, split).length + 1 for _ in range(4000))
    shares = Counter[int]()
    for text, probability in law(lag, split, 25).items():
        shares[len(text)] += probability
    assert min(lengths) == min(shares) == (lag if split == "train" else max(lag, 12))
    counts = np.array([lengths[n] for n in sorted(shares)])
    expected = np.array([shares[n] for n in sorted(shares)])
    observed = np.append(counts, 4000 - counts.sum())
    assert stats.chisquare(observed, 4000 * np.append(expected, 1 - expected.sum())).pvalue > 1e-3


@pytest.mark.parametrize("lag", [9, 12, 25])
def test_no_string_is_in_two_splits(lag: int) -> None:
    task = Reber(lag)
    seen = {split: drawn_from(task, split, 500, 20) for split in SPLITS}
    for split, texts in seen.items():
        assert all(split_of(text) == {split} for text in texts)
    assert sum(map(len, seen.values())) == len(set().union(*seen.values()))


def test_every_split_has_strings_of_every_length_and_both_keys_around_them() -> None:
    for length in range(12, 23):
        held = [text for text in embedded_strings(length) if len(text) == length]
        for split in SPLITS:
            own = {text for text in held if split in split_of(text)}
            assert own
            other = {"T": "P", "P": "T"}
            assert all(f"B{other[text[1]]}{text[2:-2]}{other[text[1]]}E" in own for text in own)


def test_trivial_predictor_by_enumeration_and_by_sampling() -> None:
    task = Reber(9)
    share = np.zeros(7)
    covered = 0.0
    for text, probability in embedded_strings(24).items():
        legal = successors(text)
        for symbols in legal:
            share[[SYMBOLS.index(s) for s in symbols]] += float(probability) / len(legal)
        covered += float(probability)
    assert covered > 0.95
    share /= covered
    entropy = float(-(share * np.log(share) + (1 - share) * np.log(1 - share)).mean())
    assert task.chance_loss == pytest.approx(entropy, rel=0.01)

    generator = stream(2)
    logits = torch.tensor(np.log(share / (1 - share)), dtype=torch.float32)
    losses, wrong = [], []
    for _ in range(800):
        batch = task.sample(2, generator)
        outputs = logits.expand(*batch.targets.shape)
        losses.append(float(task.loss(outputs, batch.targets)))
        wrong += task.wrong(outputs, batch).tolist()
    assert np.mean(losses) == pytest.approx(task.chance_loss, rel=0.01)
    assert np.mean(wrong) == task.chance


def test_wrong_means_an_illegal_symbol_as_active_as_a_legal_one() -> None:
    task = Reber(9)
    batch = task.sample(3, stream(0))
    outputs = 0.2 * batch.targets - 5  # far below one half, yet in the right order
    assert not task.wrong(outputs, batch).any()
    outputs[4, 1] = outputs[4, 1].max()
    assert task.wrong(outputs, batch).tolist() == [False, True, False]


def test_the_shortest_string_has_nine_symbols() -> None:
    with pytest.raises(BadInput, match="lags 9 to 1000"):
        Reber(8)


def test_a_check_asks_strings_of_hundreds_of_lengths() -> None:
    asked = list(batches(Reber(20), 1000, torch.Generator().manual_seed(0), "test"))
    assert sum(batch.size for batch in asked) == 1000
    assert len(asked) == 500
    assert len({batch.length for batch in asked}) > 10
