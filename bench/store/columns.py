"""The names and columns of a campaign's files, and the row a finished trial leaves in them."""

from __future__ import annotations

import json
import math
from typing import Any

import pyarrow as pa

from longlag.bench.trial.spec import Outcome, TrialSpec, score

SCHEMA = 1
"""Of the columns below; columns are added, never renamed."""

MANIFEST, TRIALS, CURVES, PROBES = "manifest.json", "trials.parquet", "curves.parquet", "probes.parquet"
JOURNAL, STUDIES, LOCK = "journal.jsonl", "studies.db", ".lock"
BEGINNINGS = (LOCK, MANIFEST + ".new")
"""What a campaign leaves that was killed before it had a manifest."""

_TRIAL_TYPES: dict[str, pa.DataType] = {
    "run_id": pa.string(),
    "method": pa.string(),
    "task": pa.string(),
    "variant": pa.string(),
    "lag": pa.int64(),
    "phase": pa.string(),
    "trial": pa.int64(),
    "seed": pa.int64(),
    "status": pa.string(),
    "detail": pa.string(),
    "solved": pa.bool_(),
    "error": pa.float64(),
    "tested": pa.int64(),
    "chance": pa.float64(),
    "loss": pa.float64(),
    "score": pa.float64(),
    "budget": pa.float64(),
    "cap": pa.float64(),
    "flops": pa.float64(),
    "sequences": pa.int64(),
    "updates": pa.int64(),
    "flops_to_solve": pa.float64(),
    "sequences_to_solve": pa.float64(),
    "updates_to_solve": pa.float64(),
    "seconds": pa.float64(),
    "parameters": pa.int64(),
    "hyperparameters": pa.string(),
    "code_hash": pa.string(),
}
_CURVE_TYPES = {"run_id": pa.string()} | {
    name: pa.float64() for name in ("flops", "sequences", "updates", "seconds", "loss", "error")
}
_PROBE_TYPES: dict[str, pa.DataType] = {
    "run_id": pa.string(),
    "moment": pa.string(),
    "lag": pa.int64(),
    "gradient_norm": pa.float64(),
    "spectral_radius": pa.float64(),
}
TRIAL_SCHEMA, CURVE_SCHEMA, PROBE_SCHEMA = (
    pa.schema(list(types.items())) for types in (_TRIAL_TYPES, _CURVE_TYPES, _PROBE_TYPES)
)
SCHEMAS = {TRIALS: TRIAL_SCHEMA, CURVES: CURVE_SCHEMA, PROBES: PROBE_SCHEMA}
TIME_COLUMNS = ("seconds",)
"""What may differ between two runs of the same campaign."""


def row(spec: TrialSpec, outcome: Outcome, code_hash: str) -> dict[str, Any]:
    """The row of `trials.parquet` for a finished trial, schema version 1."""
    solved = outcome.solved
    return {
        "run_id": spec.run_id,
        "method": spec.case.method,
        "task": spec.case.task,
        "variant": spec.case.variant,
        "lag": spec.case.lag,
        "phase": spec.phase,
        "trial": spec.number,
        "seed": spec.seed,
        "status": outcome.status,
        "detail": outcome.detail,
        "solved": solved,
        "error": outcome.error,
        "tested": outcome.tested,
        "chance": outcome.chance,
        "loss": outcome.loss,
        "score": score(outcome, spec.limits.budget),
        "budget": spec.limits.budget,
        "cap": math.nan if spec.limits.cap is None else spec.limits.cap,
        "flops": outcome.flops,
        "sequences": outcome.sequences,
        "updates": outcome.updates,
        "flops_to_solve": outcome.flops if solved else math.nan,
        "sequences_to_solve": float(outcome.sequences) if solved else math.nan,
        "updates_to_solve": float(outcome.updates) if solved else math.nan,
        "seconds": outcome.seconds,
        "parameters": outcome.parameters,
        "hyperparameters": json.dumps(spec.hyperparameters, sort_keys=True),
        "code_hash": code_hash,
    }
