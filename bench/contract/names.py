"""Names that more than one room reads."""

from __future__ import annotations

import re

INTERFACE = 1
"""The version of what plugins are written with: raised where something is taken away or means another."""

TWIN = "_twin"
"""What is added to a variant's name to ask for its twin: `ms11_twin`."""

BASELINE = "vanilla"
"""The remedy whose companions fill the parts of a recipe that nobody else fills."""

_CELL = "_cell"


def name_of(cell: str) -> str:
    """A cell's class as a method's name, which no method has: MyCell is my_cell, GRU is gru_cell."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cell).lower()
    return name.removesuffix(_CELL) + _CELL
