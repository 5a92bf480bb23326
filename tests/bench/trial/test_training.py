"""A trial: its budget, its checks, its determinism, and the names of its failures."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from longlag import Batch, SequenceModel, SquaredError, Task
from longlag.bench.plugins.registry import Registry, discover
from longlag.bench.trial import checks as checking
from longlag.bench.trial.checks import CHUNK, allowed, answer, batches
from longlag.bench.trial.failure import FailureDetector, classify
from longlag.bench.trial.meter import BudgetMeter, Stream
from longlag.bench.trial.probes import Probe, probe
from longlag.bench.trial.spec import Case, Checks, Limits, Outcome, TrialSpec
from longlag.bench.trial.trainer import trainer
from longlag.bench.trial.trial import run

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore:.*LeafSpec.*:FutureWarning")

QUICK = Checks(validation=100, confirmation=200, test=300)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return discover()


def spec(method: str, task: str, lag: int, budget: float, **hyperparameters: Any) -> TrialSpec:
    name, _, variant = task.partition(":")
    return TrialSpec(Case(method, name, variant, lag), "tune", 0, 7, hyperparameters, Limits(budget), QUICK)


def vanilla(lag: int, budget: float, **change: Any) -> TrialSpec:
    settings = {"units": 16, "batch_size": 10, "learning_rate": 0.01, "init_scale": 0.1} | change
    return spec("vanilla", "adding:ms11", lag, budget, **settings)


def orthogonal(lag: int, budget: float, learning_rate: float) -> TrialSpec:
    settings = {
        "units": 16,
        "batch_size": 10,
        "recurrent_weights": "orthogonal",
        "spectral_radius": 1.0,
        "input_scale": 0.1,
        "readout_scale": 0.1,
        "centred": True,
        "hold_biases": False,
        "learning_rate": learning_rate,
        "friction": 0.1,
        "early_updates": 1,
        "gradual": False,
    }
    return spec("careful_init", "adding:ms11", lag, budget, **settings)


def lstm(lag: int, budget: float) -> TrialSpec:
    settings = {
        "units": 8,
        "batch_size": 20,
        "init_scale": 0.1,
        "keep_gate": "constant",
        "keep_bias": 2.0,
        "optimiser": "adam",
        "adam_rate": 0.02,
        "halving": 1e5,
    }
    return spec("lstm", "temporal_order:ms11", lag, budget, **settings)


def test_a_trial_comes_out_the_same_twice_but_for_time(registry: Registry) -> None:
    def told(outcome: Outcome) -> dict[str, Any]:
        plain = vars(outcome) | {"seconds": 0}
        return plain | {"curve": [point | {"seconds": 0} for point in outcome.curve]}

    first, second = (told(run(vanilla(20, 3e7), registry)) for _ in range(2))
    assert repr(first) == repr(second)


def test_the_budget_is_spent_and_never_exceeded(registry: Registry) -> None:
    outcome = run(vanilla(20, 3e7), registry)
    weights = 16 * 16 + 16 * 2
    a_sequence = 6 * weights * outcome.flops / (6 * weights * outcome.sequences)  # 6 N T, T drawn anew
    assert outcome.flops <= 3e7
    assert outcome.flops > 3e7 - 2 * 10 * a_sequence
    assert outcome.sequences == 10 * outcome.updates
    lengths = outcome.flops / (6 * weights * outcome.sequences)
    assert 20 <= lengths <= 22


def test_budgets_in_updates_and_sequences(registry: Registry) -> None:
    limits = Limits(1e12, updates=7)
    assert run(replace(vanilla(20, 1e12), limits=limits), registry).updates == 7
    limits = Limits(1e12, sequences=55)
    assert run(replace(vanilla(20, 1e12), limits=limits), registry).sequences == 50


def test_a_cap_below_the_budget_is_told_apart_from_the_budget(registry: Registry) -> None:
    capped = run(replace(vanilla(20, 1e9), limits=Limits(1e9, cap=1e7)), registry)
    assert capped.status == "capped"
    assert capped.flops <= 1e7
    assert run(replace(vanilla(20, 1e7), limits=Limits(1e7, cap=1e9)), registry).status != "capped"


def test_what_one_step_takes_beyond_the_budget_is_said(registry: Registry) -> None:
    outcome = run(vanilla(20, 1e4), registry)
    assert (outcome.status, outcome.updates) == ("over_budget", 1)
    assert "of 1e+04 FLOPs" in outcome.detail


def test_a_solved_trial_stops_and_was_confirmed_on_fresh_sequences(registry: Registry) -> None:
    outcome = run(lstm(10, 2e10), registry)
    assert outcome.status == "solved"
    assert outcome.flops < 2e10
    assert outcome.tested == 300
    assert outcome.error < 0.03
    assert outcome.curve[-1]["flops"] == outcome.flops
    assert outcome.curve[-1]["error"] < 0.01


@pytest.mark.parametrize(
    ("make", "status"),
    [
        (lambda: vanilla(20, 3e8, learning_rate=1e4), "exploded"),
        (lambda: vanilla(200, 1e8, init_scale=0.001), "vanished"),
        # With no step at all nothing is learned, though the orthogonal net carries its gradient back.
        (lambda: orthogonal(20, 3e7, learning_rate=1e-30), "plateau"),
    ],
)
def test_failures_have_names(registry: Registry, make: Any, status: str) -> None:
    outcome = run(make(), registry)
    assert outcome.status == status, outcome.detail
    assert outcome.detail


class Sum(Task):
    """The sum of all inputs: learnable by a line, for tests of the engine."""

    name = "sum"
    source = "none"

    def __init__(self, lag: int = 5, variant: str | None = None) -> None:
        super().__init__(lag, variant)
        self.input_size = self.output_size = 1
        self.loss = SquaredError()
        self.chance, self.chance_loss, self.minimal_lag = 0.9, lag / 3, lag - 1

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        inputs = torch.rand(batch_size, self.lag, generator=generator).T.unsqueeze(-1)
        mask = torch.zeros(self.lag, dtype=torch.bool)
        mask[-1] = True
        return Batch(inputs, inputs.sum(0, keepdim=True), mask)

    def wrong(self, outputs: Tensor, batch: Batch) -> Tensor:
        return (outputs - batch.targets)[0, :, 0].abs() > 0.04


class Scripted(SequenceModel):
    """Answers rightly but for the sequences it is told to get wrong; counts what it was asked."""

    def __init__(self, task: Task, wrong_share: float = 0.0, fill: float = 1.0) -> None:
        super().__init__(task)
        self.automatic_optimization = False
        self.weight = torch.nn.Parameter(torch.ones(10))
        self.wrong_share = wrong_share
        self.fill = fill
        self.asked: list[Tensor] = []

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        self.asked.append(inputs)
        outputs = inputs.sum(0, keepdim=True)
        count = round(self.wrong_share * inputs.shape[1])
        outputs[:, :count] += self.fill
        return outputs

    def training_step(self, batch: Batch, index: int) -> Tensor:
        return torch.zeros(())

    def configure_optimizers(self) -> None:
        return None


def questions(count: int) -> Iterator[Batch]:
    return batches(Sum(), count, torch.Generator().manual_seed(0), "test")


@pytest.mark.parametrize("count", [1, 49, 50, 51, 200])
def test_every_sequence_is_asked_once(count: int) -> None:
    model = Scripted(Sum())
    told = answer(model, model.task, questions(count))
    assert told.asked == count == sum(inputs.shape[1] for inputs in model.asked)
    assert told.wrong == 0


@pytest.mark.parametrize("fill", [1.0, math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_wrong(fill: float) -> None:
    model = Scripted(Sum(), wrong_share=0.5, fill=fill)
    assert answer(model, model.task, questions(100)).error == 0.5


def test_asking_stops_once_too_many_are_wrong() -> None:
    model = Scripted(Sum(), wrong_share=0.5)
    assert answer(model, model.task, questions(1000), stop_after=2).asked == CHUNK


def test_solved_means_strictly_below_one_percent() -> None:
    task = Sum()
    assert [allowed(task, n) for n in (99, 100, 101, 200, 1000)] == [0, 0, 1, 1, 9]


def train(model: SequenceModel, limits: Limits, checks: Checks) -> tuple[BudgetMeter, checking.SuccessCheck]:
    from longlag.bench.contract.seeds import generator

    meter = BudgetMeter(limits)
    check = checking.SuccessCheck(model.task, checks, 0, meter)
    trainer([meter, check]).fit(model, Stream(model.task, 20, generator(0, "train")))
    return meter, check


def test_checking_stays_below_its_share() -> None:
    model = Scripted(Sum(), wrong_share=0.5)
    meter, check = train(model, Limits(6 * 10 * 5 * 20 * 400), Checks(200, 1000, 1000, share=0.05))
    answered = sum(inputs.shape[1] for inputs in model.asked[1:-1])  # the first and the last are always asked
    assert answered > 0
    assert 2 * 10 * 5 * answered <= 0.05 * meter.flops
    assert not check.solved


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_who_watches_a_trial_does_so_in_one_order(order: tuple[int, ...]) -> None:
    class Explodes(Scripted):
        def training_step(self, batch: Batch, index: int) -> Tensor:
            self.wrong_share = 0.0 if index == 4 else 1.0
            return torch.tensor(math.nan if index == 4 else 0.0)

    model = Explodes(Sum())
    meter = BudgetMeter(Limits(1e9))
    detector = FailureDetector(meter)
    check = checking.SuccessCheck(model.task, Checks(50, 50, 50), 0, meter)
    watchers = [detector, meter, check]
    trainer([watchers[place] for place in order]).fit(
        model, Stream(model.task, 20, torch.Generator().manual_seed(0))
    )
    assert detector.exploded == "the training loss was nan at update 5"
    # The step that exploded is charged, and what came of it is on the curve.
    assert meter.updates == check.curve[-1]["updates"] == 5
    assert check.curve[-1]["error"] == 0


def test_a_step_dearer_than_what_was_left_cannot_solve() -> None:
    class Dearer(Scripted):
        def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
            self.wrong_share = 0.0 if self.steps == 3 else 1.0
            return super().forward(inputs, mask)

        def training_step(self, batch: Batch, index: int) -> Tensor:
            self.steps = index + 1
            return torch.zeros(())

        def cost(self, batch: Batch) -> float:
            return 10.0**self.steps

        steps = 0

    meter, check = train(Dearer(Sum()), Limits(500.0), Checks(50, 50, 50))
    assert (meter.updates, meter.flops, meter.overspent) == (3, 1110.0, True)
    assert check.curve[-1]["error"] == 0
    assert not check.solved
    meter, check = train(Dearer(Sum()), Limits(1110.0), Checks(50, 50, 50))
    assert (meter.updates, meter.overspent, check.solved) == (3, False, True)


def test_a_pass_on_validation_alone_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Scripted(Sum())

    def only_validation(inputs: Tensor, _: Tensor) -> Tensor:
        known = any(torch.equal(inputs, batch.inputs) for batch in model.known)
        return inputs.sum(0, keepdim=True) + (0.0 if known else 1.0)

    monkeypatch.setattr(model, "forward", only_validation)
    monkeypatch.setattr(model, "known", [], raising=False)
    meter = BudgetMeter(Limits(6 * 10 * 5 * 20 * 100))
    check = checking.SuccessCheck(model.task, Checks(100, 200, 200), 0, meter)
    model.known = check.validation
    trainer([meter, check]).fit(model, Stream(model.task, 20, torch.Generator()))
    assert not check.solved
    assert check.curve[-1]["error"] == 0


def test_train_validation_confirmation_and_test_sequences_differ() -> None:
    model = Scripted(Sum())
    seen: dict[str, Tensor] = {}
    _, check = train(model, Limits(1e9, updates=3), Checks(100, 100, 100))
    seen["validation"] = torch.cat([b.inputs for b in check.validation], 1)
    seen["confirmation and validation"] = torch.cat(model.asked, 1)
    model.asked = []
    check.test(model)
    seen["test"] = torch.cat(model.asked, 1)
    assert not torch.isin(seen["test"], seen["confirmation and validation"]).any()
    confirmed = seen["confirmation and validation"]
    assert (~torch.isin(confirmed, seen["validation"])).any()


class Leak(SequenceModel):
    """x_t = a x_(t-1) + u_t: its gradient at lag k is a^k, exactly."""

    def __init__(self, task: Task, a: float) -> None:
        super().__init__(task)
        self.a = torch.nn.Parameter(torch.tensor(a))

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        state = torch.zeros_like(inputs[0])
        states = []
        for step in inputs:
            state = self.a * state + step
            states.append(state)
        return torch.stack(states)[mask]


def test_the_probe_measures_the_decay_of_the_gradient() -> None:
    task = Sum(30)
    model = Leak(task, 0.7)
    measured = probe(model, task, task.sample(20, torch.Generator().manual_seed(0)))
    expected = 0.7 ** torch.arange(30, dtype=torch.float64)
    torch.testing.assert_close(measured.norms / measured.norms[0], expected, rtol=1e-4, atol=1e-9)
    assert measured.reach(10) == pytest.approx(0.7**10, rel=1e-4)
    assert math.isnan(measured.spectral_radius)


def test_a_probe_keeps_few_lags_and_the_first_and_last() -> None:
    rows = Probe(torch.ones(1000, dtype=torch.float64), 0.9).rows("after")
    lags = [row["lag"] for row in rows]
    assert lags[0] == 0
    assert len(lags) < 60
    assert max(lags) >= 990
    assert len(set(lags)) == len(lags)


def test_a_model_without_gradient_has_an_empty_probe() -> None:
    class Fixed(Scripted):
        def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
            return inputs.detach().sum(0, keepdim=True)

    measured = probe(Fixed(Sum()), Sum(), Sum().sample(4, torch.Generator()))
    assert len(measured.norms) == 0
    assert math.isnan(measured.reach(3))
    assert measured.rows("before") == []


def test_lightning_is_what_trains(registry: Registry) -> None:
    task = registry.task("adding", "ms11", 20)
    model = registry.method("vanilla").build(task, units=8, batch_size=5, learning_rate=0.1, init_scale=0.1)
    assert isinstance(model, pl.LightningModule)


def curve(*points: tuple[float, float]) -> list[dict[str, float]]:
    """Points of (loss, error) at even costs."""
    return [
        {
            "flops": float(n + 1),
            "sequences": 0.0,
            "updates": float(n),
            "seconds": 0.0,
            "loss": loss,
            "error": e,
        }
        for n, (loss, e) in enumerate(points)
    ]


@pytest.mark.parametrize(
    ("points", "status"),
    [
        # From 3% wrong to 1.7%: next to nothing of the trivial predictor's loss, and progress all the same.
        ([(1e-2, 0.05), (8e-3, 0.04), (6e-3, 0.03), (4e-3, 0.017)], "improving"),
        # The loss stands still while the answers get better.
        ([(1.0, 0.5), (1.0, 0.5), (1.0, 0.4), (1.0, 0.2)], "improving"),
        ([(1.0, 0.5)] * 4, "plateau"),
        ([(1.0, 0.5), (1.0, 0.5), (1.0, 0.5), (0.96, 0.49)], "plateau"),
        ([(1.0, 0.5), (1.0, 0.5), (0.5, 0.3), (0.9, 0.5)], "plateau"),
    ],
)
def test_progress_is_relative(points: list[tuple[float, float]], status: str) -> None:
    meter, reached = BudgetMeter(Limits(1e3)), Probe(torch.ones(30, dtype=torch.float64), 1.0)
    assert classify(Sum(), curve(*points), reached, meter, healthy=True)[0] == status


def test_a_model_may_ask_to_be_checked_more_often() -> None:
    class Eager(Scripted):
        check_share = 1.0

    limits, checks = Limits(6 * 10 * 5 * 20 * 100), Checks(200, 1000, 1000, share=0.05)
    asked = []
    for make in (Scripted, Eager):
        model = make(Sum(), wrong_share=0.5)
        train(model, limits, checks)
        asked.append(sum(inputs.shape[1] for inputs in model.asked))
    assert asked[1] > 5 * asked[0]


@pytest.mark.parametrize(("wrong", "solved"), [(4, True), (5, False)])
def test_at_the_end_a_near_miss_is_asked_the_sequences_that_decide(wrong: int, solved: bool) -> None:
    class Unlucky(Scripted):
        """Wrong on so many of the validation sequences, and on no others."""

        def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
            outputs = inputs.sum(0, keepdim=True)
            if torch.equal(inputs, self.known):
                outputs[:, :wrong] += 1.0
            return outputs

    model = Unlucky(Sum())
    meter = BudgetMeter(Limits(1e9, updates=1))
    check = checking.SuccessCheck(model.task, Checks(200, 500, 500), 0, meter)
    model.known = check.validation[0].inputs
    check.check(model)
    assert not check.solved
    check.check(model, final=True)
    assert check.solved is solved
