"""LongLag's public face: what a plugin is written with, and `load`, which reads a campaign's folder.

from longlag import Recipe, Remedy, Task, load

campaign = load("results/quick")
campaign.cases  # one row a case; also .trials, .curves, .probes, .manifest
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import extend_path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from longlag.bench.contract import (
        BadInput,
        Batch,
        BatchOptimizer,
        Change,
        Lags,
        MatchingLoss,
        Method,
        Network,
        Penalty,
        Recipe,
        Recurrent,
        Remedy,
        SequenceModel,
        SigmoidCrossEntropy,
        Sizes,
        SoftmaxCrossEntropy,
        Split,
        SquaredError,
        Task,
        data_folder,
    )
    from longlag.reports.campaign import load

__all__ = [
    "BadInput",
    "Batch",
    "BatchOptimizer",
    "Change",
    "Lags",
    "MatchingLoss",
    "Method",
    "Network",
    "Penalty",
    "Recipe",
    "Recurrent",
    "Remedy",
    "SequenceModel",
    "SigmoidCrossEntropy",
    "Sizes",
    "SoftmaxCrossEntropy",
    "Split",
    "SquaredError",
    "Task",
    "data_folder",
    "load",
]

# In a clone, where this folder is found first, the installed packages are still those of `longlag`.
__path__ = extend_path(__path__, __name__)

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """What is named, imported when it is first asked for: torch takes seconds."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = "longlag.reports.campaign" if name == "load" else "longlag.bench.contract"
        value = globals()[name] = getattr(import_module(home), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
