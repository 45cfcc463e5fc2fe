"""Code without loops, made from tables: beside `simd` and `vectors`, all that knows LLVM.

A loop over a table keeps its sums in memory. Written out step by step, with the table's numbers as
constants, the sums stay in registers. Functions made here take and return tuples of vectors.
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


def _shifted(builder: Any, args: Any, row: int, column: int) -> Any:
    """Return the index of a place in the window of the first lane."""
    down = builder.mul(args[2], ir.Constant(args[2].type, row))
    return builder.add(builder.add(args[1], down), ir.Constant(args[1].type, column))


def _splat(kind: Vector, number: float) -> Any:
    return ir.Constant(kind.llvm, [number] * kind.lanes)


def _packed(context: Any, builder: Any, result: Any, lanes: list[Any]) -> Any:
    return context.make_tuple(builder, result, lanes)
