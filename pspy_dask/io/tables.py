"""Tables of particles written as Parquet or CSV and read back, units included.

A dask table is computed once, whatever its partitions: each is written to a file of its own by
the worker that has it, and the files are then joined in order. So no more than one partition is
in memory at a time, and workers must share the folder of the output, as they do for OME-Zarr.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import dask.dataframe as dd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from dask.base import compute
from dask.dataframe.dispatch import meta_nonempty
from dask.delayed import delayed

from pspy_dask.io.outputs import check_file, growing_file, partial_name, remove
from pspy_dask.particles.columns import require_table

TableLike = pd.DataFrame | dd.DataFrame
PathLike = str | os.PathLike[str]

_WITH_UNIT = re.compile(r"(?P<name>.+) \((?P<unit>[^()]*(?:\([^()]*\)[^()]*)*)\)")


def write_parquet(
    table: TableLike,
    path: PathLike,
    *,
    units: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> None:
    """Write a table as one Parquet file, a row group for each partition, complete or absent.

    A lazy table is computed partition by partition and is never whole in memory.

    Parameters
    ----------
    table
        pandas or dask DataFrame. An index that has a name becomes the first column, any other
        is left out.
    path
        The file; its name ends in ``.parquet``.
    units
        Units of columns, kept as ``units`` in the metadata of their fields; names that are no
        columns of the table are ignored. pandas tables may have them in ``attrs["units"]``.
    overwrite
        Replace a file of that name.

    Raises
    ------
    TypeError
        No table; of a list of particles give ``particles.table``.
    ValueError
        The name has another ending, by which :func:`read_table` tells what a file is.
    FileExistsError
        There is a file of that name, and ``overwrite`` is False.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> table = pd.DataFrame({"label": [1, 2], "area": [0.5, 2.0]})
    >>> with TemporaryDirectory() as folder:
    ...     write_parquet(table, folder + "/a.parquet", units={"area": "nm^2"})
    ...     stored = read_table(folder + "/a.parquet")
    >>> stored["area"].tolist(), stored.attrs["units"]
    ([0.5, 2.0], {'area': 'nm^2'})
    """
    _write(table, _target(path, ".parquet", overwrite), _join_parquet, units)


def write_csv(
    table: TableLike,
    path: PathLike,
    *,
    units: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> None:
    """Write a table as one CSV file with headers such as ``area (nm^2)``, complete or absent.

    One header line is what Excel and pandas expect; a second line of units would turn every
    column into text. Parameters as for :func:`write_parquet`, but that the name ends in ``.csv``.
    """
    _write(table, _target(path, ".csv", overwrite), _join_csv, units)


def convert_to_csv(parquet: PathLike, path: PathLike, *, overwrite: bool = False) -> None:
    """Write a table that is stored as Parquet as CSV too, one row group at a time."""
    target = _target(path, ".csv", overwrite)
    with pq.ParquetFile(parquet) as stored, growing_file(target) as partial:
        groups = range(stored.num_row_groups)
        _join_csv(partial, stored.schema_arrow, (stored.read_row_group(k) for k in groups))


def read_table(path: PathLike, *, columns: Collection[str] | None = None) -> pd.DataFrame:
    """Return a table that was written here, units of its columns in ``attrs["units"]``.

    ``columns`` are those wanted; the table need not have all of them.

    Examples
    --------
    >>> path = getfixture("tmp_path") / "particles.csv"
    >>> write_csv(pd.DataFrame({"label": [1], "area": [0.5]}), path, units={"area": "nm^2"})
    >>> table = read_table(path, columns=["area", "perimeter"])
    >>> table["area"].tolist(), table.attrs["units"]["area"]
    ([0.5], 'nm^2')
    """
    source = Path(path)
    if not source.is_file():
        raise FileNotFoundError(f"no table {source}: check the path")
    if source.suffix.lower() != ".csv":
        return _read_parquet(source, columns)
    table = _read_csv(source)
    return table if columns is None else table[[c for c in table.columns if c in columns]]


def _read_csv(source: Path) -> pd.DataFrame:
    table = pd.read_csv(source)
    matches = {name: _WITH_UNIT.fullmatch(str(name)) for name in table.columns}
    parts = {name: (m["name"], m["unit"]) for name, m in matches.items() if m}
    table = table.rename(columns={full: name for full, (name, _) in parts.items()})
    table.attrs["units"] = dict(parts.values())
    return table


def _read_parquet(source: Path, columns: Collection[str] | None) -> pd.DataFrame:
    schema = pq.read_schema(source)
    wanted = [name for name in schema.names if columns is None or name in columns]
    # Column by column, so that no more than one is in memory twice.
    parts = {name: pq.read_table(source, columns=[name])[name].to_pandas() for name in wanted}
    table = pd.DataFrame(parts, copy=False)
    table.attrs["units"] = {
        field.name: field.metadata[b"units"].decode()
        for field in schema
        if field.name in parts and field.metadata and b"units" in field.metadata
    }
    return table


Join = Callable[[Path, pa.Schema, Iterator[pa.Table]], None]


def _target(path: PathLike, ending: str, overwrite: bool) -> Path:
    """Return the path of a file that may be written and has the ending of its kind."""
    if Path(path).suffix.lower() != ending:
        raise ValueError(f"{path} has another ending than such a table: end its name in {ending}")
    return check_file(path, overwrite=overwrite)


def _write(table: TableLike, target: Path, join: Join, units: Mapping[str, str] | None) -> None:
    require_table(table)
    # Columns of objects have no type until one is seen: dask's example row has one of each.
    meta = table if isinstance(table, pd.DataFrame) else meta_nonempty(table._meta)
    schema = _schema(meta, units if units is not None else meta.attrs.get("units", {}))
    with growing_file(target) as partial:
        if isinstance(table, pd.DataFrame):
            join(partial, schema, iter([_arrow(table, schema)]))
            return
        with _folder_of_parts(target) as folder:
            write = delayed(_write_part)
            parts = enumerate(table.to_delayed())
            files = compute(*(write(part, schema, folder / f"{i}.parquet") for i, part in parts))
            join(partial, schema, (pq.read_table(file, schema=schema) for file in files))


@contextmanager
def _folder_of_parts(target: Path) -> Iterator[Path]:
    folder = partial_name(target.with_name(f"{target.name}-parts"))
    remove(folder)
    folder.mkdir()
    try:
        yield folder.resolve()
    finally:
        remove(folder)


def _write_part(part: pd.DataFrame, schema: pa.Schema, path: Path) -> Path:
    pq.write_table(_arrow(part, schema), path)
    return path


def _columns(table: pd.DataFrame) -> pd.DataFrame:
    named = [name for name in table.index.names if name is not None]
    return table.reset_index(level=named) if named else table


def _arrow(table: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pandas(_columns(table), schema=schema, preserve_index=False)


def _schema(table: pd.DataFrame, units: Mapping[str, str]) -> pa.Schema:
    """Return the schema with units in the metadata of the fields; all partitions must fit it."""
    plain = pa.Schema.from_pandas(_columns(table), preserve_index=False)
    fields = [
        field.with_metadata({"units": units[field.name]}) if units.get(field.name) else field
        for field in plain
    ]
    return pa.schema(fields, metadata=plain.metadata)


def _join_parquet(path: Path, schema: pa.Schema, tables: Iterator[pa.Table]) -> None:
    with pq.ParquetWriter(path, schema) as writer:
        for table in tables:
            if table.num_rows:
                writer.write_table(table, row_group_size=table.num_rows)


def _join_csv(path: Path, schema: pa.Schema, tables: Iterator[pa.Table]) -> None:
    names = [_header(field) for field in schema]
    with path.open("w", encoding="utf-8", newline="") as file:
        pd.DataFrame(columns=names).to_csv(file, index=False)
        for table in tables:
            table.to_pandas().to_csv(file, index=False, header=False)


def _header(field: pa.Field) -> str:
    unit = (field.metadata or {}).get(b"units")
    return f"{field.name} ({unit.decode()})" if unit else str(field.name)
