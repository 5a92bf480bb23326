"""A trial: TrialSpec in, Outcome out, the same every time."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch

from longlag.bench.contract.seeds import derive, generator
from longlag.bench.contract.task import Task
from longlag.bench.plugins.registry import Registry
from longlag.bench.trial.checks import CHUNK, SuccessCheck
from longlag.bench.trial.extrapolation import extrapolate, farthest
from longlag.bench.trial.failure import FailureDetector, classify, finite
from longlag.bench.trial.meter import BudgetMeter, Stream
from longlag.bench.trial.probes import Moment, Probe, probe
from longlag.bench.trial.probing import PROBED, Prober
from longlag.bench.trial.spec import Outcome, TrialSpec
from longlag.bench.trial.trainer import fit


def run(spec: TrialSpec, registry: Registry) -> Outcome:
    """Train once, as `spec` says. Whatever a plugin raises is the caller's to catch."""
    task = registry.task(spec.case.task, spec.case.variant, spec.case.lag)
    method = registry.method(spec.case.method)
    method.warm_up()
    _seed_everything(derive(spec.seed, "weights"))
    model = method.build(task, **spec.hyperparameters)

    meter = BudgetMeter(spec.limits)
    detector = FailureDetector(meter)
    check = SuccessCheck(task, spec.checks, spec.seed, meter)
    probes: list[dict[str, Any]] = []

    def look(moment: Moment) -> Probe:
        seen = _probe(model, task, spec.seed, moment, meter.updates)
        probes.extend(seen.rows(moment, meter.updates))
        return seen

    look("before")

    stream = Stream(task, int(getattr(model, "batch_size", 20)), generator(spec.seed, "train"))
    fit(model, stream, (detector, meter, check, Prober(meter, lambda: look("during"))))

    outcome = Outcome(
        status="solved",
        chance=float(task.chance),
        flops=meter.flops,
        sequences=meter.sequences,
        updates=meter.updates,
        seconds=check.curve[-1]["seconds"],
        parameters=sum(p.numel() for p in model.parameters()),
        state_bytes=float(getattr(model, "state_bytes", math.nan)),
        curve=check.curve,
        probes=probes,
    )
    if detector.exploded:
        outcome.status, outcome.detail = "exploded", detector.exploded
        return outcome
    if not check.solved:
        reached = look("after")
        outcome.status, outcome.detail = classify(task, check.curve, reached, meter, finite(model))
        if outcome.status == "exploded":
            return outcome
    else:
        look("after")
    tested = check.test(model)
    outcome.error, outcome.tested, outcome.loss = tested.error, tested.asked, tested.loss
    if check.solved and spec.extrapolate:
        case = spec.case
        outcome.extrapolation = extrapolate(
            model,
            task,
            lambda lag: registry.task(case.task, case.variant, lag),
            spec.extrapolate,
            spec.limits.budget,
            spec.seed,
        )
        outcome.extrapolates = farthest(outcome.extrapolation)
    return outcome


def _seed_everything(seed: int) -> None:
    """Seed the global generators, for models that draw from them."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - a plugin may draw from it
    random.seed(seed)


def _probe(model: pl.LightningModule, task: Task, seed: int, moment: Moment, updates: int) -> Probe:
    parts = (moment, updates) if moment == "during" else (moment,)
    batch = task.draw(min(PROBED, CHUNK), generator(seed, "probe", *parts), "validation")
    try:
        return probe(model, task, batch)
    except (RuntimeError, NotImplementedError):
        # A model without a usable gradient in its inputs can still be trained and scored.
        return Probe(torch.empty(0), math.nan)
