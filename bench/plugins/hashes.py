"""The hash of the code that a trial depends on, by which its row tells whether that has changed since."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Iterable
from pathlib import Path

from longlag.bench.plugins.registry import FOLDERS

ENGINE = Path(__file__).parents[1]
ROOMS = ("contract", "trial")
COMBINATION = ENGINE / "plugins" / "combination.py"


def code(files: Iterable[Path]) -> list[Path]:
    """The engine's training code, the parts of plugins, and `files`."""
    shared = [Path(importlib.import_module(folder).__path__[0]) / "parts" for folder in FOLDERS]
    folders = (*(ENGINE / room for room in ROOMS), *shared)
    parts = [path for folder in folders for path in folder.rglob("*.py")]
    return sorted({*parts, COMBINATION, *files}, key=lambda p: (p.name, str(p)))


def code_hash(files: Iterable[Path]) -> str:
    """Twelve hex digits over what `code` lists."""
    digest = hashlib.blake2b(digest_size=6)
    for path in code(files):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
