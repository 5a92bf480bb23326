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
        """Small, middling and large, the larger at smaller rates.

        What a step of torch's takes grows far less than its batch: one of fifty takes less than two of ten.
        """
        small, middling, large = UNITS
        common = {"threshold": 1.0, "batch_size": 50}
        return [
            {**common, "units": small, "learning_rate": 3e-2},
            {**common, "units": middling, "learning_rate": 1e-2},
            {**common, "units": large, "learning_rate": 3e-3},
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


_DEPENDS = (
    ((slice(None), 0), "the states of one sequence change with another's inputs: is time first?"),
    ((2, slice(None)), "states change with inputs that come after them: does it look ahead?"),
)
"""What must depend on nothing else: a sequence, and what comes before a step."""


class Unfit(ValueError):
    """Why a module cannot be trained as a cell, in one line."""


def weights(cell: nn.Module) -> int:
    """N: what it has of parameters, and of fixed matrices, which cost a step no less."""
    fixed = (buffer.numel() for buffer in cell.buffers() if buffer.ndim > 1)
    return sum(parameter.numel() for parameter in cell.parameters()) + sum(fixed)


def tried(cell: nn.Module, inputs: int) -> tuple[Tensor, list[Tensor]]:
    """The states [3, 2, H] of two sequences of three steps, and what it returns beside them to go on from.

    Raises Unfit where the states are not [T, B, H], where those of a sequence or a step depend on others' or
    on what is drawn, and where they come from weights that the module does not know as its parameters.
    """
    name = type(cell).__name__
    if not weights(cell):
        raise Unfit(f"{name} has neither parameters nor matrices as buffers, by which a step is charged")
    first = torch.linspace(-1, 1, 6 * inputs).view(3, 2, inputs)
    trained = cell.training
    try:
        # Without what is drawn, as by dropout, and what is shared, as by a normalisation over the batch.
        cell.eval()
        with torch.no_grad():
            made = cell(first)
            states = states_of(made)
            told = f"{name} made %s of [3, 2, {inputs}], not [T, B, H]: time comes first"
            if not isinstance(states, Tensor):
                raise Unfit(told % f"a {type(states).__name__}")
            if states.ndim != 3 or states.shape[:2] != (3, 2):
                raise Unfit(told % list(states.shape))
            if states.dtype != torch.get_default_dtype():
                raise Unfit(f"{name} made {states.dtype}, not {torch.get_default_dtype()}")
            if not torch.equal(states_of(cell(first)), states):
                raise Unfit(
                    f"{name} makes other states of the same inputs: draw in training alone, if at all"
                )
            for place, told in _DEPENDS:
                other = first.clone()
                other[place] += 1
                changed = (states_of(cell(other)) - states).abs()
                changed[place] = 0
                if changed.max() > 1e-5 * (1 + states.abs().max()):
                    raise Unfit(f"{name}: {told}")
        with torch.enable_grad():
            if unknown := _leaves(states_of(cell(first))) - {id(each) for each in cell.parameters()}:
                raise Unfit(
                    f"{name} computes with weights that are not among its parameters, {len(unknown)} of them:"
                    " no optimiser would train these; put them in a ParameterList or a ModuleList"
                )
    finally:
        cell.train(trained)
    left = made[1] if isinstance(made, tuple) and len(made) > 1 else ()
    parts = left if isinstance(left, (tuple, list)) else (left,)
    return states, [part for part in parts if isinstance(part, Tensor)]


def _leaves(states: Tensor) -> set[int]:
    """The ids of all tensors that a gradient of `states` would come to."""
    found: set[int] = set()
    known: set[Any] = set()
    ahead = [states.grad_fn]
    while ahead:
        step = ahead.pop()
        if step is None or step in known:
            continue
        known.add(step)
        if (leaf := getattr(step, "variable", None)) is not None:
            found.add(id(leaf))
        ahead += [before for before, _ in step.next_functions]
    return found


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
