"""Twins: the same task with its keys next to the answer, against a second reading of both."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from longlag import BadInput, Batch, Lags, SquaredError, Task
from longlag.bench.contract.task import SHORTEST_TWIN
from longlag.bench.plugins.registry import discover
from longlag.tasks.handwriting import SLOT

REGISTRY = discover()
VARIANTS = [
    (name, variant) for name, task in REGISTRY.tasks.items() for variant in task.variants if name != "mnist"
]
MANY = {("associative_recall", "a23_8"), ("associative_recall", "a23_16")}
WITHOUT = {"capacity", "digits", "reber", "spike_timing", "timer", ("long_lag", "2a"), *MANY}
TWINS = [pair for pair in VARIANTS if not WITHOUT & {pair, pair[0]}]
FARTHEST = {
    "memorisation": 11,
    "copy_memory": 30,
    "handwriting": SLOT,
    ("copy_memory", "gd23"): 32,
    ("associative_recall", "a23_4"): 13,
}
"""The most steps from a key to where it is asked for; elsewhere 6."""
RECALL = ("memorisation", "copy_memory", "associative_recall")
"""Tasks that ask for several symbols."""

every_twin = pytest.mark.parametrize(("name", "variant"), TWINS)


def stream(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make(name: str, variant: str, lag: int) -> Task:
    return REGISTRY.task(name, f"{variant}_twin", max(lag, 51 if variant == "p13_mixed" else 0))


def keys_and_answer(name: str, variant: str, row: np.ndarray) -> tuple[list[int], object]:
    """The key steps of one sequence [T, D] that a reader finds, and the answer that they make."""
    last = len(row) - 1
    if name in ("adding", "multiplication", "xor"):
        keys = [step for step in range(len(row)) if row[step, 1] == 1]
        x, y = (float(row[key, 0]) for key in keys)
        if name == "adding":
            return keys, {"hs97": 0.5 + (x + y) / 4, "ms11": (x + y) / 2}.get(variant, x + y)
        return keys, x * y if name == "multiplication" else float(x != y)
    symbols = row.argmax(1)
    if name == "temporal_order":
        keys = [step for step in range(len(row)) if symbols[step] in (4, 5)]
        return keys, int("".join(str(symbols[key] - 4) for key in keys), 2)
    if name in ("random_permutation", "long_lag", "distractors"):
        keys = [step for step in range(len(row)) if symbols[step] in (0, 1)]
        return keys, int(symbols[keys[0]])
    if name in ("memorisation", "copy_memory"):
        blank = row.shape[1] - 2
        keys = [step for step in range(len(row)) if symbols[step] < blank]
        return keys, symbols[keys].tolist()
    if name == "associative_recall":
        asked = [
            step for step in range(1, len(row)) if 0 < symbols[step] < 32 and symbols[step] in symbols[:step]
        ]
        keys = [int(symbols.tolist().index(symbols[step])) + 1 for step in asked]
        return keys, [int(symbols[key]) - 32 for key in keys]
    if name == "induction":
        special = symbols.tolist().index(15)
        return [special + 1], int(symbols[special + 1])
    if name == "parity":
        # Of the steps that may hold a one the first; they all count.
        return [max(0, last - 5)], float(round(float((row[:, 0] > 0.5).sum())) % 2)
    if name == "handwriting":
        keys = [step for step in range(len(row)) if row[step, 3] == 1]
        return keys, None  # which letter it is, test_handwriting asks
    if name == "text":
        keys = list(range(last - 10, last - 6))
        return keys, symbols[keys].tolist()
    if name == "latch":
        return [last - 1], float(row[last - 1, 0] > 0)
    assert name == "two_sequence"
    keys = list(range(last - (1 if variant == "3a_1" else 3), last))
    return keys, float(row[keys, 0].mean() > 0)


@every_twin
@settings(max_examples=15)
@given(lag=st.integers(SHORTEST_TWIN, 120), size=st.integers(1, 12), seed=st.integers(0, 2**40))
def test_the_keys_lie_next_to_the_answer_and_make_it(
    name: str, variant: str, lag: int, size: int, seed: int
) -> None:
    twin = make(name, variant, lag)
    batch = twin.sample(size, stream(seed))
    supervised = batch.mask.nonzero().flatten().tolist()
    assert name == "associative_recall" or supervised[-1] == batch.length - 1
    for b in range(size):
        row = batch.inputs[:, b].numpy()
        keys, answer = keys_and_answer(name, variant, row)
        target = batch.targets[-1, b]
        if name in ("memorisation", "copy_memory"):
            assert isinstance(answer, list)
            asked = range(batch.length - len(keys), batch.length)
            assert batch.targets[-len(keys) :, b].tolist() == answer
            assert (batch.targets[: -len(keys), b] == twin.output_size - 1).all()
        elif name == "associative_recall":
            asked = supervised
            assert batch.targets[:, b].tolist() == answer
        elif name == "text":
            asked = range(batch.length - 5, batch.length - 1)
            assert batch.targets[-5:-1, b].tolist() == answer
        else:
            asked = [batch.length - 1] * len(keys)
            if answer is not None and variant != "3c":
                assert float(target) == pytest.approx(answer, abs=1e-6)
        distances = [at - key for at, key in zip(asked, keys, strict=True)]
        assert min(distances) >= twin.minimal_lag
        assert max(distances) <= FARTHEST.get((name, variant), FARTHEST.get(name, 6))


@every_twin
def test_all_but_the_places_of_the_keys_is_as_it_was(name: str, variant: str) -> None:
    twin = make(name, variant, 50)
    task = REGISTRY.task(name, variant, twin.lag)
    near, far = twin.sample(400, stream(1)), task.sample(400, stream(1))
    assert (near.inputs.shape, near.targets.shape) == (far.inputs.shape, far.targets.shape)
    assert near.mask.sum() == far.mask.sum()
    if name != "associative_recall":  # which asks where its keys come again
        assert torch.equal(near.mask, far.mask)
    ranges = [[float(batch.inputs.min()), float(batch.inputs.max())] for batch in (near, far)]
    assert ranges[0] == pytest.approx(ranges[1], rel=0.15)
    assert type(twin.loss) is type(task.loss)
    assert (twin.solved_below, twin.sizes) == (task.solved_below, task.sizes)
    # Where every symbol or number of a sequence is drawn alike, whatever its step, the whole is.
    for channel in range(min(task.input_size, 8) if name != "parity" else 0):  # all of whose bits are keys
        share = [float(batch.inputs[:, :, channel].mean()) for batch in (near, far)]
        assert share[0] == pytest.approx(share[1], abs=0.02)
    # ... and so are the answers.
    drawn = [batch.targets[-1].flatten().double().numpy() for batch in (near, far)]
    assert stats.ks_2samp(*drawn).pvalue > 1e-3


@every_twin
def test_chance_is_what_the_trivial_predictor_reaches(name: str, variant: str) -> None:
    twin = make(name, variant, 50)
    task = REGISTRY.task(name, variant, twin.lag)
    # One key at the first step of adding and multiplication hs97 does not count: that of a twin always does.
    assert twin.chance == pytest.approx(task.chance, abs=0.02 if variant == "hs97" else 0)
    assert twin.chance_loss == pytest.approx(task.chance_loss, rel=0.25 if variant == "hs97" else 0.02)
    batch = twin.sample(4000, stream(2))
    batch = Batch(batch.inputs, batch.targets[-1:], batch.mask)
    if name in (*RECALL, "text"):
        return  # the same symbols, asked for as before
    if isinstance(twin.loss, SquaredError):
        outputs = batch.targets.mean(1, keepdim=True).expand_as(batch.targets)
        assert float(twin.loss(outputs, batch.targets)) == pytest.approx(twin.chance_loss, rel=0.1)
    else:
        outputs = torch.zeros(1, batch.size, twin.output_size)
        if name in ("random_permutation", "long_lag"):
            outputs[..., 2:] = -50
    wrong = twin.wrong(outputs, batch).double().mean()
    assert float(wrong) == pytest.approx(twin.chance, abs=0.03)


@every_twin
def test_what_is_right_is_not_wrong(name: str, variant: str) -> None:
    twin = make(name, variant, 50)
    batch = twin.sample(20, stream(3))
    outputs = batch.targets.clone()
    if variant == "3c":
        rows = (keys_and_answer(name, variant, batch.inputs[:, b].numpy()) for b in range(20))
        outputs = torch.tensor([0.8 - 0.6 * float(up) for _, up in rows]).view(1, 20, 1)  # type: ignore[arg-type]
    elif not isinstance(twin.loss, SquaredError):
        known = torch.nn.functional.one_hot(outputs, twin.output_size) if outputs.dim() == 2 else outputs
        outputs = 40 * known.float() - 20
    assert not twin.wrong(outputs, batch).any()
    assert twin.wrong(-outputs + 3, batch).all()


@every_twin
def test_draws_come_from_the_generator_alone(name: str, variant: str) -> None:
    for seed in range(3):
        one, other = (make(name, variant, 40).sample(9, stream(seed)) for _ in range(2))
        assert torch.equal(one.inputs, other.inputs)
        assert torch.equal(one.targets, other.targets)
        fewer = make(name, variant, 40).sample(4, stream(seed))
        assert torch.equal(fewer.inputs, one.inputs[:, :4])


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_a_variant_has_a_twin_or_says_why_not(name: str, variant: str) -> None:
    why = REGISTRY.tasks[name].no_twin(variant)
    assert (not why) == ((name, variant) in TWINS)
    assert "\n" not in why
    if why:
        for ask in (
            lambda: REGISTRY.variant(f"{name}:{variant}_twin"),
            lambda: REGISTRY.task(name, f"{variant}_twin", 64),
            lambda: REGISTRY.task(name, variant, 64).twin(),
        ):
            with pytest.raises(BadInput, match=f"{name}:{variant} has no twin: {why}"):
                ask()
    else:
        assert REGISTRY.variant(f"{name}:{variant}_twin") == (name, f"{variant}_twin")


def test_a_twin_of_a_twin_is_refused() -> None:
    twin = REGISTRY.task("adding", "ms11", 50).twin()
    assert twin.is_twin
    with pytest.raises(BadInput, match="adding:ms11_twin is a twin, and has none of its own"):
        twin.twin()
    with pytest.raises(BadInput, match="no variant 'ms11_twin_twin'"):
        REGISTRY.variant("adding:ms11_twin_twin")
    with pytest.raises(BadInput, match="no variant 'ms11_twin_twin'"):
        REGISTRY.task("adding", "ms11_twin_twin", 50)


def test_a_twin_is_not_made_of_a_lag_that_is_short_as_it_is() -> None:
    message = f"adding:ms11_twin cannot make lag 19: it makes {Lags(SHORTEST_TWIN)}"
    with pytest.raises(BadInput, match=message):
        REGISTRY.task("adding", "ms11_twin", 19)
    with pytest.raises(BadInput, match="adding:hs97 cannot make lag 10"):
        REGISTRY.task("adding", "hs97_twin", 10)


def test_a_misspelt_twin_gets_the_nearest() -> None:
    with pytest.raises(BadInput, match="no variant 'm11_twin': did you mean 'ms11_twin'"):
        REGISTRY.variant("adding:m11_twin")


def test_a_task_that_wrote_no_hook_has_no_twin_and_one_that_did_has() -> None:
    class Plain(Task):
        name, source = "plain", ""

        def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
            raise NotImplementedError

        def wrong(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
            raise NotImplementedError

    class Hooked(Plain):
        def bring_near(self) -> None:
            """Here."""
            self.minimal_lag = 1

    with pytest.raises(BadInput, match="plain:standard has no twin: no bring_near says where"):
        Plain(30).twin()
    twin = Hooked(30).twin()
    assert (twin.is_twin, twin.minimal_lag, twin.lag, twin.variant) == (True, 1, 30, "standard")
