"""The type of a vector of numbers in compiled code, and its operators; `simd` holds the rest."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import cache
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
from numba.extending import lower_builtin, models, register_model

ELEMENTS: dict[str, tuple[Any, Any]] = {
    "i1": (ir.IntType(1), types.boolean),
    "i8": (ir.IntType(8), types.int8),
    "i16": (ir.IntType(16), types.int16),
    "i32": (ir.IntType(32), types.int32),
    "i64": (ir.IntType(64), types.int64),
    "f32": (ir.FloatType(), types.float32),
    "f64": (ir.DoubleType(), types.float64),
}
_LANES = (4, 8, 16, 32, 64)


class Vector(types.Type):
    """Numba's type of so many lanes of an element; integers are signed."""

    def __init__(self, element: str, lanes: int) -> None:
        self.element, self.lanes = element, lanes
        super().__init__(name=f"{element}x{lanes}")

    @property
    def is_float(self) -> bool:
        """Whether lanes are floating-point numbers."""
        return self.element[0] == "f"

    @property
    def bits(self) -> int:
        """Bits of a lane."""
        return int(self.element[1:])

    @property
    def llvm(self) -> Any:
        """The type as LLVM knows it."""
        return ir.VectorType(ELEMENTS[self.element][0], self.lanes)


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Vector) -> None:
        super().__init__(manager, kind, kind.llvm)


@cache
def vector(element: str, lanes: int) -> Vector:
    """Return the type of so many lanes: ``vector("f64", 8)``."""
    return Vector(element, lanes)


_NUMBERS = [vector(e, n) for e in ELEMENTS if e != "i1" for n in _LANES]
_MASKS = [vector("i1", n) for n in _LANES]
_FLOATS = [kind for kind in _NUMBERS if kind.is_float]
_INTEGERS = [kind for kind in _NUMBERS if not kind.is_float]


def _register(
    symbol: Any, kinds: list[Vector], make: Callable[[Any, Vector, Any, Any], Any], *, masks: bool
) -> None:
    """Teach Numba an operator of two vectors of the same type."""

    def result(kind: Vector) -> Vector:
        return vector("i1", kind.lanes) if masks else kind

    class Template(ConcreteTemplate):
        cases = [signature(result(kind), kind, kind) for kind in kinds]  # noqa: RUF012

    infer_global(symbol)(Template)
    for kind in kinds:

        def lower(context: Any, builder: Any, sig: Any, args: Any, kind: Vector = kind) -> Any:
            return make(builder, kind, *args)

        lower_builtin(symbol, kind, kind)(lower)


def _arithmetic(name: str) -> Callable[[Any, Vector, Any, Any], Any]:
    def make(builder: Any, kind: Vector, a: Any, b: Any) -> Any:
        return getattr(builder, f"f{name}" if kind.is_float else name)(a, b)

    return make


def _bitwise(name: str) -> Callable[[Any, Vector, Any, Any], Any]:
    def make(builder: Any, kind: Vector, a: Any, b: Any) -> Any:
        return getattr(builder, name)(a, b)

    return make


def comparison(symbol: str) -> Callable[[Any, Vector, Any, Any], Any]:
    """Return what generates a comparison, by its sign in C."""

    def make(builder: Any, kind: Vector, a: Any, b: Any) -> Any:
        compare = builder.fcmp_ordered if kind.is_float else builder.icmp_signed
        return compare(symbol, a, b)

    return make


for _symbol, _name in ((operator.add, "add"), (operator.sub, "sub"), (operator.mul, "mul")):
    _register(_symbol, _NUMBERS, _arithmetic(_name), masks=False)
_register(operator.truediv, _FLOATS, _arithmetic("div"), masks=False)
for _symbol, _name in ((operator.and_, "and_"), (operator.or_, "or_"), (operator.xor, "xor")):
    _register(_symbol, _INTEGERS + _MASKS, _bitwise(_name), masks=False)
for _symbol, _name in (
    (operator.gt, ">"),
    (operator.ge, ">="),
    (operator.lt, "<"),
    (operator.le, "<="),
    (operator.eq, "=="),
):
    _register(_symbol, _NUMBERS, comparison(_name), masks=True)
