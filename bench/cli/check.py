"""`longlag check`."""

from __future__ import annotations

from typing import Annotated

import typer

from longlag.bench.cli.terminal import console


def check(
    plugin: Annotated[str, typer.Argument(help="A method, a task, a plugin's FILE.py, or FILE.py:MyCell.")],
) -> None:
    """Try every promise of the contract on a plugin, and say how to mend what it breaks."""
    from longlag.bench.checking import contract
    from longlag.bench.workers.worker import single_threaded

    # As a trial runs: beside other work, threads wait for each other for longer than a small net's sums take.
    single_threaded()
    verdicts = contract.tried(plugin)
    # Before what takes seconds to compile.
    console.print(f"trying {plugin}, which takes up to a minute or two", style="dim")
    kept = broken = 0
    last = ""
    # One fault breaks several promises, and is told once.
    said: set[str] = set()
    for name, verdict in verdicts:
        if name != last:
            console.print(name, style="bold")
            last = name
        mark = "yes" if verdict.kept else "NO "
        console.print(f"  {mark} {verdict.promise}", style="" if verdict.kept else "red", soft_wrap=True)
        if verdict.told:
            told = "the same, as above" if verdict.told in said and not verdict.kept else verdict.told
            console.print(f"      {told}", style="dim" if verdict.kept else "red", soft_wrap=True)
            said.add(verdict.told)
        kept += verdict.kept
        broken += not verdict.kept
    console.print(f"{kept} of {kept + broken} promises are kept")
    if broken:
        raise typer.Exit(1)
