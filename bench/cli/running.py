"""`longlag run` and `longlag plan`."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated

import typer

from longlag import reports
from longlag.bench.campaign import profile
from longlag.bench.campaign.profile import Profile
from longlag.bench.cli.options import (
    AblateOption,
    CellOption,
    Changes,
    CodeOption,
    DataOption,
    JobsOption,
    ProfileOption,
    changed,
    with_changes,
    with_methods,
)
from longlag.bench.cli.report import show_report
from longlag.bench.cli.terminal import INTERRUPTED, console
from longlag.bench.contract import data as datasets
from longlag.bench.contract.errors import BadInput
from longlag.bench.workers import server

QUICK, CELL = "quick", "cell"
"""The profiles where none is named, without and with --cell."""


@with_changes
def run(
    *,
    profile_name: ProfileOption = None,
    changes: Changes,
    cell: CellOption = None,
    ablate: AblateOption = None,
    jobs: JobsOption = 0,
    data: DataOption = None,
    out: Annotated[Path | None, typer.Option("--out", help="The campaign's folder.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Finish an interrupted campaign.")] = False,
    code_changed: CodeOption = "refuse",
    dask: Annotated[
        str | None, typer.Option("--dask", help="Run on the Dask cluster whose scheduler is at ADDRESS.")
    ] = None,
    max_jobs: Annotated[
        int | None, typer.Option("--max-jobs", min=1, help="With --dask: as many trials at once, at most.")
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option("--against", help="A campaign whose results the report shows beside; noted, to resume."),
    ] = None,
    logger: Annotated[
        str | None,
        typer.Option("--logger", help="Send every trial to tensorboard, csv, or MODULE:CLASS, too."),
    ] = None,
) -> None:
    """Run a campaign: tune every case, retest the winners, write tables and report."""
    stored = profile_name is None and resume and out is not None
    if stored and out is not None:
        from longlag.bench.campaign.replay import stored_profile

        base = stored_profile(out)
    else:
        base = _named(profile_name, cell)
    chosen = changed(base, with_methods(changes, cell or [], ablate))
    folder = out or _default_folder(chosen, base)
    if chosen.name != base.name:
        # Another campaign than the profile's: named, as in reports, by where it lies.
        chosen = chosen.model_copy(update={"name": base.name if stored else folder.resolve().name})
    if resume and out is None and not folder.exists():
        raise BadInput(f"{folder}: no campaign to resume; --out names the folder of another")
    # What cannot be read is said now, and not after hours.
    shown = against or (_noted(folder) if resume else [])
    beside = reports.read(shown) if shown else None

    if max_jobs is not None and dask is None:
        raise BadInput("--max-jobs is of a cluster, as --dask names one; --jobs of this machine")
    if dask is None:
        server.start()
    from longlag.bench.campaign.launch import launch, opened
    from longlag.bench.campaign.logged import Logged

    # What there is not is said before the folder is made.
    logged = None if logger is None else Logged(logger, folder, console.print)

    coordinator = opened(console, chosen, folder, resume, data, code_changed, [str(each) for each in shown])
    _tell_of_controls(base, chosen)
    if beside is not None:
        asked = {(each.task, each.variant) for each in coordinator.ladders if not each.certifies}
        for line in reports.unshared(beside, sorted(asked)):
            console.print(line, soft_wrap=True)
    try:
        if not (coordinator.complete or launch(console, coordinator, jobs, dask, max_jobs, logged)):
            raise typer.Exit(INTERRUPTED)
    finally:
        coordinator.close()
    show_report([folder], against=shown)


@with_changes
def plan(
    *,
    profile_name: ProfileOption = None,
    changes: Changes,
    cell: CellOption = None,
    ablate: AblateOption = None,
    jobs: JobsOption = 0,
    data: DataOption = None,
) -> None:
    """Show the grid of a campaign, its FLOPs, and the time it may take, from a few pilot steps."""
    datasets.use(data)
    base = _named(profile_name, cell)
    chosen = changed(base, with_methods(changes, cell or [], ablate))

    from longlag.bench.campaign import planning
    from longlag.bench.campaign.launch import registry
    from longlag.bench.workers.pool import LocalPool, default_jobs

    pool = LocalPool(jobs or default_jobs(), chosen.timeout, chosen.memory)
    try:
        planning.show(console, chosen, registry(console, chosen), pool)
    finally:
        pool.close()
    _tell_of_controls(base, chosen)


def _named(name: str | None, cells: list[str] | None) -> Profile:
    """The profile of that name, or the one for want of a name; raises BadInput."""
    if name is None:
        name = CELL if cells else QUICK
    return profile.read(name)


def _tell_of_controls(base: Profile, chosen: Profile) -> None:
    if base.controls is not None and chosen.controls is None:
        told = f"--lags leaves out the controls of {base.name}: nothing will say whether it is the lag"
        console.print(told, soft_wrap=True)


def _noted(folder: Path) -> list[Path]:
    """The campaigns that the one in `folder` is shown beside, but those that are no longer there."""
    from longlag.bench import store

    if not store.exists(folder / store.MANIFEST):
        return []
    noted = [Path(each) for each in store.read_manifest(folder).against]
    for each in noted:
        if not store.exists(each):
            console.print(
                f"{each}: no longer there, and not shown beside; --against names others", soft_wrap=True
            )
    return [each for each in noted if store.exists(each)]


def _default_folder(chosen: Profile, base: Profile) -> Path:
    """A folder of its own for every campaign: that of a changed profile has a hash in its name."""
    name = f"{base.name}-{chosen.seed}"
    if not chosen.same_but_seed(base):
        text = json.dumps({**chosen.defining(), "seed": 0}, sort_keys=True)
        name += f"-{hashlib.blake2b(text.encode(), digest_size=3).hexdigest()}"
    return Path("results", "local", name)
