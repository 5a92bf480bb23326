"""A remedy is one change to the recipe: how recipes are made, changed and combined.

The vanilla recipe fills every part. A remedy claims the parts it changes; its companions fill parts
with the settings it was published with, but give way to another remedy that claims the part, which
is what makes `lstm+gradient_clipping` free; where two remedies bring companions for one part, the first named
has its way. Two remedies that claim one part cannot be combined, and whoever changes a part without claiming
it is told so.
"""

from __future__ import annotations

import dataclasses
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Literal

import optuna
import torch
from torch import Tensor, nn

from longlag.bench.contract.errors import BadInput, Untaken
from longlag.bench.contract.network import Network, Recurrent, refusal
from longlag.bench.contract.task import Batch, Sizes, Task

Part = Literal[
    "cell",
    "initialiser",
    "optimiser",
    "units",
    "batch_size",
    "penalty",
    "gradient",
    "state_noise",
    "horizon",
]
"""A field of the Recipe."""

CellFactory = Callable[[int, int], Recurrent]
"""(input_size, units) -> a recurrent layer."""

Initialiser = Callable[[Network, Task], None]
"""Sets the weights in place, drawing from torch's (seeded) global generator."""

GradientRule = Callable[[Sequence[nn.Parameter]], None]
"""Changes the `.grad` of the parameters in place, before the optimiser sees them.

One with an attribute `whole` that is true treats all numbers alike, and is given them as one parameter.
"""

OptimiserFactory = Callable[[Network, Task], torch.optim.Optimizer]
"""Makes the optimiser of the network's parameters."""


class Penalty(ABC):
    """A term added to the loss, known by its gradient."""

    def prepare(self, network: Network) -> None:
        """Ask the network for what the penalty needs, once, before training."""

    @abstractmethod
    def add_gradient(self, network: Network, batch: Batch) -> Tensor:
        """Called after the loss's backward pass: adds to `.grad`, returns the penalty's value (a scalar)."""


class BareOptimizer(torch.optim.Optimizer, ABC):
    """An optimiser whose step can be taken bare, without the hooks and marks that torch puts around `step`.

    Those take longer than the update of a small net, and the engine passes them by.
    """

    @abstractmethod
    def bare_step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """One update; `closure` leaves the gradient in `.grad` and returns the loss, which is returned."""

    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:  # type: ignore[override]
        """The same, with what torch puts around it."""
        return self.bare_step(closure)


class BatchOptimizer(torch.optim.Optimizer, ABC):
    """An optimiser that needs the batch itself (curvature products, line searches), not only a gradient."""

    untaken: ClassVar[str] = "it says nothing of them"
    """Why it takes no gradient made with state noise or a horizon; empty where it does, and charges
    `Network.cost` for one."""
    cost: float = 0.0
    """FLOPs of the last step."""

    @abstractmethod
    def load(self, batch: Batch) -> None:
        """The batch the next `step(closure)` works on; the closure leaves its gradient in `.grad`."""


@dataclass(frozen=True)
class Recipe:
    """How a network is made and trained; every field is a part a remedy may change.

    `optimiser` may return a BatchOptimizer or a BareOptimizer. `state_noise` is the standard deviation of
    Gaussian noise that is added, in training alone, to what goes into a unit's nonlinearity or a gate's, and
    drawn afresh for each of them, every sequence and step. `horizon` is how many steps an error goes back,
    all of them where it is None: sequences are cut into blocks of so many, counted from the end, and states
    go on from block to block, but no error back.
    """

    cell: CellFactory
    initialiser: Initialiser
    optimiser: OptimiserFactory
    units: int
    batch_size: int
    penalty: Penalty | None = None
    gradient: GradientRule | None = None
    state_noise: float = 0.0
    horizon: int | None = None

    def replace(self, **changes: Any) -> Recipe:
        """A copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    def network(self, task: Task) -> Network:
        """Its network for `task`, begun as the cell begins; raises Untaken where that is not trained so."""
        layer = self.cell(task.input_size, self.units)
        return Network(layer, task.output_size, self.state_noise, self.horizon)

    def optimise(self, network: Network, task: Task) -> torch.optim.Optimizer:
        """The optimiser of its network; raises Untaken where that takes no such gradient."""
        made = self.optimiser(network, task)
        if network.through_time and isinstance(made, BatchOptimizer) and made.untaken:
            raise Untaken(refusal(made, made.untaken))
        return made


PARTS = tuple(field.name for field in dataclasses.fields(Recipe))


class Undeclared(BadInput):
    """A change that changes more of the recipe than it declares."""


class Change(ABC):
    """One change to a recipe: which parts, the hyperparameters it tunes, and how it is applied.

    `apply` takes its hyperparameters as keyword-only arguments; their names are how a flat set of
    hyperparameters finds the change it belongs to.
    """

    changes: ClassVar[Part | tuple[Part, ...]] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts it changes."""
        return (self.changes,) if isinstance(self.changes, str) else self.changes

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of its hyperparameters."""
        return _keyword_only(type(self).apply)

    def warm_up(self) -> None:
        """Compile or load what the first training step would otherwise pay for; called off the clock."""

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """Its hyperparameters from Optuna's `trial`."""
        return {}

    def applied(self, recipe: Recipe, hyperparameters: Mapping[str, Any]) -> Recipe:
        """What `apply` makes of `recipe`; raises Undeclared where it changes more than it says it does."""
        made = self.apply(recipe, **hyperparameters)
        if not isinstance(made, Recipe):
            raise TypeError(f"{self.label}'s apply returned a {type(made).__name__}, not a Recipe")
        for part in PARTS:
            if part not in self.parts and getattr(made, part) is not getattr(recipe, part):
                raise Undeclared(f"{self.label} changes the {part}, which is not among its `changes`")
        return made

    @property
    def label(self) -> str:
        """How a person is told of it."""
        return type(self).__name__

    @abstractmethod
    def apply(self, recipe: Recipe, *args: Any, **hyperparameters: Any) -> Recipe:
        """The changed recipe; subclasses take the recipe alone, and add keyword-only hyperparameters."""


@cache
def _keyword_only(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names of its keyword-only arguments, which take a while to find, and every trial asks for them."""
    arguments = inspect.signature(function).parameters.values()
    return tuple(a.name for a in arguments if a.kind is a.KEYWORD_ONLY)


class Remedy(Change):
    """A published remedy against vanishing or exploding gradients, written as one change to the recipe."""

    name: ClassVar[str]
    source: ClassVar[str] = ""
    companions: ClassVar[tuple[Change, ...]] = ()
    """What it was published with: changes of other parts, each given up to a remedy that claims the part."""

    @property
    def label(self) -> str:
        """Its name, quoted."""
        return repr(self.name)

    def recipes(self, sizes: Sizes) -> Sequence[Mapping[str, Any]]:
        """What the first tuning trials try, for its own and its companions' hyperparameters; see Method."""
        return ()

    def supports(self, task: Task) -> str | None:
        """None where the remedy works on `task`, else one line that says why not."""
        return None


def _missing(*_: Any) -> Any:
    raise NotImplementedError("the vanilla recipe must fill every part")


EMPTY = Recipe(cell=_missing, initialiser=_missing, optimiser=_missing, units=0, batch_size=0)
"""A recipe whose every part is still to be filled."""
