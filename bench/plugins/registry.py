"""Finds plugins: in the folders `methods/` and `tasks/`, by entry point, and in files the user names.

A plugin is a class with a `name`: a Task, a Remedy or a Method. One that cannot be loaded, or is not whole,
is kept with its reason and never stops the others.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import TypeGuard

from longlag.bench.contract.errors import BadInput, nearest
from longlag.bench.contract.method import Method
from longlag.bench.contract.names import BASELINE, TWIN
from longlag.bench.contract.recipe import Remedy
from longlag.bench.contract.task import SHORTEST_TWIN, Lags, Task
from longlag.bench.plugins import vetting
from longlag.bench.plugins.cell import CellMethod, is_cell, method_of
from longlag.bench.plugins.combination import Combination
from longlag.bench.plugins.guard import patience, reason
from longlag.bench.plugins.vetting import Plugin

FOLDERS = ("longlag.methods", "longlag.tasks")
"""The packages of our plugins, and the groups of entry points of others'."""
LOADING = 60.0
"""Seconds a plugin's file may take to load."""
EMPTY = "holds no Task, Remedy or Method with a name"
"""What is broken about a file that loads, and has no plugin."""


@dataclass(frozen=True)
class Broken:
    """A plugin that could not be loaded: where it lies, and one line that says why."""

    where: str
    reason: str


@dataclass
class Registry:
    """The plugins found, by name."""

    tasks: dict[str, type[Task]] = field(default_factory=dict)
    methods: dict[str, type[Method] | type[Remedy]] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)
    cells: dict[str, type[CellMethod]] = field(default_factory=dict)
    """Methods that were not written as such: of every recurrent layer in a file that the user named."""

    def method(self, expression: str) -> Method:
        """The method named by `expression`, remedies joined by `+`; raises BadInput."""
        classes = [self._method_class(name) for name in expression.split("+")]
        if len(classes) == 1 and issubclass(classes[0], Method):
            return classes[0]()
        remedies: list[Remedy] = []
        for plugin in classes:
            if not issubclass(plugin, Remedy):
                raise BadInput(
                    f"method {expression!r}: {plugin.name!r} brings a model of its own and cannot be combined"
                )
            remedies.append(plugin())
        baseline = self._method_class(BASELINE)
        assert issubclass(baseline, Remedy)
        return Combination(remedies, baseline())

    def task(self, name: str, variant: str | None, lag: int) -> Task:
        """The task `name:variant` at `lag`, or the twin `name:variant_twin`; raises BadInput."""
        plugin = self.task_class(name)
        if variant is None or not (published := _twin_of(plugin, variant)):
            return plugin(lag, variant)
        return plugin(lag, published).twin()

    def task_class(self, name: str) -> type[Task]:
        """The task named `name`; raises BadInput."""
        if name not in self.tasks:
            raise BadInput(f"there is no task {name!r}: {self._hint(name, self.tasks)}")
        return self.tasks[name]

    def lags(self, name: str, variant: str) -> Lags:
        """The lags that `name:variant` can make, or the twin `name:variant_twin`."""
        plugin = self.task_class(name)
        published = _twin_of(plugin, variant)
        if not published:
            return plugin.lags(variant)
        lags = plugin.lags(published)
        return Lags(max(lags.shortest, SHORTEST_TWIN), lags.longest)

    def variant(self, expression: str) -> tuple[str, str]:
        """(task, variant) of `task`, `task:variant` or `task:variant_twin`; raises BadInput."""
        name, _, variant = expression.partition(":")
        plugin = self.task_class(name)
        if not variant:
            return name, next(iter(plugin.variants))
        if published := _twin_of(plugin, variant):
            if why := plugin.no_twin(published):
                raise BadInput(f"task {name}:{published} has no twin: {why}")
        elif variant not in plugin.variants:
            twins = [each + TWIN for each in plugin.variants if not plugin.no_twin(each)]
            hint = nearest(variant, [*plugin.variants, *(twins if variant.endswith(TWIN) else ())])
            raise BadInput(f"task {name!r} has no variant {variant!r}: {hint}")
        return name, variant

    @property
    def controls(self) -> list[str]:
        """The methods that certify tasks and are no remedies."""
        return sorted(name for name, plugin in self.methods.items() if getattr(plugin, "control", False))

    def plugins(self, method: str, task: str) -> list[type]:
        """The plugins of a case, the baseline among them where remedies change it; raises BadInput."""
        classes: list[type] = [self._method_class(name) for name in method.split("+")]
        if issubclass(classes[0], Remedy):
            classes.append(self._method_class(BASELINE))
        return [*classes, self.task_class(task)]

    def _method_class(self, name: str) -> type[Method] | type[Remedy]:
        if name in self.methods:
            return self.methods[name]
        if name not in self.cells:
            raise BadInput(f"there is no method {name!r}: {self._hint(name, {**self.methods, **self.cells})}")
        return self.cells[name]

    def _hint(self, name: str, known: dict[str, type]) -> str:
        """The end of an error line: the nearest name, and broken plugins, any of which may bring `name`."""
        broken = [b for b in self.broken if Path(b.where).stem == name or b.where.endswith(f".{name}")]
        told = [f"plugin {b.where} is broken: {b.reason}" for b in broken or self.broken]
        return "; ".join(told if broken else [nearest(name, known), *told])

    def _add(self, plugin: Plugin, where: str) -> None:
        if why := vetting.fault(plugin):
            self.broken.append(Broken(where, f"{getattr(plugin, '__name__', plugin)}: {why}"))
            return
        kind: dict[str, type] = self.tasks if issubclass(plugin, Task) else self.methods
        if plugin.name in kind:
            self.broken.append(Broken(where, f"{plugin.__name__}: the name {plugin.name!r} is taken"))
        else:
            kind[plugin.name] = plugin

    def _add_module(self, module: ModuleType, where: str) -> int:
        """Add a module's plugins, none of them where a part of theirs is unfinished; how many it holds."""
        found = [plugin for plugin in vars(module).values() if _is_plugin(plugin, module.__name__)]
        if why := vetting.unfinished(module):
            self.broken.append(Broken(where, why))
            return len(found) + 1
        for plugin in found:
            self._add(plugin, where)
        return len(found)


def _twin_of(plugin: type[Task], variant: str) -> str:
    """The variant that `variant` names the twin of; empty where it names none."""
    published = variant.removesuffix(TWIN)
    return published if published != variant and published in plugin.variants else ""


def _is_plugin(thing: object, module: str) -> TypeGuard[Plugin]:
    return (
        isinstance(thing, type)
        and issubclass(thing, (Task, Method, Remedy))
        and thing.__module__ == module
        and not vetting.is_base(thing)
        and hasattr(thing, "name")
    )


def _folder_modules() -> Iterator[str]:
    for folder in FOLDERS:
        package = importlib.import_module(folder)
        for module in pkgutil.iter_modules(package.__path__):
            if not module.ispkg:
                yield f"{folder}.{module.name}"


def load_file(path: Path) -> ModuleType:
    """The module a plugin file holds, imported under a name of its own."""
    digest = hashlib.blake2b(str(path.resolve()).encode(), digest_size=4).hexdigest()
    name = f"longlag_plugin_{path.stem}_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@cache
def discover(plugins: tuple[str, ...] = ()) -> Registry:
    """Every plugin of the folders, of the entry points and of the files `plugins`.

    Raises BadInput where a file the user named does not exist; what fails to load is in `.broken`.
    """
    registry = Registry()
    for name in _folder_modules():
        try:
            registry._add_module(importlib.import_module(name), name)
        except Exception as error:
            registry.broken.append(Broken(name, reason(error)))
    for group in FOLDERS:
        for point in entry_points(group=group):
            try:
                registry._add(point.load(), f"{group} {point.name}")
            except Exception as error:
                registry.broken.append(Broken(f"{group} {point.name}", reason(error)))
    for file in plugins:
        path = Path(file)
        if not path.is_file():
            raise BadInput(f"plugin {file}: no such file")
        try:
            with patience(LOADING):
                module = load_file(path)
            cells = [each for each in vars(module).values() if is_cell(each, module.__name__)]
            registry.cells |= {made.name: made for made in map(method_of, cells)}
            if registry._add_module(module, file) == 0 and not cells:
                registry.broken.append(Broken(file, EMPTY))
        except (Exception, SystemExit) as error:
            registry.broken.append(Broken(file, reason(error)))
    return registry
