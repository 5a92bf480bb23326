"""The plugins there are, as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from longlag.bench.contract.method import Method
from longlag.bench.contract.names import TWIN
from longlag.bench.contract.recipe import Remedy
from longlag.bench.contract.task import Task
from longlag.bench.plugins.registry import Registry


def tables(registry: Registry, methods: bool, tasks: bool, full: bool) -> Iterator[Table]:
    """The plugins there are; in `full` with the sources of methods and the definitions of tasks."""
    if methods:
        yield _methods(registry, full)
    if tasks:
        yield _tasks(registry)
    if tasks and full:
        yield from (_facts(registry.tasks[name]) for name in sorted(registry.tasks))


def titled(title: str, *columns: str) -> Table:
    """A table whose first column stands on one line, and whose others fold."""
    table = Table(title=title, title_justify="left")
    for index, column in enumerate(columns):
        table.add_column(column, no_wrap=index == 0, overflow="fold")
    return table


def _methods(registry: Registry, full: bool) -> Table:
    table = titled(
        "methods (remedies combine with +)", "name", "changes", "what it is" + ", and its source" * full
    )
    for name, plugin in sorted(registry.methods.items()):
        text = first_line(plugin) + f" {plugin.source}" * full
        table.add_row(name, changes(plugin), text)
    return table


def changes(plugin: type[Method] | type[Remedy]) -> str:
    """The parts of the recipe that it changes, or what it is instead."""
    if not issubclass(plugin, Remedy):
        return "control" if plugin.control else "a model of its own"
    parts = (plugin.changes,) if isinstance(plugin.changes, str) else plugin.changes
    return ", ".join(parts) or "nothing"


def _tasks(registry: Registry) -> Table:
    table = titled(
        f"tasks (VARIANT{TWIN}: its keys next to the answer)", "task:variant", "lags", "what it is"
    )
    for name, plugin in sorted(registry.tasks.items()):
        for variant, how in plugin.variants.items():
            table.add_row(f"{name}:{variant}", str(plugin.lags(variant)), how or first_line(plugin))
    return table


def _facts(plugin: type[Task]) -> Table:
    table = Table(title=f"{plugin.name}: {first_line(plugin)}", title_justify="left", show_header=False)
    for key, text in definition(plugin).items():
        table.add_row(key, text)
    return table


def definition(plugin: type[Task]) -> dict[str, str]:
    """What there is to say of a task: its facts, its twin, its source."""
    return {**plugin.facts, "twin": twin(plugin), "source": plugin.source}


def twin(plugin: type[Task]) -> str:
    """Where its twin has the keys, and which variants have none."""
    without: dict[str, list[str]] = {}
    for variant in plugin.variants:
        if why := plugin.no_twin(variant):
            without.setdefault(why, []).append(variant)
    if sum(map(len, without.values())) == len(plugin.variants):
        return f"none: {'; '.join(without)}"
    place = (plugin.bring_near.__doc__ or "").strip().partition("\n")[0]
    return place + "".join(f" None for {', '.join(names)}: {why}." for why, names in without.items())


def first_line(plugin: type) -> str:
    """The first line of a plugin's docstring."""
    return (plugin.__doc__ or "").strip().partition("\n")[0]
