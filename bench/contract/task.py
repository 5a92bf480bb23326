"""What a task is: a generator of labelled sequences with a lag.

Shapes throughout: T steps, B sequences, D inputs, K outputs, S supervised steps (where a target
is given). Time comes first.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import torch
from torch import Tensor

from longlag.bench.contract.errors import BadInput, nearest
from longlag.bench.contract.losses import Loss, SquaredError
from longlag.bench.contract.names import TWIN

Split = Literal["train", "validation", "confirmation", "test"]

SHORTEST_TWIN = 20
"""The lags that twins are made of: at shorter ones the keys are near as it is."""


@dataclass(frozen=True)
class Batch:
    """Labelled sequences of one length.

    inputs [T, B, D] floats; mask [T] bools, true at the S supervised steps (the same for every
    sequence of the batch); targets [S, B, K] floats or [S, B] int64 classes, for those steps only.
    """

    inputs: Tensor
    targets: Tensor
    mask: Tensor

    @property
    def length(self) -> int:
        """T, the number of steps."""
        return self.inputs.shape[0]

    @property
    def size(self) -> int:
        """B, the number of sequences."""
        return self.inputs.shape[1]

    def narrow(self, count: int, start: int = 0) -> Batch:
        """`count` of its sequences, beginning with `start`."""
        chosen = slice(start, start + count)
        return Batch(self.inputs[:, chosen], self.targets[:, chosen], self.mask)

    def split(self, size: int) -> list[Batch]:
        """Its sequences in batches of `size`, each with memory of its own."""

        def parts(whole: Tensor) -> tuple[Tensor, ...]:
            apart: Tensor = whole.unflatten(1, (-1, size)).transpose(0, 1)
            return apart.contiguous().unbind()

        return [Batch(*both, self.mask) for both in zip(parts(self.inputs), parts(self.targets), strict=True)]

    def to(self, *args: Any, **kwargs: Any) -> Batch:
        """The same batch on another device (Lightning calls this)."""
        return Batch(*(part.to(*args, **kwargs) for part in (self.inputs, self.targets, self.mask)))


@dataclass(frozen=True)
class Lags:
    """The lags a task can make: `shortest` to `longest` (None: no end)."""

    shortest: int = 1
    longest: int | None = None

    def __contains__(self, lag: int) -> bool:
        return lag >= self.shortest and (self.longest is None or lag <= self.longest)

    def __str__(self) -> str:
        if self.longest is None:
            return f"lags of {self.shortest} and more"
        return (
            f"lag {self.shortest}"
            if self.shortest == self.longest
            else f"lags {self.shortest} to {self.longest}"
        )


@dataclass(frozen=True)
class Sizes:
    """All that a first guess may depend on: the lag, how many numbers go in and come out, how wide."""

    lag: int
    inputs: int
    outputs: int
    width: float = 1.0
    """The standard deviation of a squared error's targets in units of that of adding's mean, to the nearest
    power of two; 1 where the targets are classes."""


class Task(ABC):
    """A generator of labelled sequences with a lag, a loss, and a rule for "this sequence is wrong".

    A subclass sets the class attributes, in `__init__` (after `super().__init__`) the sizes, the
    loss and what the trivial predictor reaches, and writes `sample` and `wrong`.

    One that also writes `bring_near` has twins: the same task with its keys next to the answer, which is what
    is left when the lag is taken away. A net that fails at the task and not at its twin fails at the lag.
    """

    name: ClassVar[str]
    source: ClassVar[str]
    variants: ClassVar[Mapping[str, str]] = {"standard": ""}
    """Variant -> how it differs, one line; the first is the default."""
    facts: ClassVar[Mapping[str, str]] = {}
    """What the task is, one line each: inputs, targets, length, lag, loss, wrong, trivial."""

    one_length: ClassVar[Collection[str]] = ()
    """The variants whose sequences all have one length, the i-th the same whatever the sizes of the batches:
    of those several batches are drawn at once."""

    input_size: int
    output_size: int
    loss: Loss
    chance: float
    """Share of sequences the trivial predictor gets wrong."""
    chance_loss: float
    """The trivial predictor's loss."""
    of_a_length: ClassVar[int] = 50
    """Sequences of one length that a check asks at most, one after the other. Few where the length decides
    how hard a sequence is: a thousand sequences of twenty lengths say no more than twenty would."""
    solved_below: float = 0.01
    """The task is solved when a smaller share of fresh sequences is wrong."""
    minimal_lag: int
    """The steps a net must bridge at least: from an input that matters to the target it matters for."""
    is_twin: bool = False
    """Whether its keys are next to the answer; `variant` is that of the task it is the twin of."""

    def __init__(self, lag: int, variant: str | None = None) -> None:
        """A task at `lag`; raises BadInput for a variant or a lag it does not have."""
        self.variant = next(iter(self.variants)) if variant is None else variant
        if self.variant not in self.variants:
            raise BadInput(
                f"task {self.name!r} has no variant {self.variant!r}: {nearest(self.variant, self.variants)}"
            )
        allowed = self.lags(self.variant)
        if lag not in allowed:
            raise BadInput(f"task {self.name}:{self.variant} cannot make lag {lag}: it makes {allowed}")
        self.lag = lag

    @classmethod
    def lags(cls, variant: str) -> Lags:
        """The lags that `variant` can make."""
        return Lags()

    def bring_near(self) -> None:
        """Where a twin shows its keys: a subclass's first line of documentation says it.

        Called once on a task just made: changes what `sample` reads, so that the keys lie in the last few
        steps before the answer, and `minimal_lag`, to how far they are then; all else stays as it is.
        """

    @classmethod
    def no_twin(cls, variant: str) -> str:
        """Why `variant` has no twin, one line; empty where it has one."""
        return "no bring_near says where its keys would go" if cls.bring_near is Task.bring_near else ""

    def twin(self) -> Self:
        """The same task with its keys next to the answer; raises BadInput where there is none."""
        asked = f"task {self.name}:{self.variant}{TWIN}"
        if self.is_twin:
            raise BadInput(f"{asked} is a twin, and has none of its own")
        if why := self.no_twin(self.variant):
            raise BadInput(f"task {self.name}:{self.variant} has no twin: {why}")
        if self.lag < SHORTEST_TWIN:
            raise BadInput(f"{asked} cannot make lag {self.lag}: it makes {Lags(SHORTEST_TWIN)}")
        twin = type(self)(self.lag, self.variant)
        twin.is_twin = True
        twin.bring_near()
        return twin

    @property
    def sizes(self) -> Sizes:
        """What a method's recipes are told of the task."""
        # A task that does not say what chance reaches is as wide as adding's mean.
        variance = 24 * getattr(self, "chance_loss", 0.0) if isinstance(self.loss, SquaredError) else 1.0
        variance = variance if variance > 0 else 1.0
        return Sizes(self.lag, self.input_size, self.output_size, 2.0 ** round(math.log2(variance) / 2))

    @abstractmethod
    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        """A batch of fresh sequences, drawn from `generator` alone."""

    def draw(self, batch_size: int, generator: torch.Generator, split: Split) -> Batch:
        """A batch of one split; tasks made of finite data override this, the others have no splits."""
        return self.sample(batch_size, generator)

    def draws(
        self, count: int, batch_size: int, generator: torch.Generator, split: Split = "train"
    ) -> list[Batch]:
        """`count` batches of one split, the same as one after the other."""
        if self.variant in self.one_length:
            return self.draw(count * batch_size, generator, split).split(batch_size)
        return [self.draw(batch_size, generator, split) for _ in range(count)]

    @abstractmethod
    def wrong(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Which sequences are answered wrongly: bools [B], from the outputs [S, B, K]."""
