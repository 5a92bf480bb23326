"""Lag extrapolation: a model that solved its task, asked the same at lags that it was never trained at.

It comes last, off the trial's budget and clock, and on draws of its own: a trial that is not asked comes out
the same. So that it stays cheap it ends at the first lag that is not solved, and at these limits.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

import pytorch_lightning as pl

from longlag.bench.contract.errors import BadInput
from longlag.bench.contract.seeds import generator
from longlag.bench.contract.task import Batch, Task
from longlag.bench.plugins.guard import patience, where
from longlag.bench.trial.checks import allowed, answer, batches
from longlag.bench.trial.meter import weights
from longlag.bench.trial.spec import OVERTIME

SEQUENCES = 256
"""Asked at each lag; fewer where more than may be wrong are wrong already."""
LONGEST = 10_000
"""The longest lag that is asked."""
SHARE = 0.05
"""Of the trial's budget, in FLOPs: what all lags together may take."""
_STEPS = 100_000
"""Steps of all sequences that are answered at once, for memory."""


@dataclass
class Asked:
    """What came of one factor: a row of `extrapolation.parquet`, but for its run."""

    factor: int
    """Of the lag that it was trained at."""
    lag: int
    error: float = math.nan
    tested: int = 0
    chance: float = math.nan
    solved: bool = False
    detail: str = ""
    """Why it was not asked."""


class _Ends(Exception):
    """Why no longer lag is asked either."""


def extrapolate(
    model: pl.LightningModule,
    task: Task,
    at: Callable[[int], Task],
    factors: Iterable[int],
    budget: float,
    seed: int,
) -> list[dict[str, Any]]:
    """The model's answers at `factors` times the lag of `task`, shortest first; `at` makes the task at a lag.

    `budget` is that of the trial, in FLOPs. Whatever a plugin raises here ends it, and is told in the row.
    """
    left, started = SHARE * budget, time.monotonic()
    found: list[Asked] = []
    for factor in sorted(factors):
        asked = Asked(factor, factor * task.lag)
        found.append(asked)
        try:
            with patience(max(0.01, OVERTIME - (time.monotonic() - started))):
                left -= _ask(model, task, at, asked, left, seed)
        except BadInput as error:
            # It cannot make this lag, but perhaps the next.
            asked.detail = str(error)
            continue
        except _Ends as end:
            asked.detail = str(end)
        except Exception as error:
            asked.detail = where(error)
        if not asked.solved:
            break
    return [asdict(asked) for asked in found]


def farthest(rows: Iterable[dict[str, Any]]) -> float:
    """The largest factor that was solved, 1 where none was; NaN where none was asked."""
    asked = [row for row in rows if row["tested"]]
    return float(max([1, *(row["factor"] for row in asked if row["solved"])])) if asked else math.nan


def _ask(
    model: pl.LightningModule, task: Task, at: Callable[[int], Task], asked: Asked, left: float, seed: int
) -> float:
    """Ask one lag, and note in `asked` what came of it; the FLOPs that it took."""
    if asked.lag > LONGEST:
        raise _Ends(f"a lag above {LONGEST}")
    longer = at(asked.lag)
    then, now = ((each.input_size, each.output_size) for each in (task, longer))
    if then != now:
        raise _Ends(f"{now[0]} inputs and {now[1]} outputs, not {then[0]} and {then[1]}")
    asked.chance = float(longer.chance)
    questions = batches(longer, SEQUENCES, generator(seed, "extrapolation", asked.factor), "test")
    first = next(questions)
    a_sequence = 2.0 * weights(model) * first.length
    if a_sequence * SEQUENCES > left:
        raise _Ends(f"{a_sequence * SEQUENCES:.2g} FLOPs, more than the {left:.2g} left for this")
    enough = allowed(longer, SEQUENCES)
    told = answer(model, longer, _pieces(chain([first], questions)), enough)
    asked.error, asked.tested, asked.solved = told.error, told.asked, told.wrong <= enough
    return a_sequence * told.asked


def _pieces(questions: Iterable[Batch]) -> Iterator[Batch]:
    """The same sequences, no more at once than memory bears."""
    for batch in questions:
        count = max(1, _STEPS // batch.length)
        for start in range(0, batch.size, count):
            yield batch.narrow(min(count, batch.size - start), start)
