"""What is wrong with a plugin's classes, told when it is registered and not in the middle of a campaign."""

from __future__ import annotations

import inspect
import re
import reprlib
from abc import ABC
from collections.abc import Iterator, Mapping
from types import ModuleType

from torch import nn

from longlag.bench.contract.errors import nearest
from longlag.bench.contract.method import Method
from longlag.bench.contract.names import TWIN
from longlag.bench.contract.recipe import PARTS, BatchOptimizer, Change, Penalty, Remedy
from longlag.bench.contract.task import Task

Plugin = type[Task] | type[Method] | type[Remedy]

_NAME = re.compile(r"[a-z0-9_]+")

HELPERS = (Change, Penalty, BatchOptimizer, nn.Module)
"""What plugins are made of; layers and models are torch's modules."""


def fault(plugin: object) -> str:
    """What is wrong with `plugin`, one line; empty where nothing is."""
    if not (isinstance(plugin, type) and issubclass(plugin, (Task, Method, Remedy))):
        return "it is no class of a Task, a Method or a Remedy"
    why = _lacks(plugin) or _texts(plugin)
    if not why and issubclass(plugin, Task):
        why = _definitions(plugin)
    return why or (_parts(plugin) if issubclass(plugin, Remedy) else "") or _names(plugin)


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


def _texts(plugin: Plugin) -> str:
    for key in ("name", "source"):
        if not isinstance(text := getattr(plugin, key, None), str):
            return f"its {key} is {reprlib.repr(text)}, not a text"
    return ""


def _definitions(plugin: type[Task]) -> str:
    for key in ("variants", "facts"):
        texts: object = getattr(plugin, key)
        if not isinstance(texts, Mapping):
            return f"its {key} are {reprlib.repr(texts)}, not a dictionary"
        wrong = [part for item in texts.items() for part in item if not isinstance(part, str)]
        if wrong:
            return f"its {key} hold {reprlib.repr(wrong[0])}, not texts alone"
    for name in plugin.variants:
        if name.endswith(TWIN):
            return f"the variant {name!r} ends in {TWIN}, which names twins"
    return "" if plugin.variants else "it has no variants"


def _names(plugin: Plugin) -> str:
    for name in (plugin.name, *(plugin.variants if issubclass(plugin, Task) else ())):
        if not _NAME.fullmatch(name):
            return f"the name {name!r} is not [a-z0-9_]+"
    return ""


def _parts(plugin: type[Remedy]) -> str:
    """Whether what it and its companions change are parts of a recipe."""
    companions: object = plugin.companions
    if not isinstance(companions, tuple) or not all(isinstance(each, Change) for each in companions):
        return "its companions are no tuple of changes"
    for changes in (plugin.changes, *(companion.changes for companion in plugin.companions)):
        parts: object = (changes,) if isinstance(changes, str) else changes
        if not isinstance(parts, tuple):
            return f"its changes are {reprlib.repr(parts)}, not the names of parts"
        for part in parts:
            if part not in PARTS:
                return f"{part!r} is no part of a recipe: {nearest(str(part), PARTS)}"
    return ""
