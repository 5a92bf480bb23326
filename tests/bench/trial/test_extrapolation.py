"""What solved its task is asked it at longer lags: which, how many sequences, and at what cost."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from longlag import BadInput, Batch
from longlag.bench.contract.task import Task
from longlag.bench.plugins.registry import discover
from longlag.bench.trial import extrapolation
from longlag.bench.trial.extrapolation import LONGEST, SEQUENCES, SHARE, extrapolate, farthest
from longlag.bench.trial.spec import Case, Checks, Limits, Outcome, TrialSpec
from longlag.bench.trial.trial import run
from tests.bench.trial.scripted import Scripted, Sum

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore:.*LeafSpec.*:FutureWarning")


class Until(Scripted):
    """Sums rightly as long as there are no more than `most` steps."""

    def __init__(self, task: Sum, most: int) -> None:
        super().__init__(task)
        self.most = most

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        return super().forward(inputs, mask) + (1.0 if inputs.shape[0] > self.most else 0.0)


def asked(most: int, *factors: int, at: Any = Sum, budget: float = 1e12) -> list[dict[str, Any]]:
    task = Sum(5)
    return extrapolate(Until(task, most), task, at, factors, budget, 0)


def test_it_ends_at_the_first_lag_that_is_not_solved() -> None:
    rows = asked(20, 100, 2, 3, 10)
    assert [(row["factor"], row["lag"], row["solved"]) for row in rows] == [
        (2, 10, True),
        (3, 15, True),
        (10, 50, False),
    ]
    assert [row["error"] for row in rows] == [0, 0, 1]
    assert [row["tested"] == SEQUENCES for row in rows] == [True, True, False]
    assert farthest(rows) == 3
    assert farthest(asked(5, 2)) == 1
    assert math.isnan(farthest([]))


def test_less_than_one_percent_may_be_wrong() -> None:
    """Of 256 sequences 2 may be wrong, not 3."""
    task = Sum(5)

    class Errs(Scripted):
        """Errs on the first `left` sequences that it is asked, and never again."""

        left = 0

        def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
            self.wrong_share, self.left = self.left / inputs.shape[1], 0
            return super().forward(inputs, mask)

    solved = []
    for wrong in (2, 3):
        model = Errs(task)
        model.left = wrong
        solved += [row["solved"] for row in extrapolate(model, task, Sum, [2], 1e12, 0)]
    assert solved == [True, False]


def test_its_cost_is_bounded_by_the_budget() -> None:
    """10 weights: 2 * 10 FLOPs a step of a sequence."""
    twice = 2 * 10 * 10 * SEQUENCES
    (only,) = asked(10**6, 2, budget=twice / SHARE * 1.001)
    assert only["solved"]
    (none,) = asked(10**6, 2, budget=twice / SHARE * 0.999)
    assert (none["tested"], "more than" in none["detail"]) == (0, True)
    first, second = asked(10**6, 2, 4, budget=2 * twice / SHARE)  # 1 and 2 of these, together 3 of 2
    assert (first["tested"], second["tested"]) == (SEQUENCES, 0)


def test_the_longest_lag_is_bounded_and_memory_with_it() -> None:
    task = Sum(5)
    model = Until(task, 10**6)
    rows = extrapolate(model, task, Sum, [LONGEST // 5, LONGEST // 5 + 1], 1e15, 0)
    assert [row["tested"] for row in rows] == [SEQUENCES, 0]
    assert f"above {LONGEST}" in rows[1]["detail"]
    assert max(inputs.numel() for inputs in model.asked) <= 100_000
    assert sum(inputs.shape[1] for inputs in model.asked) == SEQUENCES


def test_every_lag_has_fresh_sequences_of_its_own_and_always_the_same() -> None:
    task = Sum(5)
    one, two = Until(task, 100), Until(task, 100)
    for model in (one, two):
        extrapolate(model, task, Sum, [2], 1e12, 0)
    other = Until(task, 100)
    extrapolate(other, task, Sum, [2], 1e12, 1)
    assert all(torch.equal(a, b) for a, b in zip(one.asked, two.asked, strict=True))
    assert not torch.equal(one.asked[0], other.asked[0])


def test_a_lag_that_the_task_cannot_make_is_passed_over() -> None:
    def at(lag: int) -> Task:
        if lag == 10:
            raise BadInput("cannot make lag 10")
        return Sum(lag)

    rows = asked(100, 2, 3, at=at)
    assert [(row["tested"], row["detail"]) for row in rows] == [(0, "cannot make lag 10"), (SEQUENCES, "")]
    assert farthest(rows) == 3


def test_other_sizes_and_errors_end_it() -> None:
    def wider(lag: int) -> Task:
        task = Sum(lag)
        task.input_size = lag
        return task

    class Raises(Sum):
        def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
            raise RuntimeError("no such sequences")

    (row,) = asked(100, 2, 3, at=wider)
    assert row["detail"] == "10 inputs and 1 outputs, not 1 and 1"
    (row,) = asked(100, 2, 3, at=Raises)
    assert row["detail"].startswith("RuntimeError: no such sequences at test_extrapolation.py")
    assert math.isnan(farthest([row]))


def test_what_hangs_costs_no_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hangs(Sum):
        def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
            while True:
                pass

    monkeypatch.setattr(extrapolation, "OVERTIME", 0.05)
    (row,) = asked(100, 2, 3, at=Hangs)
    assert row["detail"].startswith("TimeoutError: not done after 0.0")


@pytest.fixture(scope="module")
def solved() -> tuple[Outcome, Outcome]:
    """A trial that solves its task, without and with longer lags."""
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
    case = Case("lstm", "temporal_order", "ms11", 30)
    plain = TrialSpec(case, "retest", 0, 7, settings, Limits(2e9), Checks(100, 200, 300))
    registry = discover()
    return run(plain, registry), run(replace(plain, extrapolate=(2,)), registry)


def test_the_trial_comes_out_as_without_it(solved: tuple[Outcome, Outcome]) -> None:
    def told(outcome: Outcome) -> dict[str, Any]:
        kept = vars(outcome) | {"seconds": 0, "extrapolates": 0, "extrapolation": []}
        return kept | {"curve": [point | {"seconds": 0} for point in outcome.curve]}

    without, asked = solved
    assert without.solved
    assert math.isnan(without.extrapolates)
    assert repr(told(without)) == repr(told(asked))
    (row,) = asked.extrapolation
    assert (row["lag"], row["tested"] > 0) == (60, True)
    assert asked.extrapolates == (2 if row["solved"] else 1)
