"""Which kernels networks compute with: torch's, on any device, or those compiled for this processor.

Where a method has both, the compiled ones are taken for float32 and float64 on the CPU: at no shape that was
measured are they slower. The environment variable LONGLAG_KERNELS forces either, `torch` or `compiled`; both
train alike but for rounding, so that rows of one are not those of the other. Workers inherit it, and a
campaign's manifest tells it.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any, Literal, get_args

from longlag.bench.contract.errors import BadInput

KERNELS_VARIABLE = "LONGLAG_KERNELS"

Kernels = Literal["auto", "torch", "compiled"]
"""`compiled` refuses arrays that no compiled kernel can take, where `auto` leaves them to torch."""


@cache
def kernels_asked() -> Kernels:
    """What the environment asks for, `auto` where it asks for nothing; raises BadInput for another word."""
    asked = os.environ.get(KERNELS_VARIABLE) or "auto"
    for known in get_args(Kernels):
        if asked == known:
            return known  # type: ignore[no-any-return]
    raise BadInput(f"{KERNELS_VARIABLE}={asked}: choose from {', '.join(get_args(Kernels))}")


@cache
def register_bytes() -> int:
    """Of a vector register of this processor, as the compiled kernels use it."""
    import llvmlite.binding as llvm

    return 64 if llvm.get_host_cpu_features().get("avx512f") else 32


def told() -> dict[str, Any]:
    """What a manifest says of them; Numba's version is among the others."""
    return {"kernels": kernels_asked(), "register_bytes": register_bytes()}
