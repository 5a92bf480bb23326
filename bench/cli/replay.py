"""`longlag replay`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from longlag.bench.cli.options import DataOption
from longlag.bench.cli.terminal import console
from longlag.bench.contract import data as datasets


def replay(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The campaign's folder.")],
    run_id: Annotated[str, typer.Argument(help="The run's id, or the beginning of it.")],
    data: DataOption = None,
) -> None:
    """Run a stored trial again, and check that it comes out the same; exit code 1 if it does not."""
    from longlag.bench import store
    from longlag.bench.campaign import provenance
    from longlag.bench.campaign.mixing import differing
    from longlag.bench.campaign.replay import find, stored_profile
    from longlag.bench.campaign.replay import replay as replay_row
    from longlag.bench.plugins.registry import discover
    from longlag.bench.store.manifest import MACHINE, PROCESSOR
    from longlag.bench.workers.pool import LocalPool

    manifest = store.read_manifest(folder)
    datasets.use(data, manifest.data)
    chosen = stored_profile(folder)
    stored = find(folder, run_id)
    pool = LocalPool(1, chosen.timeout, chosen.memory)
    try:
        result = replay_row(stored, chosen, discover(tuple(chosen.plugins)), pool)
    finally:
        pool.close()
    name = f"run {stored['run_id']} ({stored['phase']} {stored['trial']} of {stored['method']})"
    if result.code_changed:
        console.print(
            f"the code has changed since: {stored['code_hash']} then, {result.again['code_hash']} now",
            soft_wrap=True,
        )
    for column, (then, now) in result.differences.items():
        console.print(f"{column}: {then} then, {now} now", soft_wrap=True)
    if result.differences:
        made_with = manifest.ran_with((*MACHINE, PROCESSOR))
        for line in differing(made_with, {**provenance.versions(), **provenance.machine()}):
            console.print(line, soft_wrap=True)
        commits = ", ".join(commit[:12] for commit in manifest.commits) if result.code_changed else ""
        on = f"; its campaign's code was that of {commits}" if commits else ""
        console.print(f"{name} did not come out the same{on}", soft_wrap=True)
        raise typer.Exit(1)
    console.print(f"{name} came out the same: {stored['status']}", soft_wrap=True)
