"""ParticleSpy's clusters and classifiers of pixels, and the parameters of their features."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
import skimage.measure
import xarray as xr
from sklearn.cluster import DBSCAN, KMeans
from sklearn.ensemble import RandomForestClassifier
from sklearn.naive_bayes import GaussianNB

import pspy_dask as engine
import pspy_dask.api as ps
from pspy_dask import FeatureParameters
from tests.api.pictures import generated, picture, signal


def small():
    """Return features that are quick to make."""
    params = ps.trainable_parameters(membrane=[[False, 1], *[False] * 6])
    params.set_global_disk_size(2)
    params.set_diff_gaussian(low_sigma=1, high_sigma=3)
    return params


def strokes():
    marks = np.zeros(picture().shape, int)
    marks[2:4, 2:90], marks[38:42, 26:34] = 1, 2
    return marks


def test_defaults_are_those_of_the_engine():
    # The defaults of ParticleSpy 0.6.3 are its lists: sobel alone is smoothed before.
    params = ps.trainable_parameters()
    assert params.gaussian == [True, 1]
    assert params.diff_gaussian == [True, [False, 1], 1, 16]
    assert params.median == params.minimum == params.maximum == [True, [False, 1], 20]
    assert params.sobel == [True, [True, 1]]
    assert params.hessian == params.laplacian == [False, [False, 1]]
    assert params.membrane == [[False, 1], True, False, False, False, False, False]
    assert params.features() == FeatureParameters()


def test_setters_and_global_ones():
    params = ps.trainable_parameters()
    params.set_hessian()
    params.set_laplacian(prefilter=False)
    params.set_membrane(summ=False, mean=False, stddev=False, median=False, prefilter=False)
    params.set_global_sigma(2)
    params.set_global_disk_size(5)
    asked = params.features()
    assert asked.gaussian == asked.sobel == (2.0,)
    assert asked.laplacian == (0.0,)
    assert asked.hessian == (1.0,)
    assert asked.hessian_prefilter == 2.0
    assert asked.median == asked.minimum == asked.maximum == (5,)
    assert asked.membrane == ("maximum", "minimum")  # ParticleSpy tells median and maximum
    params.set_global_prefilter(3)
    asked = params.features()
    assert asked.median_prefilter == asked.membrane_prefilter == asked.difference_prefilter == 3.0


def test_a_filter_that_is_not_enabled_is_off():
    params = ps.trainable_parameters()
    params.set_membrane(enabled=False)
    params.set_sobel(enabled=False)
    assert params.features().membrane == params.features().sobel == ()


def test_objects_do_not_share_their_lists():
    ps.trainable_parameters().set_global_sigma(9)
    given = [True, 4]
    ps.trainable_parameters(gaussian=given).set_global_sigma(9)
    assert ps.trainable_parameters().gaussian == [True, 1]
    assert given == [True, 4]


def test_clusters_of_one_image_and_of_each_of_several():
    image = signal(picture())
    alone = ps.cluster_learn(image, KMeans(2, random_state=0), small())
    assert isinstance(alone, np.ndarray)
    assert set(np.unique(alone)) == {0, 1}
    assert alone[40, 30] == 1  # bright, and so a particle where this is a mask
    assert alone[2, 2] == 0
    both = ps.cluster_learn([image, image], KMeans(2, random_state=0), small())
    np.testing.assert_array_equal(both[1], alone)
    expected = engine.cluster(
        picture(), KMeans(2, random_state=0), features=small().features(), fit="image"
    )
    np.testing.assert_array_equal(alone, np.asarray(expected).astype(int) - 1)
    series = ps.cluster_learn_series([image, signal(picture() + 40)], KMeans(2), small())
    assert [each[40, 30] for each in series] == [1, 1]


def test_noise_is_minus_one():
    image = np.zeros((40, 40))
    image[::13, ::13] = 1
    found = ps.cluster_learn(image, DBSCAN(eps=0.1, min_samples=30), small())
    assert found.min() == -1


def test_results_are_as_lazy_as_the_image():
    lazy = da.from_array(picture(), chunks=(30, 40))
    found = ps.cluster_learn(lazy, KMeans(2, random_state=0), small())
    assert isinstance(found, xr.DataArray)
    assert found.chunks == lazy.chunks
    in_memory = ps.cluster_learn(picture(), KMeans(2, random_state=0), small())
    np.testing.assert_array_equal(np.asarray(found), in_memory)
    mask, clf = ps.cluster_trained(lazy, strokes(), GaussianNB(), small())
    assert isinstance(mask, xr.DataArray)
    expected, _ = ps.cluster_trained(picture(), strokes(), GaussianNB(), small())
    np.testing.assert_array_equal(np.asarray(mask), expected)
    assert isinstance(ps.classifier_segment(clf, signal(picture()).as_lazy()), xr.DataArray)


@pytest.mark.parametrize("make", [GaussianNB, lambda: RandomForestClassifier(10, random_state=0)])
def test_the_classifier_that_was_given_knows_what_the_returned_one_does(make):
    given = make()
    mask, fitted = ps.cluster_trained(signal(picture()), strokes(), given, small())
    assert set(np.unique(mask)) == {1, 2}
    first = ps.classifier_segment(fitted, picture())
    np.testing.assert_array_equal(first, ps.classifier_segment(given, picture(), small()))
    np.testing.assert_array_equal(mask, np.where(strokes() > 0, strokes(), first))
    with pytest.raises(ValueError, match="give the parameters that it was fitted with"):
        ps.classifier_segment(given, picture())


def test_strokes_stay_what_they_were_painted():
    marks = strokes()
    marks[60, 10:13] = 2  # background, which the classifier knows better
    mask, fitted = ps.cluster_trained(picture(), marks, GaussianNB(), small())
    assert (mask[60, 10:13] == 2).all()
    assert (ps.classifier_segment(fitted, picture())[60, 10:13] != 2).any()


def test_painted_pictures_in_particlespys_colours():
    painted = ps.toggle_channels(strokes())
    assert painted[3, 3].tolist() == [163, 0, 21]
    assert painted[40, 30].tolist() == [109, 163, 77]
    np.testing.assert_array_equal(ps.toggle_channels(painted), strokes())
    np.testing.assert_array_equal(ps.toggle_channels(strokes().astype(np.float16)), painted)
    given, _ = ps.cluster_trained(picture(), painted, GaussianNB(), small())
    expected, _ = ps.cluster_trained(picture(), strokes(), GaussianNB(), small())
    np.testing.assert_array_equal(given, expected)


def test_several_images_train_one_classifier():
    images = [signal(picture()), signal(picture()[:, ::-1].copy())]
    marks = [np.where(strokes() == 1, 1, 0), np.where(strokes()[:, ::-1] == 2, 2, 0)]
    masks, fitted = ps.cluster_trained(images, marks, GaussianNB(), small())
    assert len(masks) == 2
    assert fitted.class_numbers == (1, 2)
    assert images[0].data.dtype == np.uint16  # ParticleSpy puts arrays in the place of signals


def test_the_documented_loop_over_images():
    _, clf = ps.cluster_trained(signal(picture()), strokes(), GaussianNB(), small())
    params = generated()
    particles = None
    for image in (signal(picture()), signal(picture()[::-1].copy())):
        mask = ps.classifier_segment(clf, image.data)
        particles = ps.particle_analysis(image, params, particles=particles, mask=mask)
    # Connected pixels of one class are a particle, those of the background too, as in ParticleSpy.
    one = skimage.measure.label(ps.classifier_segment(clf, picture())).max()
    assert len(particles.list) == 2 * one > 4


def test_the_documented_mask_in_black_and_white():
    mask = np.zeros((72, 96, 4), np.uint8)
    mask[38:42, 26:34] = 255
    labels = ps.toggle_channels(mask[:, :, :3], colors=["#000000", "#ffffff"])
    assert labels[0, 0] == 1
    assert labels[40, 30] == 2
    _, clf = ps.ClusterTrained(signal(picture()), labels, GaussianNB(), small())
    assert clf.class_numbers == (1, 2)


def test_classifiers_that_cannot_be():
    with pytest.raises(TypeError, match="no fitted classifier"):
        ps.classifier_segment(GaussianNB(), picture(), small())
    strange = GaussianNB().fit(np.eye(6), [0, 1, 0, 1, 0, 1])
    with pytest.raises(ValueError, match="whole numbers above 0"):
        ps.classifier_segment(strange, picture(), small())
