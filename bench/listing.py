"""What `longlag list` prints."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from bench import profile
from bench.contract import Method, Task
from bench.errors import BadInput
from bench.recipe import Remedy
from bench.registry import Registry


def show(console: Console, registry: Registry, only_methods: bool, only_tasks: bool) -> None:
    """Print the plugins and profiles there are, or only one kind of plugin in full."""
    everything = not (only_methods or only_tasks)
    if everything or only_methods:
        console.print(_methods(registry, only_methods))
    if everything or only_tasks:
        console.print(_tasks(registry))
    if only_tasks:
        for name in sorted(registry.tasks):
            console.print(_facts(registry.tasks[name]))
    if everything:
        console.print(_profiles())
    for broken in registry.broken:
        console.print(
            f"broken: {broken.where}: {broken.reason}",
            style="red",
            soft_wrap=True,
        )


def _table(title: str, *columns: str) -> Table:
    """A table whose first column is never cut."""
    table = Table(title=title, title_justify="left")
    for index, column in enumerate(columns):
        table.add_column(column, no_wrap=index == 0)
    return table


def _methods(registry: Registry, full: bool) -> Table:
    table = _table(
        "methods (remedies combine with +)", "name", "changes", "what it is" + ", and its source" * full
    )
    for name, plugin in sorted(registry.methods.items()):
        text = first_line(plugin) + f" {plugin.source}" * full
        table.add_row(name, _changes(plugin), text)
    return table


def _changes(plugin: type[Method] | type[Remedy]) -> str:
    if not issubclass(plugin, Remedy):
        return "a model of its own"
    parts = (plugin.changes,) if isinstance(plugin.changes, str) else plugin.changes
    return ", ".join(parts) or "nothing"


def _tasks(registry: Registry) -> Table:
    table = _table("tasks (--tasks shows their definitions)", "task:variant", "lags", "what it is")
    for name, plugin in sorted(registry.tasks.items()):
        for variant, how in plugin.variants.items():
            table.add_row(f"{name}:{variant}", str(plugin.lags(variant)), how or first_line(plugin))
    return table


def _facts(plugin: type[Task]) -> Table:
    table = Table(title=f"{plugin.name}: {first_line(plugin)}", title_justify="left", show_header=False)
    for key, text in {**plugin.facts, "source": plugin.source}.items():
        table.add_row(key, text)
    return table


def _profiles() -> Table:
    table = _table("profiles", "name", "what it is", "methods", "tasks")
    for name in profile.available():
        try:
            found = profile.read(name)
        except BadInput as error:
            table.add_row(name, f"broken: {error}", "", "")
            continue
        tasks = ", ".join(grid.task for grid in found.tasks)
        table.add_row(name, found.description, ", ".join(found.methods), tasks)
    return table


def first_line(plugin: type) -> str:
    """The first line of a plugin's docstring."""
    return (plugin.__doc__ or "").strip().partition("\n")[0]
