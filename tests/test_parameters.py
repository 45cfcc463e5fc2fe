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
)


@given(ANY, st.sampled_from(["p.yaml", "p.yml", "p.json", "p"]))
def test_come_back_as_they_were(parameters, name):
    with tempfile.TemporaryDirectory() as folder:
        parameters.save(Path(folder) / name)
        assert SegmentationParameters.load(Path(folder) / name) == parameters


def test_json_is_json(tmp_path):
    SegmentationParameters(gaussian=2.5).save(tmp_path / "p.json")
    assert json.loads((tmp_path / "p.json").read_text())["gaussian"] == 2.5


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
        ("local_size", 0),
        ("local_size", 50),
        ("local_size", 51.0),
        ("invert", "no"),
        ("min_size", -1),
        ("min_size", True),
        ("clear_border", 1),
        ("threshold_over", "frames"),
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
