"""A campaign run from the command line: its workers, its progress, how it ended and what failed."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console

from longlag.bench import store
from longlag.bench.campaign.coordinator import Coordinator
from longlag.bench.campaign.grid import counted
from longlag.bench.campaign.logged import Logged
from longlag.bench.campaign.mixing import CodeChanged
from longlag.bench.campaign.profile import Profile
from longlag.bench.campaign.progress import Reporter, duration
from longlag.bench.contract import data as datasets
from longlag.bench.plugins.guard import patience
from longlag.bench.plugins.registry import Registry, discover
from longlag.bench.trial.spec import FAILED, overtime
from longlag.bench.workers.cluster import DaskExecutor
from longlag.bench.workers.pool import Executor, LocalPool, default_jobs

COMPILING = 600.0
"""Seconds a method may take to compile its code, which is half a minute where nobody else works."""
_REASONS = 10
"""Reasons of failed trials that are printed."""


def opened(
    console: Console,
    chosen: Profile,
    folder: Path,
    resume: bool,
    data: Path | None,
    code_changed: CodeChanged = "refuse",
    against: Sequence[str] = (),
) -> Coordinator:
    """The coordinator of a campaign in `folder`, new or to be resumed; raises BadInput.

    `data` is the folder of the user's data sets, `against` the campaigns to show beside.
    """
    resumes = resume and store.exists(folder / store.MANIFEST)
    datasets.use(data, store.read_manifest(folder).data if resumes else None)
    coordinator = Coordinator(chosen, registry(console, chosen), folder).open(resume, code_changed, against)
    for notice in coordinator.notices:
        console.print(notice, soft_wrap=True)
    for label, why in coordinator.skipped.items():
        console.print(f"skipped {label}: {why}")
    if coordinator.complete:
        console.print(f"{folder}: this campaign is complete already; no trial is run.", soft_wrap=True)
    elif coordinator.known:
        console.print(f"{coordinator.known} trials are known, and not run again")
    return coordinator


def registry(console: Console, chosen: Profile) -> Registry:
    """All plugins, the profile's own among them; prints which are broken."""
    found = discover(tuple(chosen.plugins))
    for broken in found.broken:
        console.print(f"broken plugin {broken.where}: {broken.reason}")
    return found


def launch(
    console: Console,
    coordinator: Coordinator,
    jobs: int = 0,
    dask: str | None = None,
    most: int | None = None,
    logged: Logged | None = None,
) -> bool:
    """Run a campaign on `jobs` local workers (0: one a core), or on the cluster at `dask`, `most` at once.

    `logged` gets every trial too. False if it was interrupted. Raises BadInput where it cannot go on.
    """
    profile = coordinator.profile
    with console.status("compiling what the methods compute with, up to a minute where that is new"):
        for name in sorted({ladder.method for ladder in coordinator.ladders}):
            # To compile its code once, before workers start; its errors show in its trials.
            with suppress(Exception), patience(COMPILING):
                coordinator.registry.method(name).warm_up()
    executor: Executor
    if dask is None:
        executor = LocalPool(jobs or default_jobs(), profile.timeout, profile.memory)
    else:
        spare = overtime(profile.extrapolate)
        executor = DaskExecutor.connect(dask, profile.timeout, profile.memory, most, spare)
    reporter = Reporter(console, coordinator.total)
    why: Counter[str] = Counter()

    def on_row(row: dict[str, Any], curve: list[dict[str, float]] | None) -> None:
        reporter.total = coordinator.total
        reporter(row, curve is None)
        if logged is not None and curve is not None:
            logged(row, curve)
        if row["status"] in FAILED:
            why[f"{row['status']}, {row['method']}: {row['detail']}"] += 1

    try:
        slots = executor.slots
        console.print(
            f"campaign {profile.name}, seed {profile.seed}: {counted(coordinator.ladders)}, "
            f"on {slots} {'worker' if slots == 1 else 'workers'}, into {coordinator.folder}",
            soft_wrap=True,
        )
        with reporter:
            coordinator.run(executor, on_row)
    except KeyboardInterrupt:
        console.print(
            "interrupted; nothing finished is lost. To go on: "
            + shlex.join(["longlag", "run", "--resume", "--out", str(coordinator.folder)]),
            soft_wrap=True,
        )
        return False
    finally:
        executor.close()
    counts = ", ".join(f"{count} {status}" for status, count in reporter.statuses.most_common())
    console.print(f"{reporter.done} trials in {duration(coordinator.manifest.seconds)}: {counts}")
    if why:
        _print_failures(console, why)
    return True


def _print_failures(console: Console, why: Counter[str]) -> None:
    console.print(f"{why.total()} trials failed; their rows in trials.parquet say why:")
    for text, count in why.most_common(_REASONS):
        console.print(f"  {count} x {text}", soft_wrap=True)
    if len(why) > _REASONS:
        console.print(f"  and {len(why) - _REASONS} other reasons")
