"""A method out of any recurrent layer: readout, optimiser and sizes are supplied, and tuned.

A cell is a torch module made of two sizes, `Cell(inputs, units)`, that takes inputs [T, B, D] to states
[T, B, H], or to a tuple that begins with them, as torch's own layers do.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, ClassVar

import optuna
import torch
from torch import Tensor, nn

from longlag.bench.contract.method import Method
from longlag.bench.contract.names import name_of
from longlag.bench.contract.task import Sizes, Task

UNITS = (16, 32, 64)
"""Of its recipes."""


class CellMethod(Method):
    """A recurrent layer of the user's under a linear readout, trained by Adam on clipped gradients."""

    cell: ClassVar[type[nn.Module]]

    def recipes(self, sizes: Sizes) -> Sequence[dict[str, Any]]:
        """Small, middling and large, with the rates that Adam is mostly used with."""
        small, middling, large = UNITS
        return [
            {"units": small, "learning_rate": 1e-2, "threshold": 1.0, "batch_size": 10},
            {"units": middling, "learning_rate": 3e-3, "threshold": 1.0, "batch_size": 20},
            {"units": large, "learning_rate": 1e-3, "threshold": 1.0, "batch_size": 20},
        ]

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """Its size, Adam's rate, where the gradient's norm is cut, and the sequences of a batch."""
        return {
            "units": trial.suggest_int("units", 4, 128, log=True),
            "learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True),
            "threshold": trial.suggest_float("threshold", 1e-2, 1e2, log=True),
            "batch_size": trial.suggest_categorical("batch_size", (10, 20, 50, 100)),
        }

    def build(self, task: Task, **hyperparameters: Any) -> Any:
        """The cell with its readout; raises ValueError where what it gives is not [T, B, H]."""
        # With Lightning, which takes seconds to import; nothing but training needs it.
        from longlag.bench.plugins.cell_model import CellModel

        units = hyperparameters.pop("units")
        return CellModel(task, self.cell(task.input_size, units), **hyperparameters)


def tried(cell: nn.Module, inputs: int) -> tuple[Tensor, list[Tensor]]:
    """The states [3, 2, H] of two sequences of three steps, and what it returns beside them to go on from.

    Raises ValueError where the states are not [T, B, H].
    """
    with torch.no_grad():
        made = cell(torch.zeros(3, 2, inputs))
    states = states_of(made)
    told = f"{type(cell).__name__} made %s of [3, 2, {inputs}], not [T, B, H]: time comes first"
    if not isinstance(states, Tensor):
        raise ValueError(told % f"a {type(states).__name__}")
    if states.ndim != 3 or states.shape[:2] != (3, 2):
        raise ValueError(told % list(states.shape))
    if states.dtype != torch.get_default_dtype():
        raise ValueError(f"{type(cell).__name__} made {states.dtype}, not {torch.get_default_dtype()}")
    left = made[1] if isinstance(made, tuple) and len(made) > 1 else ()
    parts = left if isinstance(left, (tuple, list)) else (left,)
    return states, [part for part in parts if isinstance(part, Tensor)]


def states_of(made: Any) -> Tensor:
    """The states [T, B, H] of what a cell returned."""
    states: Tensor = made[0] if isinstance(made, tuple) else made
    return states


def is_cell(thing: object, module: str) -> bool:
    """Whether a class of `module` can be a cell: a torch module, no model, made of two sizes."""
    if not (isinstance(thing, type) and issubclass(thing, nn.Module) and thing.__module__ == module):
        return False
    if inspect.isabstract(thing) or any("lightning" in base.__module__ for base in thing.__mro__):
        return False
    try:
        inspect.signature(thing).bind(1, 1)
    except (TypeError, ValueError):
        return False
    return True


def method_of(cell: type[nn.Module]) -> type[CellMethod]:
    """The method of a cell: MyCell is called my_cell."""
    described = {
        "__module__": cell.__module__,
        "__doc__": f"{cell.__name__} of the user's, under a linear readout, trained by Adam.",
        "name": name_of(cell.__name__),
        "source": "",
        "cell": cell,
    }
    return type(f"{cell.__name__}Method", (CellMethod,), described)
