"""Nets that an exhibit shows, trained as the engine trains: a method's first recipe, checks and budget."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytorch_lightning as pl
import torch

from longlag.bench.contract import Task
from longlag.bench.contract.seeds import derive, generator
from longlag.bench.plugins.registry import discover
from longlag.bench.plugins.tuning import study
from longlag.bench.trial.checks import SuccessCheck
from longlag.bench.trial.failure import FailureDetector
from longlag.bench.trial.meter import BudgetMeter, Stream
from longlag.bench.trial.spec import Checks, Limits
from longlag.bench.trial.trainer import fit
from longlag.reports.gallery.exhibit import together


@dataclass(frozen=True)
class Trained:
    """A net after its training, and how it went."""

    method: str
    task: Task
    model: pl.LightningModule
    solved: bool
    sequences: int

    @property
    def says(self) -> str:
        """How it went, in a few words."""
        end = "solved after" if self.solved else "not solved after"
        return f"{end} {self.sequences:,} sequences"


def how_it_went(nets: Sequence[Trained]) -> str:
    """Which of the nets solved their task and which did not, as a sentence."""
    solved = [net.method for net in nets if net.solved]
    failed = [net.method for net in nets if not net.solved]
    if not solved:
        return f"none of {together(failed)} solved it."
    return f"{together(solved)} solved it, {together(failed)} did not." if failed else "all solved it."


def trained(method: str, task: str, lag: int, budget: float, seed: int) -> Trained:
    """The first recipe of `method` on `task` (task:variant) until solved or `budget` FLOPs are spent."""
    name, _, variant = task.partition(":")
    registry = discover()
    made, by = registry.task(name, variant or None, lag), registry.method(method)
    by.warm_up()
    torch.manual_seed(derive(seed, "gallery", method, task, str(lag)))
    first = study([dict(by.recipes(made.sizes)[0])]).ask()
    model = by.build(made, **by.suggest(first, made))
    meter = BudgetMeter(Limits(budget))
    check = SuccessCheck(made, Checks(), seed, meter)
    batches = Stream(made, int(getattr(model, "batch_size", 20)), generator(seed, "train"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
        fit(model, batches, (FailureDetector(meter), meter, check))
    model.eval()
    return Trained(method, made, model, check.solved, meter.sequences)


def rounded(values: Any, digits: int = 3) -> Any:
    """A tensor as nested lists of numbers with so many digits after the point: enough for a picture."""
    return [rounded(each, digits) for each in values] if values.dim() else round(float(values), digits)
