"""The window: it sees the last steps alone, learns what they hold, and stays at chance on every task."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from longlag import Batch, SequenceModel, SquaredError, Task
from longlag.bench.contract.seeds import generator
from longlag.bench.plugins.registry import discover
from longlag.bench.trial.meter import BudgetMeter, Stream
from longlag.bench.trial.spec import Limits
from longlag.bench.trial.trainer import fit
from longlag.methods.parts.controls.window import CHANNELS, MOST, Window, span_edges

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore:.*LeafSpec.*:FutureWarning")

REGISTRY = discover()
VARIANTS = [
    f"{name}:{variant}"
    for name, task in REGISTRY.tasks.items()
    for variant in task.variants
    if name not in ("mnist", "digits")
]
RIDGE = {"learner": "ridge", "penalty": 1e-6, "batch_size": 50}
NET = {"learner": "net", "units": 30, "learning_rate": 5e-3, "batch_size": 50}
SURE = {
    "two_sequence": 1 / 2,
    "distractors": 1 / 2,
    "long_lag": 1 / 2,
    "reber": 1 / 2,
    "temporal_order:hs97": 3 / 4,
    "temporal_order:hs97_3": 7 / 8,
}
"""What a sure guess gets wrong, where the trivial predictor, for being undecided, is wrong on all."""


def make(expression: str, lag: int) -> Task:
    name, variant = REGISTRY.variant(expression)
    return REGISTRY.task(name, variant, max(lag, REGISTRY.tasks[name].lags(variant).shortest))


def trained(task: Task, hyperparameters: dict[str, Any], updates: int) -> SequenceModel:
    torch.manual_seed(0)
    model = REGISTRY.method("window").build(task, **hyperparameters)
    assert isinstance(model, SequenceModel)
    meter = BudgetMeter(Limits(1e15, updates=updates))
    fit(model, Stream(task, model.batch_size, generator(0, "train")), [meter])
    return model


def error(model: SequenceModel, task: Task, count: int) -> float:
    stream = generator(0, "test")
    batches = [task.draw(50, stream, "test") for _ in range(count // 50)]
    with torch.no_grad():
        return sum(float(task.wrong(model(b.inputs, b.mask), b).sum()) for b in batches) / count


class Recent(Task):
    """The input `lag` steps ago, asked for at every step, with a minimal lag that is said to be `minimal`."""

    name, source = "recent", ""

    def __init__(self, lag: int, minimal: int) -> None:
        super().__init__(lag)
        self.input_size = self.output_size = 1
        self.loss = SquaredError()
        self.minimal_lag = minimal
        self.chance = self.chance_loss = 1.0

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        inputs = torch.rand(30, batch_size, 1, generator=generator)
        targets = torch.cat([torch.zeros(self.lag, batch_size, 1), inputs[: -self.lag]])
        return Batch(inputs, targets, torch.ones(30, dtype=torch.bool))

    def wrong(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        return ((outputs - batch.targets).abs() > 0.05).any(0).any(-1)


@given(st.integers(1, 5000), st.integers(1, 300))
def test_spans_cover_the_window_nearest_steps_first(steps: int, spans: int) -> None:
    edges = span_edges(steps, max(2, spans))
    widths = [stop - start for start, stop in pairwise(edges)]
    assert (edges[0], edges[-1]) == (0, steps)
    assert len(widths) <= max(2, spans)
    assert widths[0] == 1 or steps == 1 or spans <= 2
    assert min(widths) >= 1
    assert all(later >= earlier - 1 for earlier, later in pairwise(widths))


@pytest.mark.parametrize(("steps", "inputs"), [(1, 1), (7, 3), (100, 3), (140, 3), (50, 100), (400, 1)])
def test_a_window_shows_the_last_steps_and_no_other(steps: int, inputs: int) -> None:
    torch.manual_seed(1)
    window = Window(steps, inputs)
    line = torch.rand(500, 2, inputs)
    mask = torch.zeros(500, dtype=torch.bool)
    mask[[3, 450, 499]] = True
    shown = window(line, mask)
    assert shown.shape == (3, 2, window.count)
    assert window.count <= max(MOST, CHANNELS)
    if steps * inputs <= MOST:
        for row, at in enumerate((3, 450, 499)):
            last = [line[at - back] if back <= at else torch.zeros(2, inputs) for back in range(steps)]
            assert torch.allclose(shown[row], torch.cat(last, 1).double(), atol=1e-5)
    for back in (0, steps - 1, steps, steps + 1):
        other = line.clone()
        other[499 - back] += 1
        changed = not torch.allclose(window(other, mask)[2], shown[2], atol=1e-6)
        assert changed == (back < steps)


@pytest.mark.parametrize("settings", [RIDGE, NET], ids=["ridge", "net"])
def test_it_learns_what_the_window_holds_and_nothing_beyond(settings: dict[str, Any]) -> None:
    for minimal, seen in ((6, True), (5, False)):
        task = Recent(5, minimal)
        model = trained(task, {**settings, "learning_rate": 0.02} if settings is NET else settings, 300)
        batch = task.sample(100, generator(0, "test"))
        with torch.no_grad():
            loss = float(task.loss(model(batch.inputs, batch.mask), batch.targets))
        # The variance of a uniform number, and of the zeros before the first.
        assert loss < 1e-3 if seen else loss > 0.06


def test_the_ridge_is_the_regression_of_another_library() -> None:
    task = Recent(3, 5)
    model = trained(task, {**RIDGE, "penalty": 0.01}, 1)
    batch = next(iter(Stream(task, 50, generator(0, "train"))))
    rows = torch.stack(
        [torch.cat([torch.zeros(back, 50, 1), batch.inputs])[:30] for back in range(5)], -1
    ).reshape(-1, 5)
    scale = rows.std(0, correction=0)
    oracle = Ridge(alpha=0.01 * len(rows)).fit((rows / scale).numpy(), batch.targets.reshape(-1).numpy())
    with torch.no_grad():
        outputs = model(batch.inputs, batch.mask).reshape(-1).double()
    expected = torch.from_numpy(oracle.predict((rows / scale).numpy())).double()
    assert torch.allclose(outputs, expected, atol=1e-4)


@pytest.mark.parametrize("expression", VARIANTS)
def test_it_sees_nothing_that_its_task_is_about(expression: str) -> None:
    task = make(expression, 30)
    model = trained(task, NET, 1)
    batch = task.sample(2, generator(0, "some"))
    inputs = batch.inputs.clone().requires_grad_()
    outputs = model(inputs, batch.mask)[-1].sum()
    (gradient,) = torch.autograd.grad(outputs, inputs)
    reached = gradient.abs().sum((1, 2))[: int(batch.mask.nonzero()[-1]) + 1]
    seen = max(1, task.minimal_lag)
    assert (reached[-seen:] > 0).all()
    assert (reached[:-seen] <= 1e-5 * reached.max()).all()


@pytest.mark.parametrize("settings", [RIDGE, NET], ids=["ridge", "net"])
@pytest.mark.parametrize("expression", VARIANTS)
def test_it_stays_at_chance(expression: str, settings: dict[str, Any]) -> None:
    task = make(expression, 30)
    reached = error(trained(task, settings, 60), task, 1000)
    least = min(task.chance, SURE.get(expression, SURE.get(task.name, 1.0)))
    assert reached > least - 0.06
    assert reached > min(10 * task.solved_below, 0.9 * task.chance)


@settings(max_examples=5)
@given(st.integers(50, 400))
def test_long_sequences_are_answered_piece_by_piece_alike(lag: int) -> None:
    task = REGISTRY.task("timer", "held", lag)
    model = trained(task, NET, 1)
    batch = task.sample(3, generator(0, "some"))
    with torch.no_grad():
        whole = model(batch.inputs, batch.mask)
        one = torch.zeros_like(batch.mask)
        one[lag // 2] = True
        assert torch.allclose(model(batch.inputs, one)[0], whole[lag // 2], atol=1e-6)
