"""Vectors of numbers as variables of compiled code; only `vectors` and `unrolled` know LLVM too.

Numba turns loops into vector instructions where it can prove that iterations are independent. The
kernels that gain most cannot be proved so: 32 rows of an image go through one histogram each, 8
sums wait for nothing but each other. Here such a group of lanes is a type. ``+ - * /`` and
``& | ^`` work lane by lane, comparisons give masks, and LLVM lowers all of it to what the
processor has: AVX-512, AVX2, SSE2 or NEON. Arithmetic is what one lane alone would do, so results
do not depend on the width.

Arrays are one-dimensional and contiguous; a vector is loaded from any index, alignment is not
needed. `load`, `store` and `gather` are checked against the array's length where Numba's bounds
checking is on.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from llvmlite import binding, ir
from numba.core import cgutils, types
from numba.core import config as settings
from numba.extending import intrinsic as numba_intrinsic

from pspy_dask.kernels.vectors import ELEMENTS, Vector, comparison, vector

_UNSIGNED: dict[int, Any] = {8: types.uint8, 16: types.uint16, 32: types.uint32, 64: types.uint64}
config: Any = settings  # its attributes come from the environment
intrinsic: Any = numba_intrinsic  # a call has one argument less than the function's text


@cache
def processor_features() -> frozenset[str]:
    """Return what the processor that Numba compiles for can do, in LLVM's words."""
    features = config.CPU_FEATURES
    if features is None:
        features = binding.get_host_cpu_features().flatten()
    return frozenset(name[1:] for name in features.split(",") if name.startswith("+"))


@cache
def lanes_pay() -> bool:
    """Whether kernels take their path of explicit lanes: where vectors have 256 bits or more.

    This is the one place that decides so. On other processors, and beyond the limits that each
    path of lanes states, the plain loop runs; both give the same result.
    """
    return "avx2" in processor_features()


def _place(context: Any, builder: Any, sig: Any, args: Any, lanes: int) -> tuple[Any, int]:
    """Return a pointer to ``args[0][args[1]]`` and the bytes of an element."""
    array_type, index_type = sig.args[:2]
    array = context.make_array(array_type)(context, builder, args[0])
    index = context.cast(builder, args[1], index_type, types.intp)
    if context.enable_boundscheck:
        length = cgutils.unpack_tuple(builder, array.shape)[0]
        last = builder.add(index, ir.Constant(index.type, lanes - 1))
        cgutils.do_boundscheck(context, builder, index, length)
        cgutils.do_boundscheck(context, builder, last, length)
    bytes_each = context.get_abi_sizeof(context.get_data_type(array_type.dtype))
    return builder.gep(array.data, [index]), bytes_each


def load(kind: Vector, source: str | None = None) -> Any:
    """Return a function of (array, index) that loads neighbours from an array.

    The array's elements are those of the vector, or `source` ones that are widened: integers
    ``u8``, ``u16`` without sign or ``i8``, ``i16``, ``i32`` with one, and ``f32``.
    """
    unsigned = bool(source) and str(source)[0] == "u"
    element = f"i{str(source)[1:]}" if unsigned else source or kind.element
    stored = vector(element, kind.lanes)

    @intrinsic
    def loaded(typing: Any, array: Any, index: Any) -> Any:
        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            place, size = _place(context, builder, sig, args, kind.lanes)
            value = builder.load(builder.bitcast(place, stored.llvm.as_pointer()))
            value.align = size
            return _converted(builder, value, stored, kind, unsigned=unsigned)

        return kind(array, index), generate

    return loaded


@intrinsic
def store(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Store a vector among the elements of an array, which are of its own width."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place, size = _place(context, builder, sig, args, sig.args[2].lanes)
        stored = builder.store(args[2], builder.bitcast(place, sig.args[2].llvm.as_pointer()))
        stored.align = size
        return context.get_dummy_value()

    return types.void(array, index, value), generate


def _count_where(sign: str) -> Any:
    @intrinsic
    def counted(typing: Any, array: Any, index: Any, mask: Any) -> Any:
        kind = vector("i16", 32)

        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            place, size = _place(context, builder, sig, args, kind.lanes)
            place = builder.bitcast(place, kind.llvm.as_pointer())
            value = builder.load(place)
            value.align = size
            lanes = builder.bitcast(args[2], vector("i1", 32).llvm)
            minus_one = builder.sext(lanes, kind.llvm)  # in the lanes of the mask
            change = builder.sub if sign == "+" else builder.add
            stored = builder.store(change(value, minus_one), place)
            stored.align = size
            return context.get_dummy_value()

        return types.void(array, index, types.uint32), generate

    return counted


#: ``array[index : index + 32] += 1`` (or ``-= 1``) in the lanes whose bits of a uint32 are set;
#: the array is of 16-bit integers.
increment_where, decrement_where = _count_where("+"), _count_where("-")


@intrinsic
def gather(typing: Any, array: Any, indices: Any, mask: Any, otherwise: Any) -> Any:
    """Return ``array[indices]`` in the lanes of the mask and `otherwise` in the others.

    Elements have 32 bits and are read as those of `otherwise`. Indices in the lanes of the mask
    must not be negative.
    """
    kind = otherwise

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        array = context.make_array(sig.args[0])(context, builder, args[0])
        if context.enable_boundscheck:
            _check_lanes(context, builder, array, args[1], args[2])
        element = ELEMENTS[kind.element][0]
        start = builder.bitcast(array.data, element.as_pointer())
        places = builder.gep(start, [args[1]], source_etype=element)
        places.type = ir.VectorType(element.as_pointer(), kind.lanes)
        count = ir.IntType(32)
        function_type = ir.FunctionType(
            kind.llvm, [places.type, count, vector("i1", kind.lanes).llvm, kind.llvm]
        )
        name = f"llvm.masked.gather.v{kind.lanes}{kind.element}.v{kind.lanes}p0"
        function = cgutils.get_or_insert_function(builder.module, function_type, name)
        return builder.call(function, [places, ir.Constant(count, 4), args[2], args[3]])

    return kind(array, indices, mask, otherwise), generate


def _check_lanes(context: Any, builder: Any, array: Any, indices: Any, mask: Any) -> None:
    """Raise IndexError where a lane of the mask names no element: negative ones are none."""
    length = cgutils.unpack_tuple(builder, array.shape)[0]
    names_none = ir.Constant(ir.IntType(1), 0)
    for lane in range(indices.type.count):
        place = ir.Constant(ir.IntType(32), lane)
        index = builder.sext(builder.extract_element(indices, place), length.type)
        beyond = builder.icmp_unsigned(">=", index, length)  # as is what was below 0
        asked = builder.extract_element(mask, place)
        names_none = builder.or_(names_none, builder.and_(beyond, asked))
    with builder.if_then(names_none, likely=False):
        message = "an index of gather is out of bounds"
        context.call_conv.return_user_exc(builder, IndexError, (message,))


def fill(kind: Vector) -> Any:
    """Return a function of a number that gives a vector with it in every lane."""
    scalar = ELEMENTS[kind.element][1]

    @intrinsic
    def filled(typing: Any, number: Any) -> Any:
        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            value = context.cast(builder, args[0], sig.args[0], scalar)
            index = ir.IntType(32)
            first = builder.insert_element(
                ir.Constant(kind.llvm, ir.Undefined), value, ir.Constant(index, 0)
            )
            zeros = ir.Constant(ir.VectorType(index, kind.lanes), [0] * kind.lanes)
            return builder.shuffle_vector(first, ir.Constant(kind.llvm, ir.Undefined), zeros)

        return kind(number), generate

    return filled


def convert(kind: Vector) -> Any:
    """Return a function that converts lanes to another element: C's rules, integers signed."""

    @intrinsic
    def converted(typing: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return _converted(builder, args[0], sig.args[0], kind, unsigned=False)

        return kind(value), generate

    return converted


@intrinsic
def load_like(typing: Any, array: Any, index: Any, model: Any) -> Any:
    """Load neighbours from an array of the elements of `model`, into a vector of its type.

    So one text makes functions of several types of lanes, as arrays of several dtypes do.
    """

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = sig.return_type
        place, size = _place(context, builder, sig, args, kind.lanes)
        value = builder.load(builder.bitcast(place, kind.llvm.as_pointer()))
        value.align = size
        return value

    return model(array, index, model), generate


@intrinsic
def convert_like(typing: Any, value: Any, model: Any) -> Any:
    """Convert lanes to the elements of `model`, as `convert` does."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _converted(builder, args[0], *sig.args, unsigned=False)

    return model(value, model), generate


def _converted(builder: Any, value: Any, old: Vector, new: Vector, *, unsigned: bool) -> Any:
    if old.element == new.element:
        return value
    if not old.is_float and new.is_float:
        return (builder.uitofp if unsigned else builder.sitofp)(value, new.llvm)
    if old.is_float and not new.is_float:
        return builder.fptosi(value, new.llvm)
    if old.is_float:
        return (builder.fpext if new.bits > old.bits else builder.fptrunc)(value, new.llvm)
    if new.bits < old.bits:
        return builder.trunc(value, new.llvm)
    return (builder.zext if unsigned or old.bits == 1 else builder.sext)(value, new.llvm)


@intrinsic
def choose(typing: Any, mask: Any, yes: Any, no: Any) -> Any:
    """Return the lanes of `yes` where the mask is set and those of `no` elsewhere."""
    return yes(mask, yes, no), lambda context, builder, sig, args: builder.select(*args)


@intrinsic
def bits_of(typing: Any, mask: Any) -> Any:
    """Return a mask as an unsigned integer, the first lane in its lowest bit."""
    integer = ir.IntType(mask.lanes)
    number = _UNSIGNED[mask.lanes]
    return number(mask), lambda context, builder, sig, args: builder.bitcast(args[0], integer)


@intrinsic
def count_of(typing: Any, mask: Any) -> Any:
    """Return in how many lanes a mask is set."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        bits = builder.bitcast(args[0], ir.IntType(sig.args[0].lanes))
        return builder.zext(builder.ctpop(bits), ir.IntType(64))

    return types.int64(mask), generate


def shift_right(places: int) -> Any:
    """Return a function that shifts integers to the right by a constant, zeros shifted in."""

    @intrinsic
    def shifted(typing: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return builder.lshr(args[0], ir.Constant(value.llvm, [places] * value.lanes))

        return value(value), generate

    return shifted


def _extreme(symbol: str) -> Any:
    @intrinsic
    def extreme(typing: Any, a: Any, b: Any) -> Any:
        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return builder.select(comparison(symbol)(builder, a, *args), *args)

        return a(a, b), generate

    return extreme


#: The smaller (larger) of two in each lane; the second where either is nan, as in C.
smaller, larger = _extreme("<"), _extreme(">")


@intrinsic
def root(typing: Any, value: Any) -> Any:
    """Return square roots, rounded as IEEE 754 asks."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = sig.return_type
        function_type = ir.FunctionType(kind.llvm, [kind.llvm])
        name = f"llvm.sqrt.v{kind.lanes}{kind.element}"
        function = cgutils.get_or_insert_function(builder.module, function_type, name)
        return builder.call(function, args)

    return value(value), generate


@intrinsic
def look_up(typing: Any, low: Any, indices: Any, high: Any) -> Any:
    """Return, of 16 numbers in `low` and 16 in `high`, those of the five low bits of the indices.

    The vectors are ``i32x16``. Only processors with AVX-512 can (`processor_features`).
    """

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = sig.return_type.llvm
        function = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(kind, [kind] * 3),
            "llvm.x86.avx512.vpermi2var.d.512",
        )
        return builder.call(function, args)

    return low(low, indices, high), generate
