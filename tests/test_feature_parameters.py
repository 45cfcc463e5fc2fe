"""Parameters of features: checked when asked for, written and read back unchanged."""

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
from pspy_dask.feature_parameters import PRESETS, PROJECTIONS, FeatureParameters

NAMES = [field.name for field in dataclasses.fields(FeatureParameters)]
PREFILTERS = [name for name in NAMES if name.endswith("_prefilter")]
DISKS = ["median", "minimum", "maximum"]
SIGMAS = ["gaussian", "sobel", "laplacian", "hessian"]


def several(scale):
    """One, or some in a tuple or list, or none."""
    many = st.lists(scale, max_size=3, unique=True)
    return scale | many | many.map(tuple) | st.none()


ABOVE_0 = st.floats(0, 1e300, exclude_min=True)
PAIRS = st.tuples(ABOVE_0, ABOVE_0).filter(lambda pair: pair[0] != pair[1]).map(sorted).map(tuple)
SCALES = {
    **dict.fromkeys(["gaussian", "hessian"], several(ABOVE_0)),
    **dict.fromkeys(["sobel", "laplacian"], several(st.floats(0, 1e300))),
    **dict.fromkeys(DISKS, several(st.integers(1, 10**6))),
    **dict.fromkeys(PREFILTERS, st.floats(0, 1e300) | st.none()),
    "difference_of_gaussians": several(PAIRS),
    "membrane": st.lists(st.sampled_from(PROJECTIONS), min_size=1, unique=True),
}
ANY = st.builds(FeatureParameters, **SCALES)


@given(ANY, st.sampled_from(["p.yaml", "p.yml", "p.json", "p.JSON", "p"]))
def test_come_back_as_they_were(parameters, name):
    with tempfile.TemporaryDirectory() as folder:
        parameters.save(Path(folder) / name)
        assert FeatureParameters.load(Path(folder) / name) == parameters


@given(ANY)
def test_mappings_are_plain_and_come_back(parameters):
    plain = parameters.as_mapping()
    assert list(plain) == NAMES
    assert FeatureParameters.from_mapping(json.loads(json.dumps(plain))) == parameters
    assert hash(parameters) == hash(FeatureParameters.from_mapping(plain))


def test_json_is_json_and_yaml_has_a_line_for_each(tmp_path):
    FeatureParameters(gaussian=(1, 2.5)).save(tmp_path / "p.json")
    assert json.loads((tmp_path / "p.json").read_text())["gaussian"] == [1.0, 2.5]
    FeatureParameters(gaussian=(1, 2.5)).save(tmp_path / "p.yaml")
    lines = (tmp_path / "p.yaml").read_text().splitlines()
    assert [line.split(":")[0] for line in lines if line[0] not in "- "] == NAMES


def test_defaults_are_those_of_particlespy():
    assert dataclasses.asdict(FeatureParameters()) == {
        "gaussian": (1.0,),
        "difference_of_gaussians": ((1.0, 16.0),),
        "median": (20,),
        "minimum": (20,),
        "maximum": (20,),
        "sobel": (1.0,),
        "laplacian": (),
        "hessian": (),
        "membrane": ("sum",),
        **dict.fromkeys(PREFILTERS, 0.0),
    }


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        (2, (2.0,)),
        ([1, 2], (1.0, 2.0)),
        (np.array([4, 0.5]), (4.0, 0.5)),
        (np.float32(1.5), (1.5,)),
        (range(1, 3), (1.0, 2.0)),
        (None, ()),
        ((), ()),
    ],
)
def test_one_scale_several_or_none(given_, kept):
    for name in SIGMAS:
        found = getattr(FeatureParameters(**{name: given_}), name)
        assert found == kept and all(type(scale) is float for scale in found)


@pytest.mark.parametrize("given_", [np.int16(3), 3, [3], (np.uint8(3),)])
def test_radii_are_whole(given_):
    for name in DISKS:
        (found,) = getattr(FeatureParameters(**{name: given_}), name)
        assert found == 3 and type(found) is int


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ((1, 2), ((1.0, 2.0),)),
        ([[1, 2], (2, 4)], ((1.0, 2.0), (2.0, 4.0))),
        (np.array([[1, 2], [2, 4]]), ((1.0, 2.0), (2.0, 4.0))),
        (None, ()),
        ([], ()),
    ],
)
def test_pairs_of_sigmas(given_, kept):
    found = FeatureParameters(difference_of_gaussians=given_)
    assert found.difference_of_gaussians == kept


def test_projections_and_prefilters():
    assert FeatureParameters(membrane="mean").membrane == ("mean",)
    assert FeatureParameters(membrane=["mean", "sum"]).membrane == ("mean", "sum")
    assert FeatureParameters(median_prefilter=None).median_prefilter == 0.0
    assert type(FeatureParameters(median_prefilter=np.int8(2)).median_prefilter) is float


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        *((name, -1, f"{name} is -1: give sigmas") for name in (*SIGMAS, *PREFILTERS)),
        *((name, 0, f"{name} is 0: give sigmas above 0") for name in ("gaussian", "hessian")),
        ("gaussian", np.nan, "gaussian is nan: give sigmas above 0"),
        ("sobel", np.inf, "sobel is inf: give sigmas 0 or more"),
        ("gaussian", 10**400, "give sigmas above 0"),
        ("gaussian", True, "gaussian is True"),
        ("gaussian", "1", "gaussian is '1'"),
        ("gaussian", (1, 1.0), r"gaussian names a scale twice, \(1.0, 1.0\): give each once"),
        *((name, 0, f"{name} is 0: give radii of whole pixels, 1 or more") for name in DISKS),
        *((name, 2.0, f"{name} is 2.0: give radii") for name in DISKS),
        ("median", True, "median is True"),
        ("median", (3, 3), "median names a scale twice"),
        ("difference_of_gaussians", 1, r"is 1: give pairs \(low, high\)"),
        ("difference_of_gaussians", (1, 2, 3), r"give pairs \(low, high\)"),
        ("difference_of_gaussians", (2, 1), "the low sigma must be below the high one"),
        ("difference_of_gaussians", (1, 1), "the low sigma must be below the high one"),
        ("difference_of_gaussians", (0, 1), "is 0: give sigmas above 0"),
        ("difference_of_gaussians", ((1, 2), (1, 2)), "twice"),
        ("membrane", "variance", "membrane is 'variance': choose some of sum, mean"),
        ("membrane", ("sum", "sum"), "twice"),
        ("median_prefilter", (1,), r"median_prefilter is \(1,\)"),
        ("median_prefilter", "", "median_prefilter is ''"),
    ],
)
def test_what_is_refused(name, value, says):
    with pytest.raises(ValueError, match=says) as caught:
        FeatureParameters(**{name: value})
    assert "\n" not in str(caught.value) and ": " in str(caught.value)


def test_at_least_one_filter_is_on():
    off = dict.fromkeys(["gaussian", "median", "minimum", "maximum", "sobel", "membrane"])
    FeatureParameters(**off)
    with pytest.raises(ValueError, match="no filter is on: give at least one a scale"):
        FeatureParameters(**off, difference_of_gaussians=None)


def test_presets():
    found = {name: FeatureParameters.preset(name) for name in PRESETS}
    assert list(found) == ["default", "intensity", "edges", "texture", "membrane", "all"]
    assert len(set(found.values())) == len(found) and found["default"] == FeatureParameters()
    on = {
        name: {key for key, value in vars(p).items() if value and isinstance(value, tuple)}
        for name, p in found.items()
    }
    assert on["all"] == set(NAMES) - set(PREFILTERS)
    assert on["intensity"] == {"gaussian", *DISKS}
    assert on["edges"] == {"sobel", "laplacian"}
    assert on["texture"] == {"difference_of_gaussians", "hessian"}
    assert on["membrane"] == {"membrane"} and found["membrane"].membrane == PROJECTIONS
    with pytest.raises(ValueError, match="unknown preset 'edge': choose one of default, intensity"):
        FeatureParameters.preset("edge")


def test_they_are_public_and_frozen():
    assert ps.FeatureParameters is FeatureParameters
    with pytest.raises(dataclasses.FrozenInstanceError):
        ps.FeatureParameters().gaussian = (2.0,)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("p.yaml", "gaussian: [1\nmedian: [", r"p.yaml is neither YAML nor JSON \(line 2\)"),
        ("p.json", "gaussian: 2", r"neither YAML nor JSON \(line 1\): write .*'gaussian: \[1.0"),
        ("p.yaml", "", "holds no parameters"),
        ("p.json", "[1]", "holds no parameters"),
        ("p.yaml", "gaussian: 1\nsize: 3", "unknown parameter 'size': choose from gaussian, diff"),
        ("p.yaml", "on: 1", "unknown parameter True"),
        ("p.json", '{"median": [2.5]}', "median is 2.5: give radii of whole pixels"),
        ("p.yaml", "!!python/object/apply:os.getcwd []", "neither YAML nor JSON"),
    ],
)
def test_bad_files_are_told_in_one_line(name, content, says, tmp_path):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=says) as caught:
        FeatureParameters.load(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_what_a_file_does_not_name_is_the_default(tmp_path):
    (tmp_path / "p.yaml").write_text("gaussian: 2\nmembrane:\ndifference_of_gaussians: [1, 2]\n")
    assert FeatureParameters.load(tmp_path / "p.yaml") == FeatureParameters(
        gaussian=2, membrane=None, difference_of_gaussians=(1, 2)
    )
