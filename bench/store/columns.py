"""The columns of the tables, of which rows, schemas, a comparison of rows and docs/results.md are made."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, NamedTuple

import pyarrow as pa

from longlag.bench.store.layout import CURVES, EXTRAPOLATION, PROBES, TRIALS
from longlag.bench.trial.spec import Outcome, TrialSpec, score

SCHEMA = 1
"""Of the columns below; columns are added, never renamed."""

Kind = Literal["string", "int64", "double", "bool"]
"""Of its values; where nothing was measured a double is NaN, and no other is missing."""
Role = Literal["identity", "result", "time", "code"]
"""What a column is to a replay: what defines the run, what must come out the same, and what need not."""


class Finished(NamedTuple):
    """A trial that has ended, and the hash of the code that ran it."""

    spec: TrialSpec
    outcome: Outcome
    code: str


@dataclass(frozen=True)
class Column:
    """A column: the type of its values, their meaning and unit, and where a finished trial has them."""

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    role: Role = "result"
    of: Callable[[Finished], Any] | None = None
    """None: the outcome's field of that name."""
    later: bool = False
    """Whether files of earlier versions lack it: NaN there, so it is a double."""

    def value(self, trial: Finished) -> Any:
        """What stands in this column for `trial`."""
        return getattr(trial.outcome, self.name) if self.of is None else self.of(trial)


def _to_solve(field: str) -> Callable[[Finished], float]:
    """A cost of the outcome where it solved its task, else NaN."""
    return lambda trial: float(getattr(trial.outcome, field)) if trial.outcome.solved else math.nan


RUN = Column("run_id", "string", "hash of what defines the run", "", "identity", lambda t: t.spec.run_id)

TRIAL_COLUMNS = (
    RUN,
    Column("method", "string", "remedies joined by +", "", "identity", lambda t: t.spec.case.method),
    Column("task", "string", "the task's name", "", "identity", lambda t: t.spec.case.task),
    Column("variant", "string", "the task's variant", "", "identity", lambda t: t.spec.case.variant),
    Column("lag", "int64", "the lag asked for", "steps", "identity", lambda t: t.spec.case.lag),
    Column("phase", "string", "tune, reruns among them, or retest", "", "identity", lambda t: t.spec.phase),
    Column("trial", "int64", "its number within case and phase", "", "identity", lambda t: t.spec.number),
    Column("seed", "int64", "of all its random draws", "", "identity", lambda t: t.spec.seed),
    Column(
        "rung",
        "int64",
        "in which attempt of a climb, 1 the first; 0: its lag was given",
        "",
        "identity",
        lambda t: t.spec.rung,
    ),
    Column(
        "carried_from",
        "int64",
        "the lag of the rung whose best setting it carries; 0: none",
        "steps",
        "identity",
        lambda t: t.spec.carried_from,
    ),
    Column("status", "string", "how it ended"),
    Column("detail", "string", "what is known of why"),
    Column("solved", "bool", "whether its status is solved"),
    Column("error", "double", "fresh test sequences answered wrongly", "share"),
    Column("tested", "int64", "fresh test sequences", "sequences"),
    Column("chance", "double", "sequences that the trivial predictor answers wrongly", "share"),
    Column("loss", "double", "mean loss on the test sequences"),
    Column(
        "score",
        "double",
        "what tuning minimises: to 1 solved, to 2 unsolved, 3 failed",
        of=lambda t: score(t.outcome, t.spec.limits.budget),
    ),
    Column("budget", "double", "what it might spend", "FLOPs", "identity", lambda t: t.spec.limits.budget),
    Column(
        "cap",
        "double",
        "where it is cut because a cheaper solution is known; NaN: nowhere",
        "FLOPs",
        "identity",
        lambda t: math.nan if t.spec.limits.cap is None else t.spec.limits.cap,
    ),
    Column("flops", "double", "spent", "FLOPs"),
    Column("sequences", "int64", "trained on", "sequences"),
    Column("updates", "int64", "of the parameters", "updates"),
    Column("flops_to_solve", "double", "spent to solve; NaN: unsolved", "FLOPs", of=_to_solve("flops")),
    Column("sequences_to_solve", "double", "the same", "sequences", of=_to_solve("sequences")),
    Column("updates_to_solve", "double", "the same", "updates", of=_to_solve("updates")),
    Column("seconds", "double", "of the processor from start to end, checks among them", "s", "time"),
    Column("parameters", "int64", "trained numbers of the model"),
    Column(
        "state_bytes",
        "double",
        "what a step of a sequence leaves to the next, once trained; NaN: the model does not say",
        "bytes",
        later=True,
    ),
    Column(
        "extrapolates",
        "double",
        "the largest multiple of its lag that it solves too, untrained; 1: none; NaN: not asked",
        later=True,
    ),
    Column(
        "hyperparameters",
        "string",
        "as JSON",
        "",
        "identity",
        lambda t: json.dumps(t.spec.hyperparameters, sort_keys=True),
    ),
    Column("code_hash", "string", "of the code that ran it", "", "code", lambda t: t.code),
)
CURVE_COLUMNS = (
    RUN,
    Column("flops", "double", "spent at a check", "FLOPs"),
    Column("sequences", "double", "trained on by then", "sequences"),
    Column("updates", "double", "made by then", "updates"),
    Column("seconds", "double", "of the processor gone by then", "s", "time"),
    Column("loss", "double", "mean loss on the validation sequences"),
    Column("error", "double", "validation sequences answered wrongly", "share"),
)
PROBE_COLUMNS = (
    RUN,
    Column("moment", "string", "before, during or after training"),
    Column("lag", "int64", "how far back from the end", "steps"),
    Column("gradient_norm", "double", "norm of the loss's gradient with respect to the state there"),
    Column("spectral_radius", "double", "of the recurrent weights; NaN: there are none"),
    Column("updates", "double", "made by then", "updates", later=True),
    Column(
        "saturated", "double", "of the activities of tanh units; NaN: there are none", "share", later=True
    ),
)
EXTRAPOLATION_COLUMNS = (
    RUN,
    Column("factor", "int64", "of the lag that it was trained at"),
    Column("lag", "int64", "that it was asked, untrained", "steps"),
    Column("error", "double", "fresh sequences answered wrongly; NaN: not asked", "share"),
    Column("tested", "int64", "fresh sequences; fewer where too many are wrong", "sequences"),
    Column("chance", "double", "sequences that the trivial predictor answers wrongly", "share"),
    Column("solved", "bool", "whether it solves the task there"),
    Column("detail", "string", "why it was not asked"),
)
TABLES = {
    TRIALS: TRIAL_COLUMNS,
    CURVES: CURVE_COLUMNS,
    PROBES: PROBE_COLUMNS,
    EXTRAPOLATION: EXTRAPOLATION_COLUMNS,
}
PARTS = {"curve": CURVES, "probes": PROBES, "extrapolation": EXTRAPOLATION}
"""The fields of an outcome that are rows of a table of their own."""
LATER = {table: [each.name for each in columns if each.later] for table, columns in TABLES.items()}
"""The columns of each table that files of earlier versions lack."""


def _schema(columns: tuple[Column, ...]) -> pa.Schema:
    return pa.schema([(column.name, pa.type_for_alias(column.kind)) for column in columns])


SCHEMAS = {name: _schema(columns) for name, columns in TABLES.items()}
TRIAL_SCHEMA = SCHEMAS[TRIALS]


_TYPES = {"string": (str,), "int64": (int,), "double": (float, int), "bool": (bool,)}


def fits(row: Any, columns: tuple[Column, ...] = TRIAL_COLUMNS) -> bool:
    """Whether a row has these columns and no others, and values of their kinds; it may lack later ones."""
    if not isinstance(row, dict):
        return False
    whole = [
        isinstance(row[each.name], _TYPES[each.kind]) if each.name in row else each.later for each in columns
    ]
    return all(whole) and len(row) == sum(each.name in row for each in columns)


def named(*roles: Role) -> list[str]:
    """The columns of `trials.parquet` that have one of `roles`."""
    return [column.name for column in TRIAL_COLUMNS if column.role in roles]


def row(spec: TrialSpec, outcome: Outcome, code_hash: str) -> dict[str, Any]:
    """The row of `trials.parquet` for a finished trial."""
    trial = Finished(spec, outcome, code_hash)
    return {column.name: column.value(trial) for column in TRIAL_COLUMNS}


def parts(outcome: Outcome) -> dict[str, list[dict[str, Any]]]:
    """The rows of an outcome in tables of their own, by the field of it."""
    return {field: getattr(outcome, field) for field in PARTS}


def without_parts(outcome: Outcome) -> Outcome:
    """The outcome without them, which are on disk."""
    nothing: dict[str, Any] = {field: [] for field in PARTS}
    return replace(outcome, **nothing)


def outcome(row: dict[str, Any]) -> Outcome:
    """The outcome that left `row`, without its parts."""
    return Outcome(**{field.name: row[field.name] for field in fields(Outcome) if field.name in row})
