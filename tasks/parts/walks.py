"""Walking through finite data: every item once before any comes again."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np
import torch

from longlag.tasks.parts.draws import Floats, Ints, integers, uniforms


class Walks:
    """A random walk through `count` items for every generator, which goes on from one draw to the next.

    The order comes from the generator alone, one number an item, so that the same seed walks the same
    way however the draws are cut. An exhausted walk begins again, in another order: after any number of
    steps no item has come twice more than another. A new generator is a new walk; one that is seeded
    anew is not, and goes on where it was.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        # Walks end with their generators, and a replay, which makes its own, walks from the start.
        self._walks: WeakKeyDictionary[torch.Generator, _Walk] = WeakKeyDictionary()

    def __len__(self) -> int:
        """The walks there are: one a generator that has drawn, and is still in use."""
        return len(self._walks)

    def step(self, size: int, generator: torch.Generator) -> Ints:
        """The next `size` items of this generator's walk, as indices below `count`."""
        walk = self._walks.get(generator)
        if walk is None:
            walk = self._walks[generator] = _Walk(self.count)
        return walk.step(uniforms(size, 1, generator)[:, 0])


class _Walk:
    """Fisher and Yates's shuffle, done as far as it is asked for."""

    def __init__(self, count: int) -> None:
        self.order: Ints = np.arange(count)
        self.place = 0

    def step(self, uniform: Floats) -> Ints:
        count = len(self.order)
        places = (self.place + np.arange(len(uniform))) % count
        chosen: Ints = np.empty(len(uniform), dtype=np.int64)
        for i, (place, other) in enumerate(zip(places, integers(uniform, places, count), strict=True)):
            chosen[i] = self.order[other]
            self.order[other] = self.order[place]
            self.order[place] = chosen[i]
        self.place = (self.place + len(uniform)) % count
        return chosen
