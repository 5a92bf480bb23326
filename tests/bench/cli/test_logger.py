"""`--logger`: every trial in one of Lightning's loggers too."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.bench.conftest import Command

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

RUN = (
    "run", "--methods", "vanilla", "--tasks", "adding:ms11", "--lags", "10",
    "--trials", "1", "--retests", "1", "--budget", "2e7", "--jobs", "1",
)  # fmt: skip


def test_curves_are_what_the_logger_has(longlag: Command, tmp_path: Path) -> None:
    folder = tmp_path / "c"
    assert longlag(*RUN, "--out", str(folder), "--logger", "csv")[0] == 0
    trials, curves = (pd.read_parquet(folder / f"{name}.parquet") for name in ("trials", "curves"))
    assert len(trials) == 2
    for trial in trials.itertuples():
        version = f"{trial.phase}-{trial.trial}-{trial.run_id}"
        logged = folder / "logs" / "vanilla-adding-ms11-10" / version
        found = pd.read_csv(logged / "metrics.csv").sort_values("step")
        stored = curves[curves["run_id"] == trial.run_id]
        assert len(stored) > 1
        assert found["error"].tolist() == pytest.approx(stored["error"].tolist())
        assert found["step"].tolist() == stored["updates"].tolist()
        told = (logged / "hparams.yaml").read_text()
        assert f"units: {json.loads(trial.hyperparameters)['units']}" in told


def test_a_logger_that_fails_costs_no_trial(
    longlag: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "class Full:\n    def __init__(self, **told):\n        raise OSError('disk full')\n"
    (tmp_path / "theirs.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    code, said = longlag(*RUN, "--out", str(tmp_path / "c"), "--logger", "theirs:Full")
    assert code == 0
    assert said.count("--logger theirs:Full: ") == 1
    assert "disk full; the trials that follow are not logged" in said
    assert len(pd.read_parquet(tmp_path / "c" / "trials.parquet")) == 2


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ("tensorbord", "--logger tensorbord: csv, tensorboard, or MODULE:CLASS of another"),
        ("no_such_module:Logger", "--logger no_such_module:Logger: No module named 'no_such_module'"),
        ("json:Logger", "--logger json:Logger: module 'json' has no attribute 'Logger'"),
    ],
)
def test_what_there_is_not_is_said_before_anything_is_made(
    longlag: Command, tmp_path: Path, named: str, why: str
) -> None:
    code, said = longlag(*RUN, "--out", str(tmp_path / "c"), "--logger", named)
    assert code == 2
    assert why in said
    assert not (tmp_path / "c").exists()
