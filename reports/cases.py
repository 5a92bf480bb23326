"""What a case comes to: its retests solved of n, what they cost, how the others ended, and its tuning."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from longlag.reports.statistics import expected_cost, expected_interval, median_interval, wilson

COLUMNS = [
    "rung",
    "budget",
    "n",
    "solved",
    "rate",
    "low",
    "high",
    "median_flops_to_solve",
    "median_flops_low",
    "median_flops_high",
    "expected_flops_to_solve",
    "expected_flops_low",
    "expected_flops_high",
    "median_sequences_to_solve",
    "median_updates_to_solve",
    "median_seconds",
    "median_error",
    "median_extrapolates",
    "state_bytes",
    "chance",
    "outcomes",
    "trials",
    "best_tuning_score",
    "mean_retest_score",
    "gap",
    "best_hyperparameters",
]


def summarise(found: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """What a case comes to, from its trials, a column an array: results from retests, tuning beside them.

    Medians to solve are over the solved retests; the expected cost charges the unsolved ones with
    what they spent, or with the whole budget where they died before that was counted.
    """
    retest = found["phase"] == "retest"
    runs = {name: values[retest] for name, values in found.items()}
    tuned = found["score"][found["phase"] == "tune"].astype(float)
    won = runs["solved"].astype(bool)
    solved, n = int(won.sum()), int(retest.sum())
    costs = runs["flops_to_solve"][won].astype(float)
    rate, median = wilson(solved, n), median_interval(costs)
    best = float(np.nanmin(tuned, initial=math.inf))
    best = math.nan if math.isinf(best) else best
    retested = _mean(runs["score"])
    paid = spent(runs)
    expected = expected_interval(paid, won)
    return {
        "rung": int(found["rung"][0]),
        "budget": float(found["budget"][0]),
        "n": n,
        "solved": solved,
        "rate": solved / n if n else math.nan,
        "low": rate.low,
        "high": rate.high,
        "median_flops_to_solve": _median(costs),
        "median_flops_low": median.low,
        "median_flops_high": median.high,
        "expected_flops_to_solve": expected_cost(paid, won),
        "expected_flops_low": expected.low,
        "expected_flops_high": expected.high,
        "median_sequences_to_solve": _median(runs["sequences_to_solve"][won]),
        "median_updates_to_solve": _median(runs["updates_to_solve"][won]),
        "median_seconds": _median(runs["seconds"]),
        "median_error": _median(runs["error"]),
        "median_extrapolates": _median(runs["extrapolates"]),
        "state_bytes": _median(runs["state_bytes"]),
        "chance": float(found["chance"][0]),
        "outcomes": ", ".join(
            f"{status} {count}" for status, count in Counter(runs["status"][~won]).most_common()
        ),
        "trials": len(tuned),
        "best_tuning_score": best,
        "mean_retest_score": retested,
        "gap": retested - best,
        "best_hyperparameters": _best(found, retest),
    }


SUMMARISED = [
    *(
        "phase",
        "status",
        "solved",
        "score",
        "rung",
        "budget",
        "flops",
        "flops_to_solve",
        "sequences_to_solve",
    ),
    *("updates_to_solve", "seconds", "error", "extrapolates", "state_bytes", "chance", "hyperparameters"),
]


def spent(runs: Mapping[str, Any] | pd.DataFrame) -> NDArray[np.float64]:
    """What each run cost: to solve, or all it spent, or its budget where it died before that was counted."""
    flops = np.asarray(runs["flops"], dtype=float)
    lost = np.where(np.isnan(flops), np.asarray(runs["budget"], dtype=float), flops)
    won = np.asarray(runs["solved"], dtype=bool)
    return np.where(won, np.asarray(runs["flops_to_solve"], dtype=float), lost)


def _known(values: NDArray[Any]) -> NDArray[np.float64]:
    numbers = np.asarray(values, dtype=float)
    known: NDArray[np.float64] = numbers[~np.isnan(numbers)]
    return known


def _median(values: NDArray[Any]) -> float:
    known = _known(values)
    return float(np.median(known)) if known.size else math.nan


def _mean(values: NDArray[Any]) -> float:
    known = _known(values)
    return float(known.mean()) if known.size else math.nan


def _best(found: dict[str, NDArray[Any]], retest: NDArray[np.bool_]) -> str:
    """What was retested; without retests, what scored best."""
    settings = found["hyperparameters"]
    if retest.any():
        return str(settings[retest][0])
    scores = np.where(found["phase"] == "tune", found["score"].astype(float), math.nan)
    return "{}" if np.isnan(scores).all() else str(settings[np.nanargmin(scores)])
