"""Integer columns as one compressed value, small enough to travel between workers.

>>> columns = np.array([3, 4, 9]), np.array([0, 7, 2])
>>> [column.tolist() for column in unpack(pack(*columns))]
[[3, 4, 9], [0, 7, 2]]
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numcodecs import Blosc
from numpy.typing import NDArray

Integers = NDArray[np.integer[Any]]

_BLOSC = Blosc(cname="zstd", clevel=1, shuffle=Blosc.SHUFFLE)


class Packed(NamedTuple):
    """Columns of equal length: differences along each, byte-shuffled, compressed."""

    shape: tuple[int, int]
    dtype: str
    data: bytes


def pack(*columns: Integers) -> Packed:
    """Compress integer columns of equal length; neighbours that differ little take no room."""
    narrow = all(c.size == 0 or (c.min() > -(2**30) and c.max() < 2**30) for c in columns)
    dtype = np.dtype(np.int32 if narrow else np.int64)
    table = np.zeros((len(columns), columns[0].size), dtype)
    for row, column in zip(table, columns, strict=True):
        row[:1] = column[:1]
        np.subtract(column[1:], column[:-1], out=row[1:], dtype=dtype, casting="unsafe")
    return Packed(table.shape, dtype.str, bytes(_BLOSC.encode(table)) if table.size else b"")


def unpack(packed: Packed) -> NDArray[np.int64]:
    """Return the columns as the rows of an int64 array."""
    if not packed.data:
        return np.zeros(packed.shape, np.int64)
    table = np.frombuffer(_BLOSC.decode(packed.data), packed.dtype).reshape(packed.shape)
    return np.cumsum(table, axis=1, dtype=np.int64)
