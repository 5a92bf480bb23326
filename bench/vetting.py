"""What is wrong with a plugin's classes, told when it is registered and not in the middle of a campaign."""

from __future__ import annotations

import inspect
from abc import ABC
from collections.abc import Iterator
from types import ModuleType

from bench.contract import Method, SequenceModel, Task
from bench.errors import nearest
from bench.network import Recurrent
from bench.recipe import PARTS, BatchOptimizer, Change, Penalty, Remedy

Plugin = type[Task] | type[Method] | type[Remedy]

HELPERS = (Change, Penalty, Recurrent, BatchOptimizer, SequenceModel)
"""What plugins are made of."""


def fault(plugin: object) -> str:
    """What is wrong with `plugin`, one line; empty where nothing is."""
    if not (isinstance(plugin, type) and issubclass(plugin, (Task, Method, Remedy))):
        return "it is no class of a Task, a Method or a Remedy"
    return _lacks(plugin) or (_parts(plugin) if issubclass(plugin, Remedy) else "")


def unfinished(module: ModuleType) -> str:
    """The first class of a plugin's module that lacks a method, one line; empty where all are whole.

    Not one that others are made from: it has subclasses, or lists ABC among its bases.
    """
    for helper in _own(module):
        if not issubclass(helper, HELPERS) or issubclass(helper, Remedy) or is_base(helper):
            continue
        if why := _lacks(helper):
            return f"{helper.__name__}: {why}"
    return ""


def is_base(plugin: type) -> bool:
    """Whether a class is there for others to be made from it."""
    return inspect.isabstract(plugin) and (ABC in plugin.__bases__ or bool(plugin.__subclasses__()))


def _own(module: ModuleType) -> Iterator[type]:
    for thing in vars(module).values():
        if isinstance(thing, type) and thing.__module__ == module.__name__:
            yield thing


def _lacks(plugin: type) -> str:
    missing = sorted(getattr(plugin, "__abstractmethods__", ()))
    return f"it lacks {', '.join(missing)}" if missing else ""


def _parts(plugin: type[Remedy]) -> str:
    """Whether what it and its companions change are parts of a recipe."""
    for changes in (plugin.changes, *(companion.changes for companion in plugin.companions)):
        for part in (changes,) if isinstance(changes, str) else changes:
            if part not in PARTS:
                return f"{part!r} is no part of a recipe: {nearest(part, PARTS)}"
    return ""
