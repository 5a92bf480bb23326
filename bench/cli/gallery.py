"""`longlag gallery`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from longlag.bench.cli.terminal import console


def gallery(
    names: Annotated[list[str] | None, typer.Argument(help="Exhibits; none: all of them.")] = None,
    out: Annotated[Path, typer.Option("--out", help="Where the page and the figures go.")] = Path(
        "results", "local", "gallery"
    ),
    seed: Annotated[int, typer.Option("--seed", min=0, help="What is drawn at random comes from it.")] = 0,
) -> None:
    """Compute the pictures that explain why, as one page that opens offline, and as SVG, PNG and PDF."""
    from longlag.reports import gallery as rooms

    made = []
    for name in rooms.chosen(names or ()):
        console.print(f"{name} ...", soft_wrap=True)
        made.append(rooms.make(name, seed))
    console.print(f"gallery: {rooms.write(made, out)}", soft_wrap=True)
