"""What a worker holds at its peak, beyond what a process that has trained holds, in sizes of the states.

The states of a batch, T x B x H floats, are what backpropagation through time cannot do without. Every figure
is of a process of its own, whose peak is set back after a small trial has loaded and compiled everything.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# (T, B, H)
SHAPES = [(10_000, 20, 50), (1_000, 100, 100)]
BAR = 2.0
PROGRAM = """
import json, sys, warnings
from dataclasses import asdict
from pathlib import Path

import torch

from longlag.bench.plugins.registry import discover
from longlag.bench.trial.spec import Case, Checks, Limits, TrialSpec
from longlag.bench.workers.worker import execute, single_threaded

def held(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

def parts(T, B, H):
    setting = {"init_scale": 1.0, "learning_rate": 1e-5, "units": H, "batch_size": B}
    case = Case("vanilla", "adding", "a16", T)
    spec = TrialSpec(case, "tune", 0, 0, setting, Limits(1e18, updates=2), Checks())
    task = discover().task(case.task, case.variant, T)
    model = discover().method("vanilla").build(task, **setting)
    return asdict(spec), model, task

def gradients(T, B, H):
    _, model, task = parts(T, B, H)
    stream = torch.Generator().manual_seed(0)
    for _ in range(3):
        model.gradient(task.draw(B, stream, "train"))

def trial(T, B, H):
    assert execute(parts(T, B, H)[0])["updates"] == 2

single_threaded()
warnings.simplefilter("ignore")
shape = json.loads(sys.argv[1])
for work in (gradients, trial):
    work(20, 2, 8)
for work in (gradients, trial):
    before = held("VmRSS:")
    Path("/proc/self/clear_refs").write_text("5")
    work(*shape)
    print(held("VmHWM:") - before)
"""
KINDS = ("training steps", "a trial, its default checks among them")


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="this system does not tell a peak")
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_worker_holds_little_but_the_states(
    shape: tuple[int, int, int], tmp_path: Path, benchmark: Any, holds: Callable[..., None], timed: bool
) -> None:
    if not timed:
        pytest.skip("nothing to compare: a figure of half a minute, which `nox -s speed` takes")
    command = [sys.executable, "-c", PROGRAM, json.dumps(shape)]
    done = benchmark.pedantic(
        lambda: subprocess.run(command, cwd=tmp_path, capture_output=True, text=True), rounds=1
    )
    assert done.returncode == 0, done.stderr[-2000:]
    length, size, units = shape
    found = [int(line) / (4.0 * length * size * units) for line in done.stdout.split()]
    for kind, value in zip(KINDS, found, strict=True):
        holds(f"peak memory of {kind}, {shape}", "the states of a batch", [value], at_most=BAR, shape=shape)
