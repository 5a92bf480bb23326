"""Blocks of steps against their definition, step by step."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from longlag import blocks


@given(
    length=st.integers(1, 60),
    horizon=st.none() | st.integers(1, 70),
    chosen=st.sets(st.integers(0, 59)),
)
def test_every_supervised_step_lies_in_the_one_block_that_the_definition_gives(
    length: int, horizon: int | None, chosen: set[int]
) -> None:
    supervised = np.array(sorted({step % length for step in chosen}), dtype=np.int64)
    found = blocks(supervised, length, horizon)
    size = length if horizon is None else horizon
    # Counted from the end: block 0 holds the last `size` steps, block 1 those before them, and so on.
    numbers = sorted({(length - 1 - int(step)) // size for step in supervised})
    assert [(block.begin, block.end) for block in found] == [
        (max(0, length - (number + 1) * size), length - number * size) for number in numbers
    ]
    for block in found:
        within = supervised[block.first : block.last]
        assert len(within) > 0
        assert all(block.begin <= step < block.end for step in within)
    assert sum(block.last - block.first for block in found) == len(supervised)
