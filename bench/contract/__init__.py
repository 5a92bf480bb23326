"""What a plugin author reads: tasks, methods, remedies, and the recipe that remedies change."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from longlag.bench.contract.data import data_folder
    from longlag.bench.contract.errors import BadInput
    from longlag.bench.contract.flat import FlatParameter
    from longlag.bench.contract.kernels import Kernels, kernels_asked, register_bytes
    from longlag.bench.contract.losses import (
        MatchingLoss,
        SigmoidCrossEntropy,
        SoftmaxCrossEntropy,
        SquaredError,
    )
    from longlag.bench.contract.method import Method
    from longlag.bench.contract.module import SequenceModel
    from longlag.bench.contract.network import Network, Pullback, Recurrent, by_autograd
    from longlag.bench.contract.recipe import BareOptimizer, BatchOptimizer, Change, Penalty, Recipe, Remedy
    from longlag.bench.contract.task import Batch, Lags, Sizes, Split, Task
    from longlag.bench.contract.truncation import Block, blocks

__all__ = [
    "BadInput",
    "BareOptimizer",
    "Batch",
    "BatchOptimizer",
    "Block",
    "Change",
    "FlatParameter",
    "Kernels",
    "Lags",
    "MatchingLoss",
    "Method",
    "Network",
    "Penalty",
    "Pullback",
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
    "blocks",
    "by_autograd",
    "data_folder",
    "kernels_asked",
    "register_bytes",
]

if not TYPE_CHECKING:
    # Those without torch first, Lightning's last.
    _FIRST = ("errors", "data", "kernels", "truncation", "losses", "task")
    _HOMES = (*_FIRST, "flat", "network", "recipe", "method", "module")

    def __getattr__(name: str) -> Any:
        """What is named, imported when it is first asked for: torch takes a second, Lightning two more."""
        if name in __all__:
            for home in _HOMES:
                there = vars(import_module(f"{__name__}.{home}"))
                if name in there:
                    return globals().setdefault(name, there[name])
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
