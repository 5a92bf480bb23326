"""The promises of a task."""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass
from typing import Any

import torch

from longlag.bench.checking.promises import Promises, Unkept
from longlag.bench.checking.tried import short
from longlag.bench.contract.errors import BadInput
from longlag.bench.contract.names import BASELINE
from longlag.bench.contract.seeds import generator
from longlag.bench.contract.task import SHORTEST_TWIN, Batch, Task
from longlag.bench.plugins.registry import Registry
from longlag.bench.trial.meter import BudgetMeter, Stream
from longlag.bench.trial.spec import Limits
from longlag.bench.trial.trainer import fit

FACTS = ("inputs", "targets", "length", "lag", "loss", "wrong", "trivial")
"""What a task's `facts` are about."""
_FAR = 10
"""The lag is taken away where a twin bridges as few steps at so many times the lag."""
_SURE = 30.0
"""An output so large that its class is certain."""


@dataclass(frozen=True)
class Tried:
    """A task's class, tried in every variant."""

    plugin: type[Task]
    registry: Registry

    def made(self) -> list[Task]:
        """Every variant, at a short lag that it can make; raises BadInput where its data is not there."""
        return [self.plugin(short(self.plugin.lags(each)), each) for each in self.plugin.variants]


PROMISES: Promises[Tried] = Promises()


@PROMISES.promise("it makes every variant, and refuses shorter lags in one line")
def _makes(tried: Tried) -> str:
    tried.made()
    for variant in tried.plugin.variants:
        lags = tried.plugin.lags(variant)
        tried.plugin(lags.shortest, variant)
        try:
            tried.plugin(lags.shortest - 1, variant)
        except BadInput as refused:
            if "\n" in str(refused):
                raise Unkept(
                    f"{variant} refuses a lag in several lines", "Say it in one line, as BadInput"
                ) from None
        else:
            raise Unkept(
                f"{variant} makes a lag of {lags.shortest - 1}, which `lags` does not list",
                "Call super().__init__(lag, variant) first",
            )
    return ", ".join(f"{variant}: {tried.plugin.lags(variant)}" for variant in tried.plugin.variants)


@PROMISES.promise("its batches have the shapes and types of the contract")
def _shapes(tried: Tried) -> None:
    for task in tried.made():
        for size in (1, 7):
            batch = task.sample(size, generator(0, "some"))
            said, supervised = f"{task.name}:{task.variant}", int(batch.mask.sum())
            _same(f"the shape of {said}'s inputs", batch.inputs.shape, (batch.length, size, task.input_size))
            _same(f"the type of {said}'s inputs", batch.inputs.dtype, torch.float32)
            _same(f"the shape of {said}'s mask", batch.mask.shape, (batch.length,))
            _same(f"the type of {said}'s mask", batch.mask.dtype, torch.bool)
            if not supervised:
                raise Unkept(f"{said} has no supervised step", "Set the mask where a target is given")
            if batch.targets.dtype == torch.int64:
                _same(f"the shape of {said}'s classes", batch.targets.shape, (supervised, size))
                least, most = int(batch.targets.min()), int(batch.targets.max())
                if least < 0 or most >= task.output_size:
                    raise Unkept(
                        f"{said} has a class of {least if least < 0 else most}, of {task.output_size}",
                        "Number classes from 0, and set output_size to how many there are",
                    )
            else:
                _same(f"the type of {said}'s targets", batch.targets.dtype, torch.float32)
                wanted = (supervised, size, task.output_size)
                _same(f"the shape of {said}'s targets", batch.targets.shape, wanted)
            if not batch.inputs.isfinite().all():
                raise Unkept(f"{said} has inputs that are not finite", "Look at how they are drawn")


@PROMISES.promise("its sequences come from the generator alone, and move it on")
def _drawn(tried: Tried) -> None:
    for task in tried.made():
        torch.manual_seed(1)
        stream = generator(0, "a")
        one, next_one = task.sample(20, stream), task.sample(20, stream)
        torch.manual_seed(2)
        again, other = task.sample(20, generator(0, "a")), task.sample(20, generator(0, "b"))
        said = f"{task.name}:{task.variant}"
        if not _equal(one, again):
            raise Unkept(f"two draws of {said} by one seed differ", "Hand `generator` to every draw")
        if _equal(one, next_one) and _equal(one, other):
            raise Unkept(f"every draw of {said} is the same", "Hand `generator` to every draw")


@PROMISES.promise("right answers are mostly right, and what is no number is wrong")
def _judged(tried: Tried) -> None:
    for task in tried.made():
        batch = task.sample(50, generator(0, "some"))
        said = f"{task.name}:{task.variant}"
        best = _answers(task, batch)
        wrong = task.wrong(best, batch)
        share = float(wrong.float().mean())
        _same(f"the shape of what {said}'s wrong returns", wrong.shape, (50,))
        _same(f"the type of what {said}'s wrong returns", wrong.dtype, torch.bool)
        # Targets may be noisy themselves, and then be off at times.
        if not share < task.chance:
            raise Unkept(
                f"{int(wrong.sum())} of 50 right answers of {said} are judged wrong; by chance it is "
                f"{task.chance:.0%}",
                "Compare outputs [S, B, K] with the batch's targets in the same way as the loss does",
            )
        if not task.wrong(torch.full_like(best, math.nan), batch).all():
            raise Unkept(
                f"an answer of NaN is right for {said}", "Write `wrong` so that NaN is: ~(error <= limit)"
            )


@PROMISES.promise("chance is a share, and its loss that of an answer that knows nothing")
def _chance(tried: Tried) -> str:
    told = []
    for task in tried.made():
        said = f"{task.name}:{task.variant}"
        if not 0 < task.chance <= 1:
            raise Unkept(
                f"the chance of {said} is {task.chance!r}",
                "Set it to the share of sequences that the trivial predictor gets wrong",
            )
        batch = task.sample(500, generator(0, "some"))
        best = float(task.loss(_answers(task, batch), batch.targets))
        if not best < task.chance_loss < math.inf:
            raise Unkept(
                f"the chance_loss of {said} is {task.chance_loss!r}; right answers have {best:.3g}",
                "Set it to the mean loss of the trivial predictor",
            )
        told.append(f"{task.variant}: {task.chance:.3g} wrong")
    return ", ".join(told)


@PROMISES.promise("its lag is one: what must be bridged fits into a sequence, and grows with the lag")
def _lag(tried: Tried) -> None:
    for near in tried.made():
        said = f"{near.name}:{near.variant}"
        batch = near.sample(5, generator(0, "some"))
        if not 0 <= near.minimal_lag < batch.length:
            raise Unkept(
                f"the minimal_lag of {said} is {near.minimal_lag}, of {batch.length} steps",
                "Set it to the steps from an input that matters to the target it matters for",
            )
        lags = tried.plugin.lags(near.variant)
        if lags.longest is None:
            long = tried.plugin(10 * near.lag, near.variant)
            if not long.sample(5, generator(0, "some")).length > batch.length:
                raise Unkept(f"{said} is no longer at ten times the lag", "Let `lag` set its length")
            if long.minimal_lag < near.minimal_lag:
                raise Unkept(
                    f"the minimal_lag of {said} falls as the lag grows", "Set it from `lag` in __init__"
                )


@PROMISES.promise("its twin has the keys next to the answer, and is the same task else")
def _twin(tried: Tried) -> str:
    told = []
    for variant in tried.plugin.variants:
        if why := tried.plugin.no_twin(variant):
            told.append(f"{variant}: none, {why}")
            continue
        lags = tried.plugin.lags(variant)
        shortest = max(lags.shortest, SHORTEST_TWIN)
        task, twin = tried.plugin(shortest, variant), tried.plugin(shortest, variant).twin()
        left = twin.minimal_lag
        if lags.longest is None:
            left = tried.plugin(_FAR * shortest, variant).twin().minimal_lag
        if left > max(twin.minimal_lag, 1) or twin.minimal_lag > max(task.minimal_lag, 1):
            raise Unkept(
                f"the twin of {variant} still bridges {left} steps",
                "Let bring_near move the keys to the last few steps before the answer, and set minimal_lag",
            )
        one, two = (each.sample(5, generator(0, "some")) for each in (task, twin))
        _same(f"what goes into the twin of {variant}", two.inputs.shape[2], one.inputs.shape[2])
        told.append(f"{variant}: {twin.minimal_lag} of {task.minimal_lag} steps are left")
    return "; ".join(told)


@PROMISES.promise("it says what it is: a source, a line a variant, its facts")
def _told(tried: Tried) -> None:
    if not tried.plugin.source.strip():
        raise Unkept("it names no source", "Set `source` to the paper that defines it, or say that it is new")
    missing = [key for key in FACTS if not tried.plugin.facts.get(key, "").strip()]
    if missing:
        raise Unkept(f"its facts say nothing of {', '.join(missing)}", "Add a line for each to `facts`")


@PROMISES.promise("a plain net can be trained on it, and leaves alone what others share")
def _trains(tried: Tried) -> str:
    before = (torch.get_num_threads(), torch.get_default_dtype(), dict(os.environ))
    told = []
    for task in tried.made():
        method = tried.registry.method(BASELINE)
        torch.manual_seed(0)
        settings = dict(next(iter(method.recipes(task.sizes)), {}))
        model: Any = method.build(task, **settings)
        meter = BudgetMeter(Limits(1e18, updates=5))
        started = time.perf_counter()
        fit(model, Stream(task, model.batch_size, generator(0, "train")), [meter])
        told.append(f"{task.variant}: {200 * (time.perf_counter() - started):.2g} ms an update")
    if (torch.get_num_threads(), torch.get_default_dtype(), dict(os.environ)) != before:
        raise Unkept("it changed threads, the default dtype or the environment", "Put it back, or do without")
    return ", ".join(told)


def _same(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        shown = [list(each) if isinstance(each, tuple) else each for each in (found, wanted)]
        raise Unkept(f"{what} is {shown[0]}, not {shown[1]}", "See the shapes in the docstring of Batch")


def _equal(one: Batch, other: Batch) -> bool:
    return all(
        torch.equal(a, b)
        for a, b in ((one.inputs, other.inputs), (one.targets, other.targets), (one.mask, other.mask))
    )


def _answers(task: Task, batch: Batch) -> torch.Tensor:
    """Outputs [S, B, K] that are right: the targets, or what makes their classes certain."""
    if batch.targets.dtype != torch.int64:
        # Targets that are shares, as of a sigmoid, stand for outputs far out.
        squared = float(task.loss(batch.targets, batch.targets)) == 0
        return batch.targets.clone() if squared else _SURE * (2 * batch.targets - 1)
    hot = torch.nn.functional.one_hot(batch.targets, task.output_size)
    return _SURE * (2.0 * hot - 1)
