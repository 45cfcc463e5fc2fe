"""ParticleSpy's own names: its scripts run with ``import pspy_dask.api as ps`` for its own import.

What is the same, better or different, and why, is told in ``docs/migration.md``.
"""

from pspy_dask.api.analysis import (
    load,
    particle_analysis,
    particle_analysis_series,
    time_series_analysis,
)
from pspy_dask.api.feature_lists import trainable_parameters
from pspy_dask.api.one_particle import particle
from pspy_dask.api.particle_lists import particle_list, plot
from pspy_dask.api.pixels import (
    classifier_segment,
    cluster_learn,
    cluster_learn_series,
    cluster_trained,
    seg_ui,
    toggle_channels,
)
from pspy_dask.api.radial import plot_profile, radial_profile
from pspy_dask.api.segment_parameters import parameters

# Names of older versions, which its documentation uses, too.
Seg_ui = SegUI = seg_ui
ParticleAnalysis = particle_analysis
ParticleAnalysisSeries = particle_analysis_series
TimeSeriesAnalysis = timeseriesanalysis = time_series_analysis
ClusterLearn = cluster_learn
ClusterLearnSeries = cluster_learn_series
ClusterTrained = cluster_trained
ClassifierSegment = classifier_segment

__all__ = [
    "ClassifierSegment",
    "ClusterLearn",
    "ClusterLearnSeries",
    "ClusterTrained",
    "ParticleAnalysis",
    "ParticleAnalysisSeries",
    "SegUI",
    "Seg_ui",
    "TimeSeriesAnalysis",
    "classifier_segment",
    "cluster_learn",
    "cluster_learn_series",
    "cluster_trained",
    "load",
    "parameters",
    "particle",
    "particle_analysis",
    "particle_analysis_series",
    "particle_list",
    "plot",
    "plot_profile",
    "radial_profile",
    "seg_ui",
    "time_series_analysis",
    "timeseriesanalysis",
    "toggle_channels",
    "trainable_parameters",
]
