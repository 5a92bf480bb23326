from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from longlag.bench.store import TRIAL_SCHEMA, row
from longlag.bench.trial.spec import SPECS, Case, Limits, Outcome, Status, TrialSpec, score

SPEC = TrialSpec(Case("lstm", "adding", "hs97", 100), "tune", 3, 12345, {"rate": 0.1}, Limits(1e9, 5e8))

floats = st.floats(allow_nan=True, allow_infinity=True)
outcomes = st.builds(
    Outcome,
    status=st.sampled_from(get_args(Status)),
    error=st.one_of(floats, st.floats(0, 1)),
    chance=st.one_of(st.just(0.0), st.floats(0, 1)),
    flops=st.floats(0, 1e12),
)


@given(outcomes)
def test_a_score_is_finite_and_in_its_band(outcome: Outcome) -> None:
    value = score(outcome, 1e9)
    assert math.isfinite(value)
    if outcome.solved:
        assert 0 < value <= 1
    elif outcome.status in ("exploded", "crashed", "timeout", "out_of_memory"):
        assert value == 3
    else:
        assert 1 < value <= 2


def test_a_cheaper_solution_and_a_smaller_error_score_lower() -> None:
    solved = [score(Outcome("solved", flops=f), 1e9) for f in (1e6, 1e8, 1e9)]
    unsolved = [score(Outcome("plateau", error=e, chance=0.8), 1e9) for e in (0.01, 0.4, 0.8, 0.9)]
    assert solved == [1e-3, 0.1, 1.0]
    assert unsolved == [1.0125, 1.5, 2.0, 2.0]
    assert score(Outcome("over_budget", error=0.0, chance=0.8), 1e9) == 2.0


def test_a_spec_survives_json() -> None:
    assert SPECS.validate_json(json.dumps(asdict(SPEC))) == SPEC


def test_the_run_id_is_stable_and_follows_what_defines_the_run() -> None:
    assert SPEC.run_id == "d91160ca813ebe23"
    assert replace(SPEC, plugins=("elsewhere/plugin.py",)).run_id == SPEC.run_id
    assert replace(SPEC, extrapolate=(2, 5)).run_id == SPEC.run_id
    changed = [
        replace(SPEC, seed=1),
        replace(SPEC, number=4),
        replace(SPEC, phase="retest"),
        replace(SPEC, hyperparameters={"rate": 0.2}),
        replace(SPEC, limits=Limits(1e9)),
        replace(SPEC, case=replace(SPEC.case, lag=50)),
    ]
    assert len({SPEC.run_id, *(spec.run_id for spec in changed)}) == len(changed) + 1


def test_a_row_has_the_columns_of_the_schema() -> None:
    solved = row(SPEC, Outcome("solved", flops=5e8, sequences=10, updates=2), "abc")
    assert list(solved) == TRIAL_SCHEMA.names
    assert (solved["flops_to_solve"], solved["sequences_to_solve"], solved["score"]) == (5e8, 10.0, 0.5)
    unsolved = row(SPEC, Outcome("plateau", flops=5e8), "abc")
    assert math.isnan(unsolved["flops_to_solve"])
