"""The gallery: pictures that explain why long lags are hard, one file an exhibit, all really computed."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

from longlag.bench.contract.errors import BadInput, nearest
from longlag.bench.store.files import replace_file
from longlag.reports.gallery.exhibit import Exhibit

ORDER = ("timer", "unrolling", "cliff", "cell", "strip", "handwriting", "compression", "play")
"""The exhibits, in the order in which they tell the story."""
READERS = ("handwriting",)
"""Those that read data of the user's where there are some."""
PAGE = "gallery.html"


def chosen(names: Iterable[str]) -> tuple[str, ...]:
    """Those named, in the story's order; all where none is; raises BadInput for one that there is not."""
    asked = list(names)
    for name in asked:
        if name not in ORDER:
            raise BadInput(f"there is no exhibit {name!r}: {nearest(name, ORDER)}")
    return tuple(name for name in ORDER if not asked or name in asked)


def make(name: str, seed: int = 0, data: Path | None = None) -> Exhibit:
    """One exhibit, computed; `data` is a folder for those of READERS. Raises BadInput where it is not one."""
    compute = import_module(f"longlag.reports.gallery.{name}").exhibit
    made: Exhibit = compute(seed) if data is None or name not in READERS else compute(seed, data)
    return made


def write(exhibits: Iterable[Exhibit], folder: Path) -> Path:
    """The page and each figure as SVG, PNG and PDF, into `folder`; the page's path."""
    from longlag.reports.gallery.page import as_html, figures

    made = list(exhibits)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{folder}: {error.strerror}") from None
    for each in made:
        for ending, content in figures(each).items():
            replace_file(folder / f"{each.name}.{ending}", content)
    # One exhibit beside a whole gallery leaves the gallery as it is.
    names = [each.name for each in made]
    page = folder / (PAGE if set(names) == set(ORDER) else f"{'-'.join(names)}.html")
    replace_file(page, as_html(made).encode())
    return page
