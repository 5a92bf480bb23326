"""What the compiled loops share: how Numba compiles them, and the functions of their units.

tanh and the logistic function are formulas that the compiler turns into vector instructions, good to 3 units
in the last place. Infinities and NaNs pass through: of the liberties of fast arithmetic, only fused
multiply-add and the sign of zero are taken. In a sum of two products the compiler may fuse either, and does
not choose alike wherever it compiles a function: `fused` says which.

Compiled kernels are cached in NUMBA_CACHE_DIR if it is set, else beside their files, else in the user's
cache: the first of these that can be written. Numba notices a change in the file of a kernel, but not in one
that it imports: hence `kernel`, whose folder has the name of what is here and in `products`. Nor does it
notice that another process gives a file the same name, for another kind of float: hence `alone`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numba import config, njit
from numba.extending import intrinsic, overload

Array = np.ndarray[Any, np.dtype[Any]]


def _nothing() -> None:
    pass


def _cachable() -> bool:
    """Whether Numba can write to one of its folders; where not, it refuses kernels that ask for a cache."""
    try:
        njit(cache=True)(_nothing)
    except RuntimeError:
        return False
    return True


# error_model: Python's check for a division by zero would keep the loops from being vectorised
COMPILE: dict[str, Any] = {
    "cache": _cachable(),
    "nogil": True,
    "fastmath": {"contract", "nsz"},
    "error_model": "numpy",
}
INNER: dict[str, Any] = {**COMPILE, "cache": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""For what is called from kernels alone: it is cached as a part of them."""
_IMPORTED = sha256(
    b"".join(Path(__file__).with_name(name).read_bytes() for name in ("compiled.py", "products.py"))
).hexdigest()[:12]


def kernel(function: Callable[..., Any]) -> Any:
    """`function`, compiled when it is first called with a kind of arrays, and cached.

    What it calls must be of its own file, or of this one and `products`: a change elsewhere is not noticed.
    """
    compiled = njit(**COMPILE)(function)
    if not COMPILE["cache"]:
        return compiled
    options: Any = config  # whose options Numba makes when it is imported
    chosen, options.CACHE_DIR = options.CACHE_DIR, str(Path(compiled.stats.cache_path, _IMPORTED))
    try:
        return njit(**COMPILE)(function)
    finally:
        options.CACHE_DIR = chosen


def named(*parts: object, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compiles a function that is made several times, each by a name of its own, of `parts`.

    Numba tells functions of one name apart by how many its process had made before, and this number goes into
    the cache: two kernels, cached by processes that imported in different orders, would bring different
    functions under one name, and where both are loaded one is called for the other.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        function.__qualname__ = "_".join([function.__name__, *map(str, parts)])
        return njit(**INNER, **options)(function)

    return compiled


@intrinsic
def _fused(typing, a, b, c):  # type: ignore[no-untyped-def]  # noqa: ARG001
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.fma(*arguments)

    return a(a, a, a), generate


# whose type would be that of the function above
fused: Any = _fused
"""fused(a, b, c) is a b + c of three floats of a kind, rounded once, in compiled code."""


def _formulas(
    kind: Any,
    degree: int,
    saturated: float,
    least: float,
    logarithm: tuple[float, float],
    bits: Any,
    bias: int,
    shift: int,
) -> tuple[Any, Any]:
    """Compiled tanh and logistic function of a `kind` float, from e^x = 2^n e^r, |r| <= ln(2) / 2.

    e^r - 1 is its Taylor series up to r^degree. With x = 2u, tanh(u) = (e^x - 1) / (e^x + 1), and
    e^x - 1 = 2^n (e^r - 1) + (2^n - 1) loses no digits near zero; the logistic function is e^x / (e^x + 1).
    Beyond `saturated` both round to 1; below `least` 2^n would leave the normal numbers. `logarithm` is ln 2
    in two parts, the first of few enough bits for its product with n to be exact.
    """
    one, two = kind(1), kind(2)
    top, bottom, lowest = kind(saturated), kind(-saturated), kind(least)
    per_halving, upper, lower = kind(1 / math.log(2)), kind(logarithm[0]), kind(logarithm[1])
    terms = tuple(kind(1 / math.factorial(k)) for k in range(degree, 0, -1))
    offset, width = bits(bias), bits(shift)

    @named(degree, forceinline=True)
    def parts(x: Any) -> Any:
        """2^n and 2^n (e^r - 1)."""
        n = np.rint(x * per_halving)
        r = (x - n * upper) - n * lower
        series = terms[0]
        for term in terms[1:]:
            series = series * r + term
        power = bits((bits(n) + offset) << width).view(kind)
        return power, power * (series * r)

    # below, comparisons that are false for NaN, so that NaN stays

    @named(degree, forceinline=True)
    def hyperbolic(u: Any) -> Any:
        x = u + u
        x = top if x > top else x
        x = bottom if x < bottom else x
        power, rest = parts(x)
        e = rest + (power - one)
        return e / (e + two)

    @named(degree, forceinline=True)
    def logistic(x: Any) -> Any:
        x = top if x > top else x
        x = lowest if x < lowest else x
        power, rest = parts(x)
        e = rest + power
        return e / (e + one)

    return hyperbolic, logistic


_SINGLE = _formulas(np.float32, 7, 18.04, -87.0, (0.693359375, -2.12194440e-4), np.int32, 127, 23)
_DOUBLE = _formulas(
    np.float64, 13, 38.2, -708.0, (6.93147180369123816490e-01, 1.90821492927058770002e-10), np.int64, 1023, 52
)


def tanh_of(u: Any) -> Any:
    """tanh of a number, in compiled code."""
    raise NotImplementedError("compiled code only")


def logistic_of(x: Any) -> Any:
    """1 / (1 + e^-x) of a number, in compiled code."""
    raise NotImplementedError("compiled code only")


@overload(tanh_of)
def _choose_tanh(u):  # type: ignore[no-untyped-def]  # numba compares this signature with the lambdas'
    function = (_SINGLE if u.bitwidth == 32 else _DOUBLE)[0]
    return lambda u: function(u)


@overload(logistic_of)
def _choose_logistic(x):  # type: ignore[no-untyped-def]
    function = (_SINGLE if x.bitwidth == 32 else _DOUBLE)[1]
    return lambda x: function(x)


@kernel
def tanh(values: Array) -> None:
    """Replace `values`, flat, by their tanh."""
    for i in range(values.shape[0]):
        values[i] = tanh_of(values[i])


@kernel
def logistic(values: Array) -> None:
    """Replace `values`, flat, by their logistic function."""
    for i in range(values.shape[0]):
        values[i] = logistic_of(values[i])


@kernel
def add_to(values: Array, more: Array) -> None:
    """Add `more` to `values`, both flat."""
    for i in range(values.shape[0]):
        values[i] += more[i]


def alone() -> AbstractContextManager[Any]:
    """While it is held, no other process compiles.

    Two that compile a kernel for different kinds of float would write to one file, and a later process would
    take one kind's code for the other's.
    """
    folder = tanh.stats.cache_path
    return FileLock(Path(folder, "compiling.lock")) if COMPILE["cache"] and folder else nullcontext()


def ready(module: Any, kind: Any) -> Any:
    """`module`, all its kernels compiled for arrays of dtype `kind`, or loaded from Numba's cache."""
    with alone():
        module.warm_up(kind.type)
    return module
