"""`longlag compress` and `longlag decompress`."""

from __future__ import annotations

import bz2
import gzip
import lzma
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from longlag.bench.cli.terminal import console
from longlag.bench.contract.errors import BadInput

ENDING = ".llag"
OTHERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip -9": lambda data: gzip.compress(data, 9),
    "bzip2 -9": lambda data: bz2.compress(data, 9),
    "xz": lambda data: lzma.compress(data),
}

FileArgument = Annotated[Path, typer.Argument(help="The file.")]
OutOption = Annotated[Path | None, typer.Option("--out", help="Where the result goes.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Write over what is there.")]


def compress(
    file: FileArgument,
    out: OutOption = None,
    force: ForceOption = False,
    compare: Annotated[bool, typer.Option("--compare", help="Tell what others make of it, too.")] = False,
) -> None:
    """Compress a file by an LSTM that learns it as it reads; minutes a megabyte, of use from there on."""
    from longlag.reports.gallery import compressor

    target = out or Path(f"{file}{ENDING}")
    data = _read(file, target, force)
    began = time.perf_counter()
    packed = _with_progress(compressor.compress, data, len(data))
    _write(target, packed)
    _tell(f"{target}", len(packed), len(data), f" in {time.perf_counter() - began:.0f} s")
    if compare:
        for name, other in OTHERS.items():
            _tell(name, len(other(data)), len(data))


def decompress(file: FileArgument, out: OutOption = None, force: ForceOption = False) -> None:
    """Bring back what was compressed, on the same kind of machine and versions; it is checked."""
    from longlag.reports.gallery import compressor

    if not file.exists():
        raise BadInput(f"{file}: no such file")
    if out is None and file.suffix != ENDING:
        raise BadInput(f"{file}: its name does not end in {ENDING}: say --out")
    target = out or file.with_suffix("")
    packed = _read(file, target, force)
    try:
        data = _with_progress(compressor.decompress, packed, None)
    except BadInput as error:
        raise BadInput(f"{file}: {error}") from None
    _write(target, data)
    console.print(f"{target}: {len(data)} bytes", soft_wrap=True)


def _read(file: Path, target: Path, force: bool) -> bytes:
    """What is in `file`, if `target` may be written."""
    if target.is_dir():
        raise BadInput(f"{target}: a folder; --out names a file")
    if not target.parent.is_dir():
        raise BadInput(f"{target.parent}: there is no such folder")
    if target.exists() and not force:
        raise BadInput(f"{target} is there already: --force writes over it")
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}") from None


def _write(target: Path, content: bytes) -> None:
    from longlag.bench.store.files import replace_file

    try:
        replace_file(target, content)
    except OSError as error:
        raise BadInput(f"{target}: {error.strerror}") from None


def _with_progress(work: Callable[..., bytes], given: bytes, total: int | None) -> bytes:
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("bytes", total=total)
        return work(given, lambda done: bar.update(task, completed=done))


def _tell(name: str, size: int, of: int, after: str = "") -> None:
    rate = f", {8 * size / of:.3f} bits a byte" if of else ""
    console.print(f"{name}: {size} of {of} bytes{rate}{after}", soft_wrap=True)
