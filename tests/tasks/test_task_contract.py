"""What every task promises, over lag, batch and seed."""

import inspect
from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from longlag import BadInput, Batch, Task
from longlag.bench.checking.tasks import PROMISES, Tried
from longlag.bench.plugins.registry import discover

FACTS = {"inputs", "targets", "length", "lag", "loss", "wrong", "trivial"}
TASKS = {
    name: task for name, task in discover().tasks.items() if name != "mnist"
}  # needs files: tested apart
VARIANTS = [(name, variant) for name, task in TASKS.items() for variant in task.variants]
# Tasks whose length is drawn for every batch.
DRAWN_LENGTH = {"reber", "distractors", "two_sequence", "xor"}
DRAWN_LENGTH_VARIANTS = {
    *((name, variant) for name in ("adding", "multiplication") for variant in ("hs97", "ms11")),
    ("adding", "s13"),
    ("temporal_order", "hs97"),
    ("temporal_order", "hs97_3"),
    ("temporal_order", "p13_mixed"),
    ("parity", "o18_mixed"),
    ("parity", "b94"),
}
# ... and one whose steps to answer at are.
DRAWN_STEPS = {"associative_recall"}

every_variant = pytest.mark.parametrize(("name", "variant"), VARIANTS)
batches = st.integers(1, 30)
seeds = st.integers(0, 2**63 - 1)


def stream(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some_lags(name: str, variant: str) -> st.SearchStrategy[int]:
    lags = TASKS[name].lags(variant)
    return st.integers(lags.shortest, 150).filter(lags.__contains__) if name != "digits" else st.just(64)


def equal(one: Batch, other: Batch) -> bool:
    return all(
        torch.equal(a, b)
        for a, b in ((one.inputs, other.inputs), (one.targets, other.targets), (one.mask, other.mask))
    )


@every_variant
@settings(max_examples=12)
@given(data=st.data())
def test_shapes_and_types(name: str, variant: str, data: st.DataObject) -> None:
    task = TASKS[name](data.draw(some_lags(name, variant)), variant)
    size = data.draw(batches)
    batch = task.sample(size, stream(data.draw(seeds)))
    supervised = int(batch.mask.sum())

    assert batch.inputs.shape == (batch.length, size, task.input_size)
    assert batch.inputs.dtype == torch.float32
    assert batch.mask.shape == (batch.length,)
    assert batch.mask.dtype == torch.bool
    assert supervised >= 1
    if batch.targets.dtype == torch.int64:
        assert batch.targets.shape == (supervised, size)
        assert batch.targets.min() >= 0
        assert batch.targets.max() < task.output_size
    else:
        assert batch.targets.dtype == torch.float32
        assert batch.targets.shape == (supervised, size, task.output_size)
    assert batch.inputs.isfinite().all()
    outputs = torch.zeros(supervised, size, task.output_size)
    assert task.loss(outputs, batch.targets).isfinite()
    wrong = task.wrong(outputs, batch)
    assert wrong.shape == (size,)
    assert wrong.dtype == torch.bool


@every_variant
@settings(max_examples=8)
@given(data=st.data())
def test_a_small_batch_is_the_beginning_of_a_large_one(name: str, variant: str, data: st.DataObject) -> None:
    task = TASKS[name](data.draw(some_lags(name, variant)), variant)
    small, more, seed = data.draw(batches), data.draw(batches), data.draw(seeds)
    large = task.sample(small + more, stream(seed))
    assert equal(task.sample(small, stream(seed)), large.narrow(small))
    assert equal(task.sample(small + more, stream(seed)), large)


def fixed_length() -> Iterator[tuple[str, str]]:
    for name, variant in VARIANTS:
        if name not in DRAWN_LENGTH | DRAWN_STEPS and (name, variant) not in DRAWN_LENGTH_VARIANTS:
            yield name, variant


def test_tasks_of_one_length_say_so() -> None:
    said = {(name, variant) for name, task in TASKS.items() for variant in task.one_length}
    # Whose images come in an order of their own.
    assert said == {each for each in fixed_length() if each[0] != "digits"}


@every_variant
@settings(max_examples=4)
@given(data=st.data())
def test_batches_drawn_together_are_those_drawn_one_after_another(
    name: str, variant: str, data: st.DataObject
) -> None:
    task = TASKS[name](data.draw(some_lags(name, variant)), variant)
    count, size, seed = data.draw(st.integers(1, 4)), data.draw(batches), data.draw(seeds)
    together, generator = task.draws(count, size, stream(seed)), stream(seed)
    assert len(together) == count
    for batch in together:
        assert equal(batch, task.draw(size, generator, "train"))
        assert batch.inputs.is_contiguous()


@pytest.mark.parametrize(("name", "variant"), list(fixed_length()))
@settings(max_examples=8)
@given(data=st.data())
def test_the_same_seed_gives_the_same_data_whatever_the_batch_size(
    name: str, variant: str, data: st.DataObject
) -> None:
    task = TASKS[name](data.draw(some_lags(name, variant)), variant)
    sizes, seed = data.draw(st.lists(batches, min_size=1, max_size=4)), data.draw(seeds)
    generator = stream(seed)
    parts = [task.sample(size, generator) for size in sizes]
    whole = task.sample(sum(sizes), stream(seed))
    assert torch.equal(torch.cat([part.inputs for part in parts], 1), whole.inputs)
    assert torch.equal(torch.cat([part.targets for part in parts], 1), whole.targets)


@every_variant
def test_a_batch_comes_from_its_generator_alone_and_moves_it_on(name: str, variant: str) -> None:
    task = TASKS[name](64, variant)
    generator = stream(5)
    torch.manual_seed(1)
    first, second = task.sample(20, generator), task.sample(20, generator)
    torch.manual_seed(2)
    assert equal(TASKS[name](64, variant).sample(20, stream(5)), first)
    if not (name == "long_lag" and variant == "2a"):  # two sequences only
        assert first.inputs.shape != second.inputs.shape or not torch.equal(first.inputs, second.inputs)


@every_variant
def test_streams_of_different_seeds_do_not_overlap(name: str, variant: str) -> None:
    task = TASKS[name](64, variant)

    def seen(seed: int) -> set[bytes]:
        batch = task.draw(50, stream(seed), "train" if seed == 0 else "test")
        return {batch.inputs[:, b].numpy().tobytes() for b in range(batch.size)}

    # Tasks of few patterns, or of few starts, repeat themselves by definition; the others do not.
    few = {("memorisation", "mem5"), ("long_lag", "2a")} | {
        (name, v) for name in ("timer", "spike_timing") for v in TASKS[name].variants
    }
    if (name, variant) not in few:
        assert not seen(0) & seen(1)


@every_variant
def test_it_says_what_it_is(name: str, variant: str) -> None:
    task = TASKS[name]
    assert set(task.facts) == FACTS
    assert all(text and "\n" not in text for text in (*task.facts.values(), task.source))
    assert task.variants[variant]
    document = inspect.getdoc(inspect.getmodule(task)) or ""
    for word in ("Inputs:", "Target", "Loss:", "Wrong:", "Trivial predictor"):
        assert word in document, word


@every_variant
def test_lags_below_the_shortest_are_refused_in_one_line(name: str, variant: str) -> None:
    lags = TASKS[name].lags(variant)
    TASKS[name](lags.shortest, variant)
    for lag in (lags.shortest - 1, 0, -3):
        with pytest.raises(
            BadInput, match=rf"{name}:{variant} cannot make lag {lag}: it makes lag"
        ) as caught:
            TASKS[name](lag, variant)
        assert "\n" not in str(caught.value)


@every_variant
def test_what_is_not_a_number_is_wrong(name: str, variant: str) -> None:
    task: Task = TASKS[name](64, variant)
    batch = task.sample(7, stream(0))
    outputs = torch.full((int(batch.mask.sum()), 7, task.output_size), float("nan"))
    assert task.wrong(outputs, batch).all()


@pytest.mark.parametrize("promise", [*PROMISES])
@pytest.mark.parametrize("name", TASKS)
def test_every_promise_is_kept(name: str, promise: str) -> None:
    verdict = PROMISES.tried(promise, Tried(TASKS[name], discover()))
    assert verdict.kept, verdict.told


def test_every_task_of_the_literature_is_here() -> None:
    assert {
        "adding", "multiplication", "xor", "temporal_order", "random_permutation", "memorisation",
        "copy_memory", "two_sequence", "long_lag", "distractors", "reber", "timer", "spike_timing", "latch",
        "digits", "mnist", "handwriting", "text", "parity", "induction", "associative_recall",
        "capacity",
    } <= set(discover().tasks)  # fmt: skip
