"""How a trial is checked, and how one that fails is named."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from longlag import Batch, SequenceModel
from longlag.bench.trial import checks as checking
from longlag.bench.trial.checks import CHUNK, allowed, answer, batches
from longlag.bench.trial.failure import FailureDetector, classify
from longlag.bench.trial.meter import BudgetMeter, Stream
from longlag.bench.trial.probes import Probe
from longlag.bench.trial.spec import Checks, Limits
from longlag.bench.trial.trainer import fit
from tests.bench.trial.scripted import Scripted, Sum

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore:.*LeafSpec.*:FutureWarning")


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
    fit(model, Stream(model.task, 20, generator(0, "train")), [meter, check])
    return meter, check


def test_checking_stays_below_its_share() -> None:
    model = Scripted(Sum(), wrong_share=0.5)
    meter, check = train(model, Limits(6 * 10 * 5 * 20 * 400), Checks(200, 1000, 1000, share=0.05))
    answered = sum(inputs.shape[1] for inputs in model.asked[1:-1])  # the first and the last are always asked
    assert answered > 0
    assert 2 * 10 * 5 * answered <= 0.05 * meter.flops
    assert not check.solved


def test_a_trials_time_is_the_processors() -> None:
    class Waits(Scripted):
        def training_step(self, batch: Batch, index: int) -> Tensor:
            time.sleep(0.2)
            return torch.zeros(())

    started = time.perf_counter()
    meter, check = train(Waits(Sum(), wrong_share=0.5), Limits(1e9, updates=10), Checks(200, 1000, 1000))
    assert time.perf_counter() - started > 2
    assert check.curve[-1]["seconds"] <= meter.seconds < 1.5


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
    fit(model, Stream(model.task, 20, torch.Generator().manual_seed(0)), [watchers[place] for place in order])
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
    fit(model, Stream(model.task, 20, torch.Generator()), [meter, check])
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


def test_a_net_that_answers_rightly_untrained_has_solved_nothing_yet() -> None:
    class Forgetting(Scripted):
        """Right until it is trained, and then wrong."""

        def training_step(self, batch: Batch, index: int) -> Tensor:
            self.wrong_share = 0.5
            return super().training_step(batch, index)

    limits, checks = Limits(6 * 10 * 5 * 20 * 400), Checks(200, 1000, 1000, share=0.05)
    _, check = train(Forgetting(Sum()), limits, checks)
    assert not check.solved
    assert [point["error"] > 0.1 for point in check.curve] == [False, *(True for _ in check.curve[1:])]
    meter, check = train(Scripted(Sum()), limits, checks)
    assert check.solved
    assert check.curve[0]["flops"] == 0 < meter.updates < 400


def test_a_task_may_ask_few_sequences_of_a_length() -> None:
    class Uneven(Sum):
        of_a_length = 2

    asked = list(batches(Uneven(), 201, torch.Generator().manual_seed(0), "test"))
    assert [batch.size for batch in asked] == [2] * 100 + [1]
    # Checked as often as one that is asked in fifties, for the same share of its cost.
    spent = []
    for task in (Sum(), Uneven()):
        model = Scripted(task, wrong_share=0.5)
        train(model, Limits(6 * 10 * 5 * 20 * 400), Checks(200, 1000, 1000, share=0.05))
        spent.append(sum(inputs.shape[1] for inputs in model.asked))
    assert spent[1] <= spent[0]


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


def test_what_answers_as_it_did_is_not_checked_again() -> None:
    class Rarely(Scripted):
        updates = 0

        @property
        def revision(self) -> int:
            return self.updates // 100

        def training_step(self, batch: Batch, index: int) -> Tensor:
            self.updates += 1
            return super().training_step(batch, index)

    model = Rarely(Sum(), wrong_share=0.5)
    _, check = train(model, Limits(6 * 10 * 5 * 20 * 450), Checks(200, 1000, 1000, share=1.0))
    # As it began, as soon as it is another, and at its end.
    assert [point["updates"] for point in check.curve] == [0, 100, 200, 300, 400, 450]


def test_a_model_that_has_nothing_more_to_learn_ends_its_trial_with_a_last_check() -> None:
    class Fitted(Scripted):
        @property
        def settled(self) -> bool:
            return self.updates == 7

        updates = 0

        def training_step(self, batch: Batch, index: int) -> Tensor:
            self.updates += 1
            return super().training_step(batch, index)

    meter, check = train(Fitted(Sum(), wrong_share=0.5), Limits(1e12), Checks(200, 1000, 1000, share=0.0))
    assert (meter.updates, meter.sequences, meter.settled) == (7, 140, True)
    assert [point["updates"] for point in check.curve] == [0, 7]
    # By its curve it was improving, which it could not go on to do.
    falling = curve((1.0, 0.5), (1.0, 0.5), (1.0, 0.4), (1.0, 0.2))
    reached = Probe(torch.ones(30, dtype=torch.float64), 1.0)
    status, detail = classify(Sum(), falling, reached, meter, healthy=True)
    assert (status, detail.partition("; ")[2]) == (
        "plateau",
        "more sequences would hardly change its answers",
    )


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
