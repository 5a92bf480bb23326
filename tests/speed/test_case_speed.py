"""A whole tuned case against the obvious script, `obvious.py`: two programs, each from its start to its end.

The same: the task (adding, drawn in the same way), the lag, the net's kind and size, the optimiser and its
rate, batch sizes, the number of trials and the updates of each (nothing is solved, so no trial ends early),
fresh test sequences, the machine with both of its cores, and the rest left as each program has it.

What differs: LongLag trains in a process a core, checks as it trains whether a task is solved, probes every
net and writes every row to disk; it runs its case again on a fresh seed, once, where the script ends. The
script has one process of one thread, Lightning's defaults (a progress bar, a checkpoint, a log), and a rate
that stays. Initial weights are each program's own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

LAG, TRIALS, ROUNDS = 100, 8, 1
BAR = 5.0
NETS = {"vanilla": "rnn", "lstm": "lstm"}
"""A method, and the script's net."""
CASES = [("vanilla", 120), ("lstm", 120), ("vanilla", 1000)]
"""A method, and a trial's updates: few and many, because what a program takes to start weighs the more, the
less it trains."""
PROFILE = """
methods = ["{method}"]
tasks = [{{ task = "adding:ms11" }}]
lags = [{lag}]
trials = {trials}
batch = {trials}
sampler = "random"
recipes = 0
retests = 1
budget = 1e15
updates = {updates}
"""
LONGLAG = "import sys; from longlag.bench.cli.app import main; sys.exit(main())"
SCRIPT = str(Path(__file__).with_name("obvious.py"))


def program(arguments: list[str], folder: Path) -> None:
    """A Python program from its start to its end, its numerical libraries on one thread."""
    one = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, *arguments], cwd=folder, env=one, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def settings(row: dict[str, Any]) -> dict[str, Any]:
    """A trial's hyperparameters by the script's names."""
    given = json.loads(row["hyperparameters"])
    rate = given.get("learning_rate", given.get("adam_rate", given.get("descent_rate")))
    return {
        "units": given["units"],
        "rate": rate,
        "momentum": given.get("momentum", 0.0),
        "adam": "adam_rate" in given,
        "batch_size": given["batch_size"],
    }


@pytest.mark.parametrize(("method", "updates"), CASES)
def test_a_tuned_case_against_the_obvious_script(
    method: str,
    updates: int,
    tmp_path: Path,
    pairs: Callable[..., Any],
    holds: Callable[..., None],
    timed: bool,
) -> None:
    if not timed:
        pytest.skip("nothing to compare but two whole programs; what either trains is tested elsewhere")
    profile = PROFILE.format(method=method, lag=LAG, trials=TRIALS, updates=updates)
    (tmp_path / "case.toml").write_text(profile)
    folders = (f"campaign{number}" for number in count())

    def ours() -> None:
        program(["-c", LONGLAG, "run", "--profile", "case.toml", "--out", next(folders)], tmp_path)

    ours()
    rows = pd.read_parquet(tmp_path / "campaign0" / "trials.parquet").query("phase == 'tune'")
    assert len(rows) == TRIALS
    assert not rows["solved"].any()
    given = {
        "net": NETS[method],
        "lag": LAG,
        "tested": 1000,
        "updates": rows["updates"].tolist(),
        "trials": [settings(row) for row in rows.to_dict("records")],
    }
    (tmp_path / "settings.json").write_text(json.dumps(given))
    found = pairs(ours, lambda: program([SCRIPT, "settings.json"], tmp_path), ROUNDS, time.perf_counter)
    what = f"a tuned case of {TRIALS} trials of {updates} updates, {method}, lag {LAG}"
    holds(what, "the obvious script", [pair.theirs / pair.ours for pair in found], at_least=BAR,
          updates=int(rows["updates"].sum()), seconds=min(pair.ours for pair in found))  # fmt: skip
