"""The one fit of a clusterer to the sample of a set of images, and what is to be said of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.blocks.workers import warn
from pspy_dask.pixels.clusterers import Clusterer, ClusterModel, by_intensity, standardised
from pspy_dask.pixels.survey import Survey, SurveyOfPixels

# Shares of noise above which users are told: more is bearable where noise is given a cluster.
_MUCH = {"nearest": 0.5, "zero": 0.25}
_DONE_WITH_NOISE = {"nearest": "belong to the nearest cluster", "zero": "are 0"}


@dataclass(frozen=True)
class FitClusters:
    """The reduction of a set of images to the clusterer fitted on it."""

    partial: SurveyOfPixels
    clusterer: Clusterer

    def merge(self, a: Survey, b: Survey) -> Survey:
        """Return the survey of both."""
        return a.merge(b)

    def finish(self, partial: Survey) -> NDArray[Any]:
        """Return the fitted model, in an array of one object."""
        fitted = np.empty(1, object)
        fitted[0] = fit_clusters(self.clusterer, partial)
        return fitted


def fit_clusters(clusterer: Clusterer, survey: Survey) -> ClusterModel:
    """Return the clusterer fitted on the sample of a survey, in raster order.

    A fit that is likely to be of no use is told in a warning.
    """
    mean, deviation = survey.mean_and_deviation()
    if survey.count == 0:
        warn("no pixel has a value, it or a feature not being finite: all clusters are 0")
        return ClusterModel(mean, deviation, None, ())
    sampled = survey.sample.in_raster_order().rows
    rows = standardised(sampled[:, 1:], mean, deviation)
    _check_sample(rows, clusterer)
    estimator, labels = clusterer.fit(rows)
    complaint = complaint_of(labels, clusterer)
    if complaint:
        warn(complaint)
    return ClusterModel(mean, deviation, estimator, by_intensity(labels, sampled[:, 0]))


def complaint_of(labels: NDArray[np.integer[Any]], clusterer: Clusterer) -> str:
    """Return what is odd about the labels of a sample, or nothing.

    >>> complaint_of(np.zeros(9, int), Clusterer("birch", None, 3))
    'birch finds 1 cluster where 3 are asked for: choose other features or another estimator'
    """
    name, asked = clusterer.name, clusterer.n_clusters
    noise = float(np.mean(labels < 0))
    found = len(np.unique(labels[labels >= 0]))
    remedy = "choose other features or another estimator"
    if found == 0:
        return f"{name} takes all pixels for noise, so that all clusters are 0: {remedy}"
    if asked is not None and found < asked:
        clusters = "1 cluster" if found == 1 else f"{found} clusters"
        return f"{name} finds {clusters} where {asked} are asked for: {remedy}"
    if asked is None and found == 1:
        return f"{name} finds one cluster alone, in which pixels are not told apart: {remedy}"
    if noise > _MUCH[clusterer.noise]:
        done = _DONE_WITH_NOISE[clusterer.noise]
        return f"{name} takes {noise:.0%} of the sampled pixels for noise, which {done}: {remedy}"
    return ""


def _check_sample(rows: NDArray[np.float64], clusterer: Clusterer) -> None:
    """Raise ValueError where there are not as many different pixels as clusters."""
    least = 2 if clusterer.n_clusters is None else clusterer.n_clusters
    different = len(np.unique(rows, axis=0))
    if different < least:
        raise ValueError(
            f"the {len(rows)} sampled pixels have only {different} different features, too few "
            f"for {least} clusters: ask for fewer clusters or more n_samples, or choose images "
            "or features that are not constant"
        )
