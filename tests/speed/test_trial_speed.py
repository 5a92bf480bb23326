"""What a trial costs before it has learned anything: one update, in a process that has run others.

Against Lightning's own trainer on the same model for one step: what a trial adds are its seeds, its
validation sequences, probes, checks and its row. What a profile asks of a trial's checks comes on top: 1,000
fresh sequences by default, which is not fixed but work.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from longlag.bench.plugins.registry import discover
from longlag.bench.trial.spec import Case, Checks, Limits, TrialSpec
from longlag.bench.workers.worker import execute

CHORES = str(Path(__file__).parents[1] / "bench" / "chores.py")
NET = {"init_scale": 1.0, "learning_rate": 1e-3, "units": 50, "batch_size": 20}
CASES = {
    "a task with nothing to learn": (Case("nothing", "chore", "standard", 1), {"rate": 0.1}, Checks(4, 4, 4)),
    "a tanh net at lag 100, one sequence a check": (
        Case("vanilla", "temporal_order", "ms11", 100), NET, Checks(1, 1, 1)
    ),
    "a tanh net at lag 100, the default checks": (
        Case("vanilla", "temporal_order", "ms11", 100), NET, Checks()
    ),
}  # fmt: skip
ROUNDS = 25
MOST = 2.0
"""Times Lightning's own, of the trial whose task and checks take no time."""


def bare(case: Case, setting: dict[str, Any]) -> Callable[[], None]:
    """One step of the same model by a trainer of Lightning's that keeps and shows nothing."""
    registry = discover((CHORES,))
    task = registry.task(case.task, case.variant, case.lag)
    method = registry.method(case.method)

    def fit() -> None:
        model = method.build(task, **setting)
        batch = task.draw(model.batch_size, torch.Generator().manual_seed(0), "train")
        pl.Trainer(
            accelerator="cpu", devices=1, max_steps=1, logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False,
        ).fit(model, train_dataloaders=DataLoader([batch], batch_size=None))  # fmt: skip

    return fit


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_what_a_trial_of_one_update_costs(
    name: str, pairs: Callable[..., Any], holds: Callable[..., None]
) -> None:
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    case, setting, checks = CASES[name]
    spec = asdict(
        TrialSpec(case, "tune", 0, 0, setting, Limits(1e18, updates=1), checks, (CHORES,))
    )  # fmt: skip
    theirs = bare(case, setting)
    assert execute(spec)["updates"] == 1
    theirs()
    found = pairs(lambda: execute(spec), theirs, ROUNDS)
    idle = case.method == "nothing"
    holds(f"a trial of one update: {name}", "Lightning's own, one step", [p.ours / p.theirs for p in found],
          at_most=MOST if idle else None)  # fmt: skip
    holds(f"the same, {name}", "", [1e3 * p.ours for p in found], at_most=10.0, unit="ms")
