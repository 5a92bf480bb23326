"""What is wrong with a plugin's class, told when it is registered and not in the middle of a campaign."""

from __future__ import annotations

from bench.contract import Method, Task
from bench.errors import nearest
from bench.recipe import PARTS, Remedy


def fault(plugin: type[Task] | type[Method] | type[Remedy]) -> str:
    """What is wrong with `plugin`, one line; empty where nothing is."""
    return _parts(plugin) if issubclass(plugin, Remedy) else ""


def _parts(plugin: type[Remedy]) -> str:
    """Whether what it and its companions change are parts of a recipe."""
    for changes in (plugin.changes, *(companion.changes for companion in plugin.companions)):
        for part in (changes,) if isinstance(changes, str) else changes:
            if part not in PARTS:
                return f"{part!r} is no part of a recipe: {nearest(part, PARTS)}"
    return ""
