"""A method's way up its ladder, as a coroutine of batches: rung by rung while they hold."""

from __future__ import annotations

from collections.abc import Callable, Generator

import optuna

from longlag.bench.campaign.grid import Cell, Ladder
from longlag.bench.campaign.rules import midway
from longlag.bench.campaign.study import Carried, CaseProgram, Ended
from longlag.bench.trial.spec import Outcome, TrialSpec

Program = Generator[list[TrialSpec], list[Outcome], list[optuna.Study]]
"""Yields lists of TrialSpecs, is sent their Outcomes in the same order, returns the studies."""
Setup = Callable[[Cell, int, Carried | None], CaseProgram | None]
"""Gives a case's program, of its cell, the attempt's number and what the rung below hands up; or None."""


def climb(ladder: Ladder, bisect: bool, setup: Setup) -> Program:
    """Tune and retest the rungs of `ladder` from the lowest, until one does not hold.

    Then, if `bisect`, a rung between that one and the last that held. A ladder that does not climb has one
    rung. What a rung did is decided by its own retests alone, so other ladders change nothing.
    """
    studies: list[optuna.Study] = []
    below: Carried | None = None
    for number, lag in enumerate(ladder.lags, start=1 if ladder.climbs else 0):
        ended = yield from _rung(setup(ladder.cell(lag), number, below))
        if ended is None:
            break
        studies.append(ended.study)
        if ended.bridged:
            below = ended.best
            continue
        between = midway(below.lag, lag) if bisect and below is not None else None
        if between is not None:
            ended = yield from _rung(setup(ladder.cell(between), number + 1, below))
            studies += [] if ended is None else [ended.study]
        break
    return studies


def _rung(program: CaseProgram | None) -> Generator[list[TrialSpec], list[Outcome], Ended | None]:
    if program is None:
        return None
    return (yield from program.run())
