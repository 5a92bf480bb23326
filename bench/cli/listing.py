"""`longlag list`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from longlag.bench.campaign import profile
from longlag.bench.cli.options import PluginOption
from longlag.bench.cli.terminal import console
from longlag.bench.contract.errors import BadInput


def list_(
    only_methods: Annotated[bool, typer.Option("--methods", help="Methods alone.")] = False,
    only_tasks: Annotated[bool, typer.Option("--tasks", help="Tasks alone, with their definitions.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="The tasks as a page of Markdown.")] = False,
    plugin: PluginOption = None,
) -> None:
    """List methods, tasks and profiles, and broken plugins with their reasons."""
    from longlag.bench.plugins import listing, reference
    from longlag.bench.plugins.registry import discover

    registry = discover(tuple(plugin or ()))
    if markdown:
        typer.echo(reference.tasks(registry), nl=False)
        return
    everything = not (only_methods or only_tasks)
    for table in listing.tables(
        registry, everything or only_methods, everything or only_tasks, full=not everything
    ):
        console.print(table)
    if everything:
        console.print(_filled(listing.titled("profiles", "name", "what it is", "methods, on tasks")))
    for broken in registry.broken:
        console.print(f"broken: {broken.where}: {broken.reason}", style="red", soft_wrap=True)


def _filled(table: Table) -> Table:
    """The table of profiles, with a row for each."""
    for name in profile.available():
        try:
            found = profile.read(name)
        except BadInput as error:
            table.add_row(name, f"broken: {error}", "")
            continue
        tasks = ", ".join(dict.fromkeys(grid.task for grid in found.tasks))
        # In one column, so that in eighty characters a name is not broken and can be copied.
        table.add_row(name, found.description, f"{', '.join(found.methods)}\non {tasks}")
    return table
