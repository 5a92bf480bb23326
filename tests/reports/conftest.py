"""Campaigns made by hand, small enough to work out on paper."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from longlag.bench import store
from longlag.bench.store import Campaign, Manifest

BUDGET = 1e10
MOMENTS = ("before", "after")


@dataclass
class Maker:
    """Builds a campaign run by run."""

    name: str = "made"
    methods: list[str] = field(default_factory=lambda: ["vanilla", "lstm"])
    rows: list[dict[str, Any]] = field(default_factory=list)
    curve_rows: list[dict[str, Any]] = field(default_factory=list)
    probe_rows: list[dict[str, Any]] = field(default_factory=list)
    asked_rows: list[dict[str, Any]] = field(default_factory=list)
    finished: str | None = "2026-01-01T00:10:00"

    def run(
        self,
        method: str,
        lag: int,
        cost: float | None,
        *,
        phase: str = "retest",
        status: str = "plateau",
        task: str = "adding",
        variant: str = "hs97",
        error: float | None = None,
        spent: float = BUDGET,
        detail: str = "",
        hyperparameters: dict[str, Any] | None = None,
        chance: float = 0.93,
        score: float | None = None,
        rung: int = 0,
    ) -> str:
        """One trial; `cost` FLOPs to solve, or None for an unsolved one that spent `spent`."""
        solved = cost is not None
        key = f"{method}-{task}-{variant}-{lag}-{len(self.rows)}"
        wrong = error if error is not None else (0.0 if solved else chance)
        if score is None:
            score = cost / BUDGET if cost is not None else 1 + wrong / chance
        flops = cost if cost is not None else spent
        self.rows.append(
            {
                "run_id": key,
                "method": method,
                "task": task,
                "variant": variant,
                "lag": lag,
                "phase": phase,
                "trial": sum(
                    row["method"] == method
                    and row["lag"] == lag
                    and row["phase"] == phase
                    and row["task"] == task
                    for row in self.rows
                ),
                "seed": len(self.rows),
                "rung": rung,
                "carried_from": 0,
                "status": "solved" if solved else status,
                "detail": detail,
                "solved": solved,
                "error": wrong,
                "tested": 1000,
                "chance": chance,
                "loss": 0.17,
                "score": score,
                "flops": flops,
                "budget": BUDGET,
                "sequences": flops / 1e5,
                "updates": flops / 2e6,
                "flops_to_solve": cost if solved else np.nan,
                "sequences_to_solve": flops / 1e5 if solved else np.nan,
                "updates_to_solve": flops / 2e6 if solved else np.nan,
                "seconds": flops / 1e9,
                "parameters": 300,
                "state_bytes": 4.0 * 8 * (1 + (method == "lstm")),
                "extrapolates": np.nan,
                "hyperparameters": json.dumps(hyperparameters or {"learning_rate": 0.01}),
                "code_hash": "0" * 12,
            }
        )
        return key

    def curve(self, key: str, errors: list[float], flops: float = BUDGET) -> None:
        """A learning curve with its checks evenly spaced."""
        for index, error in enumerate(errors):
            done = flops * index / max(1, len(errors) - 1)
            self.curve_rows.append(
                {
                    "run_id": key,
                    "flops": done,
                    "sequences": done / 1e5,
                    "updates": done / 2e6,
                    "seconds": done / 1e9,
                    "loss": error / 5,
                    "error": error,
                }
            )

    def probe(
        self, key: str, decay: float, length: int, moment: str, radius: float = 1.0, updates: float = math.nan
    ) -> None:
        """Gradient norms that shrink by `decay` a step back."""
        for back in range(0, length, max(1, length // 10)):
            self.probe_rows.append(
                {
                    "run_id": key,
                    "moment": moment,
                    "lag": back,
                    "gradient_norm": decay**back,
                    "spectral_radius": radius,
                    "updates": updates,
                    "saturated": radius / 10,
                }
            )

    def ask(self, key: str, *errors: float | str) -> None:
        """What a run came to at 2, 4, 8 ... times its lag: the share wrong, or why it was not asked."""
        (row,) = [row for row in self.rows if row["run_id"] == key]
        row["extrapolates"] = 1.0
        for power, error in enumerate(errors, start=1):
            told = isinstance(error, str)
            solved = not isinstance(error, str) and error < 0.01
            row["extrapolates"] = 2.0**power if solved else row["extrapolates"]
            self.asked_rows.append(
                {
                    "run_id": key,
                    "factor": 2**power,
                    "lag": 2**power * row["lag"],
                    "error": np.nan if told else error,
                    "tested": 0 if told else 256,
                    "chance": 0.93,
                    "solved": solved,
                    "detail": error if told else "",
                }
            )
        if all(isinstance(error, str) for error in errors):
            row["extrapolates"] = np.nan

    def made(self, folder: Path | None = None) -> Campaign:
        """The campaign of the runs so far."""
        blank = Maker(self.name, self.methods)
        if not self.rows:
            blank.run("vanilla", 1, None)
        columns = list((self.rows or blank.rows)[0])
        manifest = {
            "campaign": self.name,
            "profile": {
                "name": "quick",
                "description": "made by hand",
                "seed": 3,
                "methods": self.methods,
                "tasks": [{"task": "adding", "variant": "hs97"}],
                "lags": "climb",
                "trials": 4,
                "retests": 5,
                "budget": BUDGET,
                "batch": 2,
                "cap": 3.0,
            },
            "command": "longlag run --profile quick",
            "seed": 3,
            "versions": {"python": "3.11.9", "torch": "2.13.0"},
            "machine": {"cpu": "two cores", "cores": 2},
            "data": None,
            "git": {"commit": "0123abc", "dirty": False},
            "created": "2026-01-01T00:00:00",
            "finished": self.finished,
            "seconds": 600.0,
        }
        curve_columns = ["run_id", "flops", "sequences", "updates", "seconds", "loss", "error"]
        probe_columns = store.SCHEMAS[store.PROBES].names
        asked_columns = ["run_id", "factor", "lag", "error", "tested", "chance", "solved", "detail"]
        return Campaign(
            folder or Path(self.name),
            Manifest.model_validate(manifest),
            pd.DataFrame(self.rows, columns=columns),
            pd.DataFrame(self.curve_rows, columns=curve_columns),
            pd.DataFrame(self.probe_rows, columns=probe_columns),
            pd.DataFrame(self.asked_rows, columns=asked_columns),
        )

    def stored(self, folder: Path) -> Path:
        """The campaign in a folder of its own."""
        made = self.made(folder)
        folder.mkdir(parents=True)
        store.write_manifest(folder, made.manifest)
        trials = made.trials.assign(cap=np.nan).astype({"sequences": "int64", "updates": "int64"})
        frames = (trials, made.curves, made.probes, made.extrapolation)
        for name, frame in zip(store.SCHEMAS, frames, strict=True):
            frame.to_parquet(folder / name)
        return folder


@pytest.fixture
def maker() -> Maker:
    return Maker()


@pytest.fixture
def another() -> Maker:
    return Maker(name="another")


def realistic(maker: Maker, seed: int = 0) -> Campaign:
    """A campaign like a real one: four methods, two tasks, three lags, with curves and probes."""
    rng = np.random.default_rng(seed)
    maker.methods = ["vanilla", "gradient_clipping", "lstm", "echo_state"]
    reach = {"vanilla": 12, "gradient_clipping": 60, "lstm": 1000, "echo_state": 400}
    ladders = {("adding", "hs97", 0.93): (10, 50, 100, 200), ("temporal_order", "ms11", 0.75): (20, 50, 100)}
    for (task, variant, chance), lags in ladders.items():
        for lag in lags:
            for method in maker.methods:
                ease = 1 / (1 + (lag / reach[method]) ** 4)
                for phase, count in (("tune", 8), ("retest", 5)):
                    for _ in range(count):
                        solved = rng.random() < ease
                        cost = float(rng.lognormal(np.log(2e7 * lag), 0.5)) if solved else None
                        cost = min(cost, BUDGET) if cost else None
                        status = str(rng.choice(["plateau", "vanished", "exploded", "improving"]))
                        spent = BUDGET * (float(rng.random()) if status == "exploded" else 1)
                        error = None if solved else float(chance * rng.uniform(0.7, 1.02))
                        key = maker.run(
                            method, lag, cost, phase=phase, task=task, variant=variant, chance=chance,
                            status=status, spent=spent, error=error,
                            hyperparameters={"learning_rate": float(rng.lognormal(-5, 1)), "units": 32},
                        )  # fmt: skip
                        if phase == "retest":
                            steps = np.linspace(0, 1, 30)
                            fall = 1 / (1 + np.exp(14 * (steps - 0.7))) if solved else 1 - 0.2 * steps
                            noise = rng.normal(0, 0.02, 30)
                            curve = np.clip(chance * fall + noise, 0, 1)
                            maker.curve(key, [float(value) for value in curve], cost or spent)
                            for moment in MOMENTS:
                                decay = 0.8 if method == "vanilla" else 0.97
                                decay = decay if moment == "before" else min(0.999, decay + 0.02)
                                made = 0.0 if moment == "before" else 1000.0
                                maker.probe(key, decay, lag, moment, float(rng.normal(1, 0.1)), made)
    return maker.made()


@pytest.fixture(scope="session")
def campaign() -> Campaign:
    """A campaign like a real one, whole."""
    return realistic(Maker())
