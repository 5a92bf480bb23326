"""The code that a trial depends on, found by walking imports, and its hash, which its row keeps."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Iterable
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path

RUNS = "longlag.bench.workers.worker"
"""The module that runs a trial: what it imports, at any remove, is the engine's part."""


def code(plugins: Iterable[type]) -> list[Path]:
    """The files that can change a trial of `plugins`: what runs it, their modules, and all that these import.

    Followed are modules of this distribution and of a plugin's own top-level package. Versions of other
    packages are in the manifest.
    """
    modules = {RUNS, *(plugin.__module__ for plugin in plugins)}
    own = {module.partition(".")[0] for module in modules}
    files: dict[str, Path | None] = {}
    waiting = sorted(modules)
    while waiting:
        name = waiting.pop()
        if name not in files and name.partition(".")[0] in own:
            files[name] = path = _file(name)
            waiting += _imported(name, path) if path is not None else _exported(name)
    return sorted({path for path in files.values() if path is not None})


def code_hash(plugins: Iterable[type]) -> str:
    """Twelve hex digits over what `code` lists; raises OSError where a file is gone."""
    digest = hashlib.blake2b(digest_size=6)
    # Not in the order of their paths, which lie elsewhere on another machine.
    for name, text in sorted((path.name.encode(), path.read_bytes()) for path in code(plugins)):
        digest.update(name + b"\0" + text)
    return digest.hexdigest()


@cache
def _file(name: str) -> Path | None:
    """The Python file of a module; None where there is no such module, as of what a class is imported by."""
    try:
        spec = _spec(name)
    except (ImportError, AttributeError, ValueError):
        return None
    origin = None if spec is None else spec.origin
    return Path(origin) if origin is not None and origin.endswith(".py") else None


def _spec(name: str) -> ModuleSpec | None:
    """Where a module lies, without importing what it lies in: that may take seconds."""
    if name in sys.modules:
        return sys.modules[name].__spec__
    package = name.rpartition(".")[0]
    if not package:
        return importlib.util.find_spec(name)
    above = _spec(package)
    if above is None or above.submodule_search_locations is None:
        return None
    found = (finder.find_spec(name, above.submodule_search_locations) for finder in sys.meta_path)
    return next((spec for spec in found if spec is not None), None)


@cache
def _imported(name: str, path: Path) -> tuple[str, ...]:
    """What a module imports, wherever in it, and the package it lies in, whose code runs first."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = [name.rpartition(".")[0]]
    waiting: list[ast.AST] = [ast.parse(path.read_bytes())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            found += [base, *(f"{base}.{alias.name}" for alias in node.names)]
        elif not _for_types_alone(node):
            waiting += ast.iter_child_nodes(node)
    return tuple(found)


@cache
def _exported(name: str) -> tuple[str, ...]:
    """Where a package imports a name from on demand, by its imports under TYPE_CHECKING."""
    package, _, last = name.rpartition(".")
    path = _file(package) if package else None
    if path is None or path.name != "__init__.py":
        return ()
    return tuple(
        found
        for block in ast.parse(path.read_bytes()).body
        if _for_types_alone(block)
        for node in ast.walk(block)
        if isinstance(node, ast.ImportFrom) and node.module
        if {alias.name for alias in node.names} & {last, "*"}
        for found in (node.module, f"{node.module}.{last}")
    )


def _for_types_alone(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
