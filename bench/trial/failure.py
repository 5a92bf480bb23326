"""Failure as data: when a trial has exploded, and how an unsolved one failed.

The rules, in their order, for a trial that has not solved its task:

exploded    the training loss, the validation loss or a weight is not finite
over_budget it spent more than its budget: a step turned out dearer than what was left of it
capped      it was cut because a cheaper solution is known
exploded    too: the validation loss at the end is over 1000 times the trivial predictor's
improving   from the third to the last quarter of the cost the validation loss, as a geometric mean, or the
            share of sequences wrong fell by at least a tenth: more budget might have solved it, unless the
            model says that more sequences would hardly change its answers
vanished    the gradient that reaches back over the task's minimal lag is under 1e-4 of its largest
plateau     none of these: it learns nothing more, though gradients do arrive
"""

from __future__ import annotations

import math
from statistics import fmean
from typing import Any, Literal

import pytorch_lightning as pl
import torch

from longlag.bench.contract.task import Batch, Task
from longlag.bench.trial.meter import TOLERANCE, BudgetMeter
from longlag.bench.trial.probes import Probe
from longlag.bench.trial.spec import Status

EXPLODED_LOSS = 1e3
VANISHED_REACH = 1e-4
IMPROVING_SHARE = 0.1
TINY = 1e-4
"""Losses and errors below it count as it: a fall from there is noise."""


class FailureDetector:
    """Ends training at the first loss that is not finite, and says where that was."""

    def __init__(self, meter: BudgetMeter) -> None:
        self.meter = meter
        self.exploded = ""
        """Where and how it exploded; empty while it has not."""

    def begin(self, model: pl.LightningModule) -> None:
        """Nothing to look at yet."""

    def updated(self, model: pl.LightningModule, loss: Any, batch: Batch, ending: bool) -> bool:
        """Looks at the loss the update returned; whether it is not finite."""
        if loss is None or math.isfinite(float(loss)):
            return False
        self.exploded = f"the training loss was {float(loss)} at update {self.meter.updates + 1}"
        return True


def finite(model: pl.LightningModule) -> bool:
    """Whether every weight is finite."""
    return all(bool(torch.isfinite(parameter).all()) for parameter in model.parameters())


def classify(
    task: Task, curve: list[dict[str, float]], reached: Probe, meter: BudgetMeter, healthy: bool
) -> tuple[Status, str]:
    """(status, detail) of a trial that did not solve its task, by the rules above."""
    end = curve[-1]
    where = f"at update {end['updates']:.0f}"
    if not healthy:
        return "exploded", f"a weight was not finite {where}"
    huge = f"the validation loss was {end['loss']:.3g} {where}"
    if not math.isfinite(end["loss"]):
        return "exploded", huge
    if meter.flops > TOLERANCE * meter.limits.budget:
        return "over_budget", f"the last step made it {end['flops']:.3g} of {meter.limits.budget:.3g} FLOPs"
    if meter.capped:
        return "capped", f"a cheaper solution is known: cut after {end['flops']:.3g} FLOPs"
    # Not of what was cut short: a regression on too few sequences is as wrong, and right with the next.
    if end["loss"] > EXPLODED_LOSS * task.chance_loss:
        return "exploded", huge
    for what, fall in (("loss", _fall(curve, "loss")), ("error", _fall(curve, "error"))):
        if fall >= IMPROVING_SHARE and not meter.settled:
            return "improving", f"the validation {what} fell by {fall:.0%} from the third to the last quarter"
    reach = reached.reach(task.minimal_lag)
    if reach < VANISHED_REACH:
        return "vanished", f"{reach:.1e} of the largest gradient reaches back {task.minimal_lag} steps"
    ratio = end["loss"] / task.chance_loss
    final = "; more sequences would hardly change its answers" if meter.settled else ""
    wrong = f"{end['error']:.1%} wrong, the loss {ratio:.3g} times that of the trivial predictor"
    return "plateau", wrong + final


def _fall(curve: list[dict[str, float]], what: Literal["loss", "error"]) -> float:
    """The share by which the geometric mean of a curve fell from the third to the last quarter of the cost.

    Relative, so that the last percent of a loss counts like the first.
    """
    total = curve[-1]["flops"]
    third = [point[what] for point in curve if 0.5 * total < point["flops"] <= 0.75 * total]
    last = [point[what] for point in curve if point["flops"] > 0.75 * total]
    if not (third and last):
        return 0.0
    before, after = (fmean(math.log(max(value, TINY)) for value in values) for values in (third, last))
    return 1.0 - math.exp(after - before)
