"""Parameters: checked when asked for, written and read back unchanged."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pspy_dask as ps
from pspy_dask.parameters import METHODS, SegmentationParameters

ANY = st.builds(
    SegmentationParameters,
    threshold=st.sampled_from(METHODS),
    rolling_ball=st.integers(0, 10**6),
    gaussian=st.floats(0, 1e6),
    local_size=st.integers(0, 10**6).map(lambda n: 2 * n + 1),
    invert=st.booleans(),
    min_size=st.integers(0, 10**12),
    clear_border=st.booleans(),
    threshold_over=st.sampled_from(["frame", "series"]),
    watershed=st.booleans(),
    watershed_separation=st.none() | st.integers(1, 10**6),
    watershed_erosion=st.integers(0, 10**6),
    watershed_budget=st.none() | st.integers(4096, 2**30),
    watershed_exact=st.booleans(),
)


@given(ANY, st.sampled_from(["p.yaml", "p.yml", "p.json", "p.JSON", "p"]))
def test_come_back_as_they_were(parameters, name):
    with tempfile.TemporaryDirectory() as folder:
        parameters.save(Path(folder) / name)
        assert SegmentationParameters.load(Path(folder) / name) == parameters


def test_json_is_json(tmp_path):
    SegmentationParameters(gaussian=2.5).save(tmp_path / "p.json")
    assert json.loads((tmp_path / "p.json").read_text())["gaussian"] == 2.5


def test_yaml_has_a_line_for_each_and_nothing_of_python(tmp_path):
    SegmentationParameters(gaussian=2.5).save(tmp_path / "p.yaml")
    lines = (tmp_path / "p.yaml").read_text().splitlines()
    names = [f.name for f in dataclasses.fields(SegmentationParameters)]
    assert [line.split(":")[0] for line in lines] == names
    assert "gaussian: 2.5" in lines and "threshold: otsu" in lines


def test_defaults():
    assert dataclasses.asdict(SegmentationParameters()) == {
        "threshold": "otsu",
        "rolling_ball": 0,
        "gaussian": 0.0,
        "local_size": 51,
        "invert": False,
        "min_size": 0,
        "clear_border": True,
        "threshold_over": "frame",
        "watershed": False,
        "watershed_separation": None,
        "watershed_erosion": 0,
        "watershed_budget": None,
        "watershed_exact": False,
    }


@pytest.mark.parametrize("name", ["p.yaml", "p.json"])
def test_numbers_of_numpy(name, tmp_path):
    values = {"gaussian": np.float32(1.5), "local_size": np.int64(31), "invert": np.True_}
    taken = SegmentationParameters(**values, min_size=np.uint8(9))
    taken.save(tmp_path / name)
    assert SegmentationParameters.load(tmp_path / name) == taken
    plain = SegmentationParameters(gaussian=1.5, local_size=31, invert=True, min_size=9)
    assert taken == plain and [*map(type, vars(taken).values())] == [
        *map(type, vars(plain).values())
    ]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("p.yaml", b"gaussian: 2\nthreshold: [", r"p.yaml is neither YAML nor JSON \(line 2\)"),
        ("p.json", b'{"gaussian": 2,\n}', r"p.json is neither YAML nor JSON \(line 2\)"),
        ("p.json", b"gaussian: 2", "neither YAML nor JSON"),
        ("p.hdf5", b"\x89HDF\r\n\x1a\n\x00\x00", "p.hdf5 is neither YAML nor JSON"),
        ("p.yaml", b"!!python/object/apply:os.getcwd []", "neither YAML nor JSON"),
        ("p.yaml", b"", "holds no parameters"),
        ("p.json", b"[1]", "holds no parameters"),
        ("p.yaml", b"on: 2\nsize: 3", "unknown parameter True: choose from threshold"),
        ("p.yaml", b"gaussian: true", "gaussian is True"),
        ("p.yaml", b"threshold:", "unknown threshold None"),
        ("p.json", b'{"min_size": "9"}', "min_size is '9'"),
        ("p.json", b'{"gaussian": NaN}', "gaussian is nan"),
    ],
)
def test_bad_files_are_told_in_one_line(name, content, says, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=says) as caught:
        SegmentationParameters.load(tmp_path / name)
    assert "\n" not in str(caught.value) and ": " in str(caught.value)


def test_places_that_cannot_be(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no parameter file .*: check the path"):
        SegmentationParameters.load(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no folder .*: create it"):
        SegmentationParameters().save(tmp_path / "no/p.yaml")
    with pytest.raises(ValueError, match=r"p.hdf5 is no name for YAML or JSON: end it in .yaml"):
        SegmentationParameters().save(tmp_path / "p.hdf5")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    def fill(self, text):
        self.touch()
        raise OSError("No space left on device")

    old = SegmentationParameters(gaussian=2.5)
    old.save(tmp_path / "p.yaml")
    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr(Path, "write_text", fill)
        SegmentationParameters().save(tmp_path / "p.yaml")
    assert SegmentationParameters.load(tmp_path / "p.yaml") == old
    assert [path.name for path in tmp_path.iterdir()] == ["p.yaml"]


def test_missing_lines_take_the_default(tmp_path):
    (tmp_path / "p.yaml").write_text("gaussian: 3\n")
    assert SegmentationParameters.load(tmp_path / "p.yaml") == SegmentationParameters(gaussian=3)


def test_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        SegmentationParameters().min_size = 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threshold", "best"),
        ("threshold", None),
        ("rolling_ball", -1),
        ("rolling_ball", 2.5),
        ("gaussian", -0.1),
        ("gaussian", float("nan")),
        ("gaussian", float("inf")),
        ("gaussian", "2"),
        ("gaussian", True),
        ("gaussian", None),
        ("gaussian", np.float32("nan")),
        ("local_size", 0),
        ("local_size", 50),
        ("local_size", 51.0),
        ("local_size", np.int64(50)),
        ("local_size", True),
        ("invert", "no"),
        ("min_size", -1),
        ("min_size", True),
        ("clear_border", 1),
        ("threshold_over", "frames"),
        ("watershed", "yes"),
        ("watershed_separation", 0),
        ("watershed_separation", -3),
        ("watershed_erosion", -1),
        ("watershed_erosion", None),
    ],
)
def test_bad_values_are_named(name, value):
    with pytest.raises(ValueError, match=name):
        SegmentationParameters(**{name: value})


def test_a_single_wrong_name_is_an_error_with_the_right_ones():
    with pytest.raises(ValueError, match="unknown parameter 'sigma': choose from threshold, "):
        SegmentationParameters.from_mapping({"sigma": 2})
    with pytest.raises(ValueError, match="unknown parameter 'sigma'"):
        ps.segment(np.eye(2), sigma=2)
