"""What a command imports: no library that it does not need, because they take seconds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

QUICK = Path(__file__).parents[3] / "results" / "quick"
TRAINING = {"torch", "pytorch_lightning", "numba", "sklearn"}
DRAWING = {"pandas", "pyarrow", "altair", "scipy"}


def imported(*arguments: str) -> set[str]:
    """The top-level modules that `python -m longlag` imports."""
    command = [sys.executable, "-X", "importtime", "-m", "longlag", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    found = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
    assert {"longlag", "typer"} <= found
    return found


@pytest.mark.parametrize("command", ["", "run", "plan", "list", "report", "replay"])
def test_help_needs_no_heavy_library(command: str) -> None:
    assert not {*TRAINING, *DRAWING, "optuna", "numpy"} & imported(*command.split(), "--help")


def test_the_version_needs_no_heavy_library() -> None:
    assert not {*TRAINING, *DRAWING, "optuna", "numpy"} & imported("--version")


@pytest.mark.parametrize("options", [[], ["--tasks", "--markdown"]])
def test_list_imports_the_plugins_and_what_they_are_made_of(options: list[str]) -> None:
    found = imported("list", *options)
    assert "torch" in found
    assert not {*TRAINING, *DRAWING} - {"torch"} & found


@pytest.mark.slow
def test_a_report_is_drawn_without_what_trains(tmp_path: Path) -> None:
    found = imported("report", str(QUICK), "--out", str(tmp_path))
    assert found >= DRAWING
    # Optuna's part, which tells what hyperparameters matter, brings scikit-learn along.
    assert not (TRAINING - {"sklearn"}) & found


def test_who_runs_a_campaign_leaves_lightning_to_the_workers() -> None:
    code = (
        "import sys; from longlag.bench.campaign.launch import launch;"
        "from longlag.bench.plugins.registry import discover;"
        "from longlag.bench.workers.hashes import code_hash;"
        "code_hash(discover().plugins('lstm', 'adding'));"
        "assert 'torch' in sys.modules; assert 'pytorch_lightning' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
