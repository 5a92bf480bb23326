"""One plugin, by its name or its file: which promises of the contract it keeps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from longlag.bench.checking import methods, tasks
from longlag.bench.checking.promises import Verdict
from longlag.bench.checking.tried import Tried
from longlag.bench.contract.errors import BadInput, nearest
from longlag.bench.contract.names import name_of
from longlag.bench.plugins.registry import Registry, discover

__all__ = ["Verdict", "check", "tried"]


def check(plugin: str | Path) -> list[str]:
    """The broken promises of the plugin of this name, or of all in this file, a line each.

    Raises BadInput where there is no such plugin, or its file cannot be loaded.
    """
    return [
        f"{name}: {verdict.promise}: {verdict.told}" for name, verdict in tried(plugin) if not verdict.kept
    ]


def tried(plugin: str | Path) -> Iterator[tuple[str, Verdict]]:
    """Every promise of the plugin, tried one after the other: the plugin's name, and what it came to.

    Raises BadInput as `check` does, before anything is tried.
    """
    registry, names = _named(plugin)
    methods_of = {
        name: Tried(registry.method(name), registry) for name in names if name not in registry.tasks
    }
    return _tried(registry, names, methods_of)


def _tried(
    registry: Registry, names: list[str], methods_of: dict[str, Tried]
) -> Iterator[tuple[str, Verdict]]:
    for name in names:
        if name in registry.tasks:
            task = tasks.Tried(registry.tasks[name], registry)
            for promise in tasks.PROMISES:
                yield name, tasks.PROMISES.tried(promise, task)
        else:
            method = methods_of[name]
            method.method.warm_up()
            for promise in methods.PROMISES:
                yield name, methods.PROMISES.tried(promise, method)


def _named(plugin: str | Path) -> tuple[Registry, list[str]]:
    """All plugins, and the names of those asked for."""
    text = str(plugin)
    file, _, cell = text.rpartition(":")
    if file.endswith(".py"):
        cells = _named(file)[0].cells
        if name_of(cell) not in cells:
            known = [each.cell.__name__ for each in cells.values()]
            wanted = f"no recurrent layer {cell}(inputs, units), made of two sizes"
            raise BadInput(f"{text}: {wanted}, there: {nearest(cell, known)}")
        return discover((str(Path(file).resolve()),)), [name_of(cell)]
    if text.endswith(".py"):
        registry = discover((str(Path(text).resolve()),))
        file = str(Path(text).resolve())
        for broken in registry.broken:
            if broken.where == file:
                raise BadInput(f"{text}: {broken.reason}")
        before = discover()
        own = [name for name in (*registry.methods, *registry.tasks)
               if name not in before.methods and name not in before.tasks]  # fmt: skip
        # A file of nothing but recurrent layers: these are its methods.
        return registry, own or list(registry.cells)
    registry = discover()
    known = [*registry.methods, *registry.tasks]
    for name in text.split("+"):
        if name not in known:
            raise BadInput(f"there is no method, task or file {name!r}: {nearest(name, known)}")
    return registry, [text]
