from itertools import pairwise

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from pspy_dask import read_table, write_csv, write_parquet

UNITS = {"area": "nm^2", "density": "1/(nm s)", "absent": "m"}


def a_table(n=25):
    rng = np.random.default_rng(0)
    index = pd.RangeIndex(1, n + 1, name="label")
    columns = {
        "area": rng.random(n) * 1e-7,
        "count": np.arange(n),
        "density": rng.random(n),
        "kind": [None if i % 5 == 0 else f"k{i}, x" for i in range(n)],
    }
    return pd.DataFrame(columns, index)


def parted(table, cuts=(0, 3, 3, 17, 25)):
    """A dask table one of whose partitions is empty."""
    pieces = [table.iloc[a:b] for a, b in pairwise(cuts)]
    return dd.from_map(lambda piece: piece, pieces, meta=table.iloc[:0])


@pytest.mark.parametrize(("write", "suffix"), [(write_parquet, ".parquet"), (write_csv, ".csv")])
@pytest.mark.parametrize("lazy", [True, False])
def test_round_trip(tmp_path, write, suffix, lazy):
    table = a_table()
    path = tmp_path / f"table{suffix}"
    write(parted(table) if lazy else table, path, units=UNITS)
    back = read_table(path)
    exact = suffix != ".csv" and not lazy  # dask has strings of its own kind
    pd.testing.assert_frame_equal(back, table.reset_index(), check_dtype=exact)
    assert back.attrs["units"] == {"area": "nm^2", "density": "1/(nm s)"}
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_units_are_where_other_programs_look(tmp_path):
    table = a_table()
    write_csv(table, tmp_path / "t.csv", units=UNITS)
    header = (tmp_path / "t.csv").read_text().splitlines()[0]
    assert header == "label,area (nm^2),count,density (1/(nm s)),kind"
    write_parquet(parted(table), tmp_path / "t.parquet", units=UNITS)
    file = pq.ParquetFile(tmp_path / "t.parquet")
    assert file.schema_arrow.field("area").metadata[b"units"] == b"nm^2"
    groups = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
    assert groups == [3, 14, 8]
    assert pd.read_parquet(tmp_path / "t.parquet").columns[0] == "label"


def test_units_of_a_pandas_table_are_its_own(tmp_path):
    table = a_table()
    table.attrs["units"] = {"area": "px^2"}
    write_csv(table, tmp_path / "t.csv")
    assert read_table(tmp_path / "t.csv").attrs["units"] == {"area": "px^2"}


def test_a_table_of_no_particles(tmp_path):
    for write, name in ((write_parquet, "t.parquet"), (write_csv, "t.csv")):
        write(parted(a_table().iloc[:0], (0, 0, 0)), tmp_path / name, units=UNITS)
        back = read_table(tmp_path / name)
        assert len(back) == 0
        assert list(back.columns) == ["label", "area", "count", "density", "kind"]


def test_partitions_are_computed_once(tmp_path):
    made = []

    def make(i):
        made.append(i)
        return pd.DataFrame({"label": [i]})

    table = dd.from_map(make, range(4), meta=pd.DataFrame({"label": [0]}).iloc[:0])
    write_parquet(table, tmp_path / "t.parquet")
    assert sorted(made) == [0, 1, 2, 3]
    assert list(read_table(tmp_path / "t.parquet")["label"]) == [0, 1, 2, 3]


@pytest.mark.parametrize(("write", "name"), [(write_parquet, "t.parquet"), (write_csv, "t.csv")])
def test_complete_or_absent(tmp_path, write, name):
    write(a_table(), tmp_path / name)
    before = (tmp_path / name).read_bytes()
    with pytest.raises(FileExistsError, match="choose another output"):
        write(a_table(), tmp_path / name)

    def fail(i):
        raise RuntimeError("worker lost")

    broken = dd.from_map(fail, range(2), meta=a_table().iloc[:0])
    with pytest.raises(RuntimeError, match="worker lost"):
        write(broken, tmp_path / name, overwrite=True)
    assert (tmp_path / name).read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [name]
    write(a_table(5), tmp_path / name, overwrite=True)
    assert len(read_table(tmp_path / name)) == 5


@pytest.mark.parametrize(
    ("write", "name", "right"),
    [(write_parquet, "t.csv", "parquet"), (write_csv, "t.parquet", "csv"), (write_csv, "t", "csv")],
)
def test_the_ending_says_what_a_file_is(tmp_path, write, name, right):
    with pytest.raises(ValueError, match=rf"{name} has another ending .* in \.{right}"):
        write(a_table(), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_endings_in_capitals(tmp_path):
    for write, name in ((write_parquet, "T.PARQUET"), (write_csv, "T.CSV")):
        write(a_table(), tmp_path / name)
        assert len(read_table(tmp_path / name)) == 25


def test_missing_table(tmp_path):
    with pytest.raises(FileNotFoundError, match="check the path"):
        read_table(tmp_path / "none.csv")
