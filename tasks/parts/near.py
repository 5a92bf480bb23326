"""Where twins show their keys: in the last steps before the answer."""

from __future__ import annotations

from longlag.tasks.parts.draws import Ints

NEAR = 6
"""Keys that can be told from the rest are drawn among the steps from 6 to 1 before the answer."""


def near_windows(keys: int) -> tuple[tuple[int, int], ...]:
    """The steps [start, stop) of each key, counted from the answer, side by side in the last NEAR."""
    width = NEAR // keys
    return tuple((-width * (keys - i), -width * (keys - i - 1)) for i in range(keys))


def from_answer(steps: Ints, length: int) -> Ints:
    """Steps of a sequence with its answer at the end, from steps counted from the answer."""
    return steps + (length - 1)
