"""LongLag's public face: what a plugin is written with, `check`, and `load`, which reads a campaign's folder.

from longlag import Recipe, Remedy, Task, load

campaign = load("results/quick")
campaign.cases  # one row a case; also .trials, .curves, .probes, .extrapolation, .manifest
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import extend_path
from typing import TYPE_CHECKING, Any

# In a clone, where this folder is found first, the installed packages are still those of `longlag`.
__path__ = extend_path(__path__, __name__)

from longlag.bench import contract

if TYPE_CHECKING:
    from longlag.bench.checking import check
    from longlag.bench.contract import *  # noqa: F403 - what it lists as public, as this module does
    from longlag.reports.campaign import load

__all__ = [*contract.__all__, "check", "load"]
_HOMES = {"check": "longlag.bench.checking", "load": "longlag.reports.campaign"}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """What is named, imported when it is first asked for: torch takes seconds."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = import_module(_HOMES[name]) if name in _HOMES else contract
        return globals().setdefault(name, getattr(home, name))

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
