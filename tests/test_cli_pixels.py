"""Commands that tell pixels apart: from strokes to a classifier, classes, and particles."""

from __future__ import annotations

import json

import imageio.v3 as imageio
import numpy as np
import pandas as pd
import pytest
import tifffile
import zarr

import pspy_dask as ps
from pspy_dask.datasets import mosaic
from pspy_dask.io.ome_zarr import write_image
from pspy_dask.pixel_parameters import CLUSTERERS
from pspy_dask.pixels.clusterers import ESTIMATORS
from pspy_dask.run import cluster
from tests.commands import DONE, REFUSED, contents, run, told

SIDE = 150


@pytest.fixture(scope="module")
def pixels():
    return np.asarray(mosaic((SIDE, SIDE)).values)


@pytest.fixture(scope="module")
def strokes(pixels):
    """Some of the darkest pixels and some of the brightest."""
    smooth = ps.features(pixels, ps.FeatureParameters.preset("intensity")).values[2]
    low, high = np.quantile(smooth, (0.2, 0.95))
    every = np.zeros(pixels.shape, bool)
    every[::3, ::3] = True
    return np.where(smooth < low, 1, np.where(smooth > high, 2, 0)).astype(np.uint8) * every


@pytest.fixture
def folder(tmp_path, pixels, strokes):
    tifffile.imwrite(tmp_path / "image.tif", pixels)
    ps.write_class_picture(strokes, tmp_path / "strokes.png")
    (tmp_path / "small.yaml").write_text(
        "gaussian: [1, 2]\nmedian: [3]\nminimum: []\nmaximum: []\n"
    )
    return tmp_path


def train(folder, *options, name="a.pixels"):
    features = ("--features", folder / "small.yaml")
    return run(
        "train", folder / name, folder / "image.tif", folder / "strokes.png", *features, *options
    )


def test_from_strokes_to_particles(folder, pixels, strokes, one_cluster):
    options = ("--class-names", "carbon,metal", "--plot", folder / "plot.png")
    done = train(folder, *options)
    assert done.exit_code == DONE, done.output
    assert "out of bag" in done.stdout and "found metal" in done.stdout
    assert imageio.imread(folder / "plot.png").ndim == 3
    fitted = ps.fit_classifier(
        pixels,
        strokes,
        features=ps.FeatureParameters.load(folder / "small.yaml"),
        class_names=["carbon", "metal"],
    )
    classes = fitted.predict(pixels)
    labels = ps.label(classes == 2, min_size=9, clear_border=True).values
    out = folder / "results"
    chosen = ("--particles", "metal", "--min-size", 9, "--chunks", 64)
    done = run("classify", folder / "image.tif", folder / "a.pixels", out, *chosen)
    assert done.exit_code == DONE, done.output
    assert f"{labels.max()} particles" in done.stdout and labels.max() > 2
    home = zarr.open_group(out / "image.ome.zarr", mode="r")
    np.testing.assert_array_equal(home["labels/classes/0"][:], classes.values)
    np.testing.assert_array_equal(home["labels/particles/0"][:], labels)
    shown = home["labels/classes"].attrs["ome"]["image-label"]
    assert [p["class"] for p in shown["properties"]] == ["carbon", "metal"]
    assert [bytes(c["rgba"][:3]).hex() for c in shown["colors"]] == [
        color[1:] for color in fitted.colors
    ]
    table = pd.read_csv(out / "classes.csv")
    assert table["pixels"].tolist() == np.bincount(classes.values.ravel())[1:].tolist()
    assert table["share"].sum() == pytest.approx(1)
    report = (out / "report.html").read_text()
    assert "classified pixel by pixel (random forest, scikit-learn" in report
    assert ">threshold<" not in report and ">min_size<" in report
    assert "Connected pixels of the class “metal” (8-connected) were taken" in report
    for fact in (*fitted.importances.index, "carbon ", "metal ", "seed 0", "out of bag"):
        assert fact in report
    for color, count in zip(table["color"], table["pixels"], strict=True):
        assert f"background: {color}" in report and f">{count:,}<" in report
    assert "metal – the particles" in report and "carbon – the" not in report
    assert report.count("<figcaption><b>Classes in their colours") == 1
    assert imageio.imread(out / "classes.png").shape == (*pixels.shape, 3)


def test_refined_by_more_strokes(folder, strokes, one_cluster):
    assert train(folder).exit_code == DONE
    more = folder / "more.json"
    more.write_text(json.dumps([{"label": 3, "points": [[5, 5], [9, 9]], "radius": 3}]))
    image = folder / "image.tif"
    done = run("train", folder / "b.pixels", image, more, "--start", folder / "a.pixels")
    assert done.exit_code == DONE, done.output
    assert ps.PixelClassifier.load(folder / "b.pixels").class_numbers == (1, 2, 3)
    assert ps.PixelClassifier.load(folder / "a.pixels").class_numbers == (1, 2)


def test_a_classifier_to_start_from_says_what_colours_mean(folder, strokes, one_cluster):
    """Its palette holds the colours of usual classes in another order."""
    colors = ps.class_colors(2)[::-1]
    ps.write_class_picture(strokes, folder / "strokes.png", colors, overwrite=True)
    done = train(folder, "--colors", ",".join(colors))
    assert done.exit_code == DONE, done.output
    again = ("train", folder / "b.pixels", folder / "image.tif", folder / "strokes.png")
    done = run(*again, "--start", folder / "a.pixels", "--class-names", "carbon,metal")
    assert done.exit_code == DONE, done.output
    first, second = (ps.PixelClassifier.load(folder / f"{name}.pixels") for name in "ab")
    assert second.class_names == ("carbon", "metal") and second.colors == colors
    np.testing.assert_array_equal(first.fitted.training.classes, second.fitted.training.classes)


def test_pixels_without_a_value_are_counted(folder, pixels, strokes, one_cluster):
    holes = pixels.astype(np.float32)
    marked = np.argwhere(strokes == 2)
    holes[tuple(marked[:5].T)] = np.nan
    tifffile.imwrite(folder / "image.tif", holes)
    done = train(folder)
    assert done.exit_code == DONE, done.output
    total = np.count_nonzero(strokes)
    said = f"Note: 5 of {total:,} annotated pixels have no value (NaN or infinite) and were left"
    assert said in done.stdout and f"out: 5 of {len(marked):,} of class 2." in done.stdout


def test_warnings_are_told_as_notes(folder, strokes, one_cluster):
    picture = ps.toggle_channels(strokes)
    picture[0, 1] = (120, 60, 200)
    imageio.imwrite(folder / "strokes.png", picture)
    done = train(folder)
    assert done.exit_code == DONE, done.output
    kept = f"{np.count_nonzero(strokes):,} pixels have the colour of a class; 1 of other colours"
    assert f"Note: {folder / 'strokes.png'}: {kept}" in done.stdout
    assert "UserWarning" not in done.output and not done.stderr
    done = train(folder, "--quiet", name="b.pixels")
    assert done.exit_code == DONE and not done.output


def test_names_are_those_of_the_library():
    assert CLUSTERERS == ESTIMATORS


def test_classes_alone_go_into_an_ome_zarr_image(folder, pixels, one_cluster):
    assert train(folder).exit_code == DONE
    path = folder / "m.ome.zarr"
    write_image(mosaic((SIDE, SIDE)), path).run()
    command = ("classify", path, folder / "a.pixels", folder / "out", "--tiff")
    done = run(*command)
    assert done.exit_code == DONE, done.output
    assert {p.name for p in (folder / "out").iterdir()} == {
        "classes.csv",
        "classes.png",
        "labels.tif",
    }
    stored = zarr.open_group(path, mode="r")["labels/classes/0"][:]
    expected = ps.PixelClassifier.load(folder / "a.pixels").predict(pixels).values
    np.testing.assert_array_equal(stored, expected)
    np.testing.assert_array_equal(tifffile.imread(folder / "out/labels.tif"), expected)
    before = contents(folder)
    told(run(*command), REFUSED, "overwrite")
    assert contents(folder) == before


@pytest.mark.parametrize("method", ["kmeans", "hdbscan"])
def test_clusters(folder, pixels, one_cluster, method):
    count = ("--clusters", 2) if method == "kmeans" else ()
    options = ("--features", folder / "small.yaml", "--method", method, "--samples", 400, *count)
    done = run("cluster", folder / "image.tif", folder / "out", *options, "--particles", 2)
    assert done.exit_code == DONE, done.output
    expected = ps.cluster(
        pixels,
        method,
        n_clusters=2 if count else None,
        features=ps.FeatureParameters.load(folder / "small.yaml"),
        n_samples=400,
    ).values
    home = zarr.open_group(folder / "out/image.ome.zarr", mode="r")
    np.testing.assert_array_equal(home["labels/clusters/0"][:], expected)
    found = ps.label(expected == 2, clear_border=True).values
    np.testing.assert_array_equal(home["labels/particles/0"][:], found)
    table = pd.read_csv(folder / "out/classes.csv")
    assert table["pixels"].tolist() == np.bincount(expected.ravel())[1:].tolist()


def test_a_series_on_worker_processes(folder):
    series = mosaic((90, 80), frames=3)
    write_image(series, folder / "s.ome.zarr").run()
    options = ("--features", folder / "small.yaml", "--workers", 1, "--samples", 300)
    done = run("cluster", folder / "s.ome.zarr", folder / "out", *options, "--fit", "image")
    assert done.exit_code == DONE, done.output
    stored = zarr.open_group(folder / "s.ome.zarr", mode="r")["labels/clusters/0"][:]
    features = ps.FeatureParameters.load(folder / "small.yaml")
    each = [ps.cluster(f, features=features, n_samples=300).values for f in series.values]
    np.testing.assert_array_equal(stored, np.stack(each))


@pytest.fixture
def no_cluster(monkeypatch):
    def refuse(**place):
        raise AssertionError("a cluster was started")

    monkeypatch.setattr(cluster, "open_cluster", refuse)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("train", "new.pixels", "image.tif"), "pairs"),
        (("train", "image.tif", "image.tif", "strokes.png"), "overwrite"),
        (("train", "new.pixels", "image.tif", "none.png"), "none.png"),
        (("train", "new.pixels", "image.tif", "strokes.png", "--features", "best"), "preset"),
        (("train", "new.pixels", "image.tif", "strokes.png", "--colors", "#12"), "six"),
        (("train", "new.pixels", "image.tif", "strokes.png", "--start", "no.pixels"), "no.pixels"),
        (("train", "new.pixels", "image.tif", "strokes.png", "--plot", "p.xyz"), "p.xyz is no pic"),
        (("train", "new.pixels", "image.tif", "one.png"), "only class 1"),
        (("train", "new.pixels", "image.tif", "black.png"), "no pixel is annotated"),
        (("train", "new.pixels", "image.tif", "small.png"), r"shape \(9, 9\)"),
        (("train", "new.pixels", "image.tif", "image.tif"), "photograph"),
        (("train", "new.pixels", "image.tif", "strokes.png", "--class-names", "a,b,c"), "names"),
        (("classify", "image.tif", "image.tif", "out"), "classifier"),
        (("classify", "image.tif", "no.pixels", "out"), "no.pixels"),
        (("cluster", "image.tif", "out", "--clusters", 0), "cluster"),
        (("cluster", "image.tif", "out", "--particles", 3), "3"),
        (
            ("cluster", "image.tif", "out", "--watershed", "--min-size", 3),
            "--min-size, --watershed",
        ),
        (("cluster", "image.tif", "out", "--particle-name", "p"), "--particles"),
        (("classify", "image.tif", "no.pixels", "out", "--keep-border"), "--clear-border"),
        (("cluster", "image.tif", "out", "--particles", 2, "--name", "particles"), "name"),
        (("cluster", "image.tif", "out", "--method", "hdbscan", "--clusters", 3), "hdbscan"),
    ],
)
def test_refused_before_any_work(folder, monkeypatch, no_cluster, command, says):
    monkeypatch.chdir(folder)
    for name, labels in (("one", [[0, 1]]), ("black", [[0, 0]]), ("small", [[1, 2]])):
        shape = (9, 9) if name == "small" else (SIDE, SIDE)
        ps.write_class_picture(np.resize(labels, shape), folder / f"{name}.png")
    before = contents(folder)
    told(run(*command), REFUSED, says)
    assert contents(folder) == before


@pytest.mark.parametrize(
    "option",
    ["--method=qda", "--features=edges", "--seed=1", "--balanced", "--max-pixels=9", "--colors=#1"],
)
def test_what_a_start_decides_is_refused_beside_it(folder, no_cluster, option):
    command = ("train", folder / "b.pixels", folder / "image.tif", folder / "strokes.png")
    says = f"{option.split('=')[0]} changes nothing here: what --start FILE was trained with"
    told(run(*command, "--start", folder / "a.pixels", option), REFUSED, says)
