"""Small matrix products for compiled loops, a register of columns at a time, by fused multiply-adds.

A recurrent step multiplies matrices so small that a BLAS spends much of its time getting ready. Here a tile
of up to eight rows by one vector register of columns stays in registers while one loop runs over the inner
index; nothing is copied first. Every entry of a result is the same chain of multiply-adds in the order of
the inner index, whatever the number of rows, wherever the arrays lie, and however wide the registers are.

A matrix lies in a flat array, row by row. A product is a source (a, row, step, depth, b): the sum over
k < depth of a[r * row + k * step] b[k * across + c], for entry (r, c) of a result with `across` columns.
`plain` and `turned` make sources. a and b are addresses: arrays, which are counted wherever they go, would
take longer to pass than to multiply. Whoever makes a source keeps its arrays, and nothing checks that it lies
in them.

The tiles are written as LLVM vector code: Numba's own loops would keep the sums in memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from longlag.bench.contract import register_bytes
from longlag.methods.parts.compiled import INNER, named

REGISTER = register_bytes()
"""Bytes of a vector register."""
BLOCK = 256
"""Sums over all steps and sequences are taken in blocks of this many terms: that loses fewer digits."""
# numbers that Numba does not take for literals, whose products it would compile once more
NONE, ONE = np.intp(0), np.intp(1)

_INDEX, _LANE = ir.IntType(64), ir.IntType(32)


def _index(value: int) -> Any:
    return ir.Constant(_INDEX, value)


class _Vectors:
    """LLVM code for vectors of `lanes` numbers, of which all or (not `whole`) the first `width` exist."""

    def __init__(self, builder: Any, number: Any, bits: int, lanes: int, whole: bool, width: Any) -> None:
        self.builder, self.lanes, self.align = builder, lanes, bits // 8
        self.kind = ir.VectorType(number, lanes)
        self.zeros = ir.Constant(self.kind, None)
        self.masked = None if whole else f"v{lanes}f{bits}.p0"
        counted = ir.Constant(ir.VectorType(_LANE, lanes), list(range(lanes)))
        self.mask = builder.icmp_signed("<", counted, self.spread(builder.trunc(width, _LANE)))

    def spread(self, value: Any) -> Any:
        """`value` in every lane."""
        empty = ir.Constant(ir.VectorType(value.type, self.lanes), ir.Undefined)
        one = self.builder.insert_element(empty, value, ir.Constant(_LANE, 0))
        return self.builder.shuffle_vector(one, empty, ir.Constant(ir.VectorType(_LANE, self.lanes), None))

    def load(self, data: Any, offset: Any) -> Any:
        """The vector at data[offset], zero where it does not exist."""
        place = self._place(data, offset)
        if self.masked is None:
            return self.builder.load(place, align=self.align)
        arguments = (place, ir.Constant(_LANE, self.align), self.mask, self.zeros)
        return self._call("load", self.kind, arguments)

    def store(self, value: Any, data: Any, offset: Any) -> None:
        """Put a vector to data[offset]."""
        place = self._place(data, offset)
        if self.masked is None:
            self.builder.store(value, place, align=self.align)
            return
        self._call("store", ir.VoidType(), (value, place, ir.Constant(_LANE, self.align), self.mask))

    def _place(self, data: Any, offset: Any) -> Any:
        return self.builder.bitcast(self.builder.gep(data, [offset]), self.kind.as_pointer())

    def _call(self, name: str, result: Any, arguments: tuple[Any, ...]) -> Any:
        kind = ir.FunctionType(result, [argument.type for argument in arguments])
        full = f"llvm.masked.{name}.{self.masked}"
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, full), arguments)


def _grown(builder: Any, vectors: _Vectors, sums: list[Any], source: Any, r: Any, c: Any, across: Any) -> Any:
    """The sums of a tile's rows, from row r and column c on, with all terms of a source."""
    a, row, step, depth, b = source
    firsts = [builder.mul(builder.add(r, _index(i)), row) for i in range(len(sums))]
    lines = [builder.gep(a, [first]) for first in firsts]
    before, loop, after = builder.block, *(builder.append_basic_block(name) for name in ("term", "summed"))
    builder.cbranch(builder.icmp_signed(">", depth, _index(0)), loop, after)
    builder.position_at_end(loop)
    k, *totals = (builder.phi(kind) for kind in (_INDEX, *[vectors.kind] * len(sums)))
    factors = vectors.load(b, builder.add(c, builder.mul(k, across)))
    offset = builder.mul(k, step)
    larger = []
    for line, total in zip(lines, totals, strict=True):
        own = vectors.spread(builder.load(builder.gep(line, [offset]), align=vectors.align))
        product = builder.fmul(own, factors, flags=("contract",))
        larger.append(builder.fadd(total, product, flags=("contract",)))
    following = builder.add(k, _index(1))
    builder.cbranch(builder.icmp_signed("<", following, depth), loop, after)
    for phi, one, other in zip((k, *totals), (_index(0), *sums), (following, *larger), strict=True):
        phi.add_incoming(one, before)
        phi.add_incoming(other, loop)
    builder.position_at_end(after)
    results = [builder.phi(vectors.kind) for _ in sums]
    for phi, one, other in zip(results, sums, larger, strict=True):
        phi.add_incoming(one, before)
        phi.add_incoming(other, loop)
    return results


def _tile(rows: int, size: int, whole: bool, add: bool) -> Any:
    """The code of one tile, `rows` rows and `size` bytes of columns, at row r and column c of a target.

    A target is (start, out, across): the sources are added to `start` in every row, or with
    `add` to what out holds.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        # a copy of all tiles wherever there is a product would take many seconds more to compile
        builder.function.attributes.add("noinline")
        target, sources, r, c, width = arguments
        start, out, across = cgutils.unpack_tuple(builder, target)
        number = signature.args[0][1].dtype
        lanes = size * 8 // number.bitwidth
        vectors = _Vectors(builder, context.get_value_type(number), number.bitwidth, lanes, whole, width)
        sums = [vectors.zeros if add else vectors.load(start, c)] * rows
        for source in cgutils.unpack_tuple(builder, sources):
            sums = _grown(builder, vectors, sums, cgutils.unpack_tuple(builder, source), r, c, across)
        for i, total in enumerate(sums):
            place = builder.add(builder.mul(builder.add(r, _index(i)), across), c)
            vectors.store(builder.fadd(vectors.load(out, place), total) if add else total, out, place)
        return context.get_dummy_value()

    @intrinsic
    def tile(typing, target, sources, r, c, width):  # type: ignore[no-untyped-def]  # noqa: ARG001
        index = types.intp
        return types.void(target, sources, index, index, index), generate

    return tile


def _columns(size: int, whole: bool, add: bool) -> Any:
    """A function for all rows of one vector of columns."""
    eight, four, two, one = (_tile(rows, size, whole, add) for rows in (8, 4, 2, 1))

    @named(size, whole, add)
    def columns(target, sources, rows, c, width):  # type: ignore[no-untyped-def]
        r = 0
        while r + 8 <= rows:
            eight(target, sources, r, c, width)
            r += 8
        if r + 4 <= rows:
            four(target, sources, r, c, width)
            r += 4
        if r + 2 <= rows:
            two(target, sources, r, c, width)
            r += 2
        if r < rows:
            one(target, sources, r, c, width)

    return columns


def _product(add: bool) -> Any:
    """A function for all columns: whole registers, then one or half of one for what is left."""
    full, part, half, half_part = (
        _columns(size, whole, add) for size in (REGISTER, REGISTER // 2) for whole in (True, False)
    )

    @named(add)
    def product(target, sources, rows, lanes):  # type: ignore[no-untyped-def]
        across = target[2]
        c = 0
        while c + lanes <= across:
            full(target, sources, rows, c, lanes)
            c += lanes
        left = across - c
        if left > lanes // 2:
            part(target, sources, rows, c, left)
        elif left == lanes // 2:
            half(target, sources, rows, c, left)
        elif left:
            half_part(target, sources, rows, c, left)

    return product


_fresh, _added = _product(False), _product(True)


def _address_code(typing, array, at):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """The address of array[at], flat."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.gep(data, [arguments[1]])

    return types.CPointer(array.dtype)(array, types.intp), generate


_address: Any = intrinsic(_address_code)


@njit(**INNER)
def plain(a, a_at, depth, b, b_at):  # type: ignore[no-untyped-def]
    """The source a[rows, depth] b[depth, across]."""
    return (_address(a, a_at), depth, ONE, depth, _address(b, b_at))


@njit(**INNER)
def turned(a, a_at, rows, depth, b, b_at):  # type: ignore[no-untyped-def]
    """The source a[depth, rows]^T b[depth, across]."""
    return (_address(a, a_at), ONE, rows, depth, _address(b, b_at))


@njit(**INNER)
def no_product(a):  # type: ignore[no-untyped-def]
    """A source of no terms, in place of a second one; `a` is any array."""
    return (_address(a, NONE), NONE, NONE, NONE, _address(a, NONE))


@njit(**INNER)
def transposed(weight, units):  # type: ignore[no-untyped-def]
    """[G * H, K] as [G, K, H], flat, with H `units`."""
    height, width = weight.shape
    out = np.empty((height // units, width, units), weight.dtype)
    for g in range(height // units):
        for i in range(units):
            for k in range(width):
                out[g, k, i] = weight[g * units + i, k]
    return out.reshape(-1)


@njit(**INNER)
def fill(out, out_at, rows, across, start, start_at, sources):  # type: ignore[no-untyped-def]
    """out[rows, across] = start[across] in every row, plus all `sources`."""
    target = (_address(start, start_at), _address(out, out_at), across)
    _fresh(target, sources, rows, REGISTER // out.itemsize)


@njit(**INNER)
def add(out, out_at, rows, across, source):  # type: ignore[no-untyped-def]
    """out[rows, across] += a source."""
    target = (_address(out, out_at), _address(out, out_at), across)
    _added(target, (source,), rows, REGISTER // out.itemsize)


@njit(**INNER)
def add_outer(out, out_at, rows, across, depth, a, a_at, b, b_at):  # type: ignore[no-untyped-def]
    """out[rows, across] += a[depth, rows]^T b[depth, across], in blocks of terms."""
    for k in range(0, depth, BLOCK):
        terms = min(BLOCK, depth - k)
        add(out, out_at, rows, across, turned(a, a_at + k * rows, rows, terms, b, b_at + k * across))


@njit(**INNER)
def add_rows(out, out_at, across, depth, b, b_at):  # type: ignore[no-untyped-def]
    """out[across] += the sum of the rows of b[depth, across], in blocks of terms."""
    ones = np.ones(1, out.dtype)
    for k in range(0, depth, BLOCK):
        terms = min(BLOCK, depth - k)
        source = (_address(ones, NONE), NONE, NONE, terms, _address(b, b_at + k * across))
        add(out, out_at, ONE, across, source)
