"""Files in the IDX format of the MNIST data: read, and checked.

Two zero bytes, a type (8: unsigned bytes), the number of dimensions, each dimension as a big-endian 32-bit
integer, then the bytes.
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from longlag.bench.contract import BadInput

UNSIGNED_BYTE = 8


def find(folder: Path, stem: str, dimensions: int) -> Path:
    """`stem`-idxN-ubyte in `folder`, with or without .gz; raises BadInput where there is none."""
    name = f"{stem}-idx{dimensions}-ubyte"
    for candidate in (name, f"{name}.gz", name.replace("-idx", ".idx"), f"{name.replace('-idx', '.idx')}.gz"):
        if (folder / candidate).is_file():
            return folder / candidate
    raise BadInput(f"{folder / name}: no such file, nor {name}.gz")


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """The array in an IDX file of unsigned bytes; raises BadInput that says what is wrong with the file."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{path}: cannot be read: {error}") from None
    header = 4 + 4 * dimensions
    magic = UNSIGNED_BYTE << 8 | dimensions
    if len(data) >= 4 and int.from_bytes(data[:4]) != magic:
        raise BadInput(
            f"{path}: wrong magic number {data[:4].hex()}, an IDX file of this kind has {magic:08x}"
        )
    if len(data) < header:
        raise BadInput(f"{path}: truncated: {len(data)} bytes, its header alone has {header}")
    shape = tuple(int.from_bytes(data[4 + 4 * i : 8 + 4 * i]) for i in range(dimensions))
    promised = math.prod(shape)
    held = len(data) - header
    if held < promised:
        raise BadInput(f"{path}: truncated: {held} of the {promised} bytes that its header promises")
    if held > promised:
        raise BadInput(f"{path}: sizes disagree: {held} bytes where its header promises {promised}")
    return np.frombuffer(data, dtype=np.uint8, offset=header).reshape(shape)
