"""The limits that only protect, of time and memory: a trial that met one is run again when it is raised."""

from __future__ import annotations

from pathlib import Path

from longlag.bench import store
from longlag.bench.store import Manifest
from longlag.bench.trial.spec import Status

MET: dict[str, Status] = {"timeout": "timeout", "memory": "out_of_memory"}
"""How a trial ends that meets a limit, by the limit's key in a profile."""


def to_run_again(folder: Path, before: Manifest, now: Manifest) -> set[str]:
    """The runs in `folder` that met a limit which is larger now than when it last ran, by their run ids."""
    raised = {met for key, met in MET.items() if now.profile[key] > before.profile[key]}
    if not raised:
        return set()
    ended = {row["run_id"]: row["status"] for row in store.surviving(folder)}
    return {run_id for run_id, status in ended.items() if status in raised}
