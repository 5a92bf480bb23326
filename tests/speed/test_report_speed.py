"""The report of a large campaign: what its page costs to make, in time, memory and bytes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from longlag.bench import store
from longlag.bench.store import Manifest

TRIALS, CHECKS, PROBES = 100_000, 20, 10
METHODS = ["vanilla", "gradient_clipping", "careful_init", "hessian_free", "lstm", "echo_state",
           "theirs", "mine", "yours", "ours"]  # fmt: skip
TASKS, LAGS = 12, [10, 20, 50, 100, 200, 500, 1000, 2000]
SECONDS, BYTES_HELD, BYTES = 20.0, 2e9, 10e6
"""The bars: of one processor's time, of memory, and of the page."""
BUDGET = 2e10
MOMENTS = {"before": 0.0, "during": 1000.0, "after": 5000.0}
"""When a retest is probed, and after how many updates."""


def trials(rng: np.random.Generator) -> pd.DataFrame:
    """Every method on every task at every lag, tuned and retested; longer lags are harder."""
    each = TRIALS // (len(METHODS) * TASKS * len(LAGS)) + 1
    case, number = np.divmod(np.arange(TRIALS), each)
    rung, method = case // len(METHODS) % len(LAGS), case % len(METHODS)
    lag, tuned = np.array(LAGS)[rung], int(0.8 * each)
    solved = rng.random(TRIALS) < 1 / (1 + (lag / np.geomspace(15, 3000, len(METHODS))[method]) ** 3)
    flops = np.where(solved, np.minimum(rng.lognormal(np.log(2e7 * lag), 0.6), BUDGET), BUDGET)
    error = np.where(solved, rng.integers(0, 10, TRIALS), rng.integers(400, 1000, TRIALS)) / 1000
    spent = {"flops": flops, "sequences": flops // 1e5, "updates": flops // 2e6}
    settings = zip(
        rng.lognormal(-5, 2, TRIALS), rng.random(TRIALS), rng.integers(10, 99, TRIALS), strict=True
    )
    found = {
        "run_id": [f"{value:016x}" for value in rng.integers(0, 2**63 - 1, TRIALS)],
        "method": np.array(METHODS)[method],
        "task": [f"task{place}" for place in case // len(METHODS) // len(LAGS) % TASKS],
        "lag": lag,
        "phase": np.where(number < tuned, "tune", "retest"),
        "trial": np.where(number < tuned, number, number - tuned),
        "seed": rng.integers(0, 2**62, TRIALS),
        "rung": rung + 1,
        "status": np.where(solved, "solved", rng.choice(["plateau", "vanished", "exploded"], TRIALS)),
        "solved": solved,
        "error": error,
        "loss": rng.random(TRIALS),
        "score": np.where(solved, flops / BUDGET, 1 + error / 0.9),
        **spent,
        **{f"{name}_to_solve": np.where(solved, values, np.nan) for name, values in spent.items()},
        "seconds": rng.lognormal(2, 1, TRIALS),
        "hyperparameters": [
            json.dumps({"learning_rate": float(a), "momentum": float(b), "units": int(c)})
            for a, b, c in settings
        ],
    }
    same = {"variant": "v1", "carried_from": 0, "detail": "", "tested": 1000, "chance": 0.9, "budget": BUDGET,
            "cap": np.nan, "parameters": 999, "extrapolates": np.nan, "state_bytes": 32.0,
            "code_hash": "0" * 12}  # fmt: skip
    return pd.DataFrame(found | same)


def curves(rows: pd.DataFrame) -> pd.DataFrame:
    """A learning curve a trial, down to its error."""
    of = rows.loc[rows.index.repeat(CHECKS)]
    done = np.tile(np.arange(1, CHECKS + 1), len(rows)) / CHECKS
    frame = of[["run_id", "flops", "sequences", "updates", "seconds", "error"]].copy()
    frame[["flops", "sequences", "updates", "seconds"]] *= done[:, np.newaxis]
    frame["error"] = np.clip(frame["error"] + 0.9 * (1 - done), 0, 1)
    return frame.assign(loss=frame["error"] / 5)


def probes(rows: pd.DataFrame) -> pd.DataFrame:
    """Gradients through time of the retests, before training, while they train, and after it."""
    of = rows[rows["phase"] == "retest"]
    many = len(MOMENTS)
    back = (
        np.tile(np.arange(PROBES), many * len(of)) * np.repeat(of["lag"].to_numpy(), many * PROBES) // PROBES
    )
    return pd.DataFrame(
        {
            "run_id": np.repeat(of["run_id"].to_numpy(), many * PROBES),
            "moment": np.tile(np.repeat(list(MOMENTS), PROBES), len(of)),
            "lag": back,
            "gradient_norm": 0.97**back,
            "spectral_radius": 1.0,
            "updates": np.tile(np.repeat(list(MOMENTS.values()), PROBES), len(of)),
            "saturated": 0.1,
        }
    )


def stored(folder: Path) -> None:
    """A finished campaign of so many trials."""
    rows = trials(np.random.default_rng(0))
    told = {
        "campaign": "large", "profile": {"name": "large", "methods": METHODS}, "command": "", "seed": 0,
        "versions": {}, "machine": {}, "data": None, "git": {}, "created": "2026-01-01T00:00:00",
        "finished": "2026-01-02T00:00:00", "seconds": 1.0,
    }  # fmt: skip
    folder.mkdir()
    store.write_manifest(folder, Manifest.model_validate(told))
    none = store.SCHEMAS[store.EXTRAPOLATION].empty_table().to_pandas()
    frames = (rows, curves(rows), probes(rows), none)
    for (name, schema), frame in zip(store.SCHEMAS.items(), frames, strict=True):
        frame[schema.names].astype(
            {n: "int64" for n in ("sequences", "updates") if name == store.TRIALS}
        ).to_parquet(folder / name)


def test_the_page_of_a_large_campaign(
    tmp_path: Path, benchmark: Any, holds: Callable[..., None], timed: bool
) -> None:
    if not timed:
        pytest.skip("nothing to compare: a figure of half a minute, which `nox -s speed` takes")
    stored(tmp_path / "large")
    program = "import sys; from longlag.bench.cli.app import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "report", "large", "--out", "page"]

    def report() -> Any:
        quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
        back = Path.cwd()
        os.chdir(tmp_path)
        try:
            child = os.posix_spawn(sys.executable, command, os.environ, file_actions=quiet)
        finally:
            os.chdir(back)
        return os.wait4(child, 0)[1:]

    status, used = benchmark.pedantic(report, rounds=1)
    assert status == 0
    seconds = used.ru_utime + used.ru_stime
    held = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    size = (tmp_path / "page" / "report.html").stat().st_size
    large = f"the page of {TRIALS:,} trials"
    holds(f"processor's time of {large}", "20 s", [seconds / SECONDS], at_most=1.0)
    holds(f"memory of {large}", "2 GB", [held / BYTES_HELD], at_most=1.0)
    holds(f"bytes of {large}", "10 MB", [size / BYTES], at_most=1.0)
