"""Code without loops, made from tables: beside `simd` and `vectors`, all that knows LLVM.

A loop over a table keeps its sums in memory. Written out step by step, with the table's numbers as
constants, the sums stay in registers. Functions made here take and return tuples of vectors.
How many vectors a tuple has is part of its type, so one text does for any number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic as numba_intrinsic

from pspy_dask.kernels.lines import Exchange, Tap
from pspy_dask.kernels.vectors import Vector

intrinsic: Any = numba_intrinsic  # a call has one argument less than the function's text


def weighted_sums(kind: Vector, taps_of: Callable[[], list[Tap]], count: int) -> Any:
    """Return a function of (array, index, stride) that sums a window in `count` ways at once.

    Each lane has a window of its own, those of neighbours one element apart; the first begins at
    the index, and its rows lie a stride apart. Sums begin at zero and take the taps in their
    order; every product and every sum is rounded, as where one number is treated after the other.
    The taps are constants of the code, and asked for only where it is compiled.
    The first and the last pixel are checked against the array's length where Numba's bounds
    checking is on.
    """

    @intrinsic
    def summed(typing: Any, array: Any, index: Any, stride: Any) -> Any:
        result = types.UniTuple(kind, count)

        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            array = context.make_array(sig.args[0])(context, builder, args[0])
            data, taps = array.data, taps_of()
            if context.enable_boundscheck:
                length = cgutils.unpack_tuple(builder, array.shape)[0]
                for row, column in (taps[0][:2], (taps[-1][0], taps[-1][1] + kind.lanes - 1)):
                    place = _shifted(builder, args, row, column)
                    cgutils.do_boundscheck(context, builder, place, length)
            sums = [_splat(kind, 0.0)] * count
            for row, column, weights in taps:
                place = builder.gep(data, [_shifted(builder, args, row, column)])
                pointer = builder.bitcast(place, kind.llvm.as_pointer())
                pixels = builder.load(pointer)
                pixels.align = kind.bits // 8
                for number, weight in weights.items():
                    product = builder.fmul(pixels, _splat(kind, weight))
                    sums[number] = builder.fadd(sums[number], product)
            return _packed(context, builder, result, sums)

        return result(array, types.intp, types.intp), generate

    return summed


def exchanged(kind: Vector, network: list[Exchange], count: int) -> Any:
    """Return a function of a tuple of vectors that exchanges pairs of them, lane by lane."""

    @intrinsic
    def ordered(typing: Any, values: Any) -> Any:
        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            lanes = cgutils.unpack_tuple(builder, args[0], count)
            for low, high, wants_smaller, wants_larger in network:
                a, b = lanes[low], lanes[high]
                if wants_smaller:
                    lanes[low] = builder.select(builder.fcmp_ordered("<", a, b), a, b)
                if wants_larger:
                    lanes[high] = builder.select(builder.fcmp_ordered(">", a, b), a, b)
            return _packed(context, builder, sig.return_type, lanes)

        return values(values), generate

    return ordered


def load_each(kind: Vector) -> Any:
    """Return a function of (array, index, columns) that loads a vector from each column.

    Columns are a tuple of where each begins in the array, and the index counts from there.
    """

    @intrinsic
    def loaded(typing: Any, array: Any, index: Any, columns: Any) -> Any:
        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            places = _in_columns(context, builder, sig, args, kind)
            values = [builder.load(place) for place in places]
            for value in values:
                value.align = kind.bits // 8
            return _packed(context, builder, sig.return_type, values)

        return types.UniTuple(kind, columns.count)(array, types.intp, columns), generate

    return loaded


@intrinsic
def store_where(typing: Any, array: Any, index: Any, columns: Any, values: Any, mask: Any) -> Any:
    """Store the lanes of the mask side by side, of each vector in its column of an array.

    Elements that follow are overwritten, as many as a vector has lanes in all. Vectors are
    ``i32x16``. Only processors with AVX-512 can (`simd.processor_features`).
    """

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = sig.args[3].dtype
        count = sig.args[3].count
        shape = ir.FunctionType(kind.llvm, [kind.llvm, kind.llvm, args[4].type])
        name = "llvm.x86.avx512.mask.compress.v16i32"
        function = cgutils.get_or_insert_function(builder.module, shape, name)
        places = _in_columns(context, builder, sig, args, kind)
        for place, value in zip(places, cgutils.unpack_tuple(builder, args[3], count), strict=True):
            stored = builder.store(builder.call(function, [value, value, args[4]]), place)
            stored.align = kind.bits // 8
        return context.get_dummy_value()

    return types.void(array, types.intp, columns, values, mask), generate


def pick_below(bit: int) -> Any:
    """Return a function of (values, index) that picks one of 2, 4, 8 ... vectors in each lane.

    Its number is in the bits below this one of the index, as many as it takes.
    """

    @intrinsic
    def picked(typing: Any, values: Any, index: Any) -> Any:
        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            kind, lanes = sig.return_type, cgutils.unpack_tuple(builder, args[0], sig.args[0].count)
            place = bit - (len(lanes).bit_length() - 1)
            while len(lanes) > 1:
                asked = builder.and_(args[1], ir.Constant(kind.llvm, [1 << place] * kind.lanes))
                even = builder.icmp_signed("==", asked, ir.Constant(kind.llvm, [0] * kind.lanes))
                pairs = zip(lanes[::2], lanes[1::2], strict=True)
                lanes = [builder.select(even, first, second) for first, second in pairs]
                place += 1
            return lanes[0]

        return values.dtype(values, index), generate

    return picked


def _in_columns(context: Any, builder: Any, sig: Any, args: Any, kind: Vector) -> list[Any]:
    """Return pointers to the vectors at an index of each column of an array."""
    array = context.make_array(sig.args[0])(context, builder, args[0])
    places = []
    for column in cgutils.unpack_tuple(builder, args[2], sig.args[2].count):
        place = builder.add(column, args[1])
        if context.enable_boundscheck:
            length = cgutils.unpack_tuple(builder, array.shape)[0]
            last = builder.add(place, ir.Constant(place.type, kind.lanes - 1))
            cgutils.do_boundscheck(context, builder, place, length)
            cgutils.do_boundscheck(context, builder, last, length)
        pointer = builder.gep(array.data, [place])
        places.append(builder.bitcast(pointer, kind.llvm.as_pointer()))
    return places


def _shifted(builder: Any, args: Any, row: int, column: int) -> Any:
    """Return the index of a place in the window of the first lane."""
    down = builder.mul(args[2], ir.Constant(args[2].type, row))
    return builder.add(builder.add(args[1], down), ir.Constant(args[1].type, column))


def _splat(kind: Vector, number: float) -> Any:
    return ir.Constant(kind.llvm, [number] * kind.lanes)


def _packed(context: Any, builder: Any, result: Any, lanes: list[Any]) -> Any:
    return context.make_tuple(builder, result, lanes)
