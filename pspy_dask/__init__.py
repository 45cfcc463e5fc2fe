"""Segment huge images into labelled particles: the same result whatever the chunking."""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    from pspy_dask.feature_parameters import FeatureParameters
    from pspy_dask.io.annotations import open_annotations, write_class_picture
    from pspy_dask.io.masks import label_mask
    from pspy_dask.io.particle_files import load_particles, save_particles
    from pspy_dask.io.sources import open_image
    from pspy_dask.io.spectra import open_spectra
    from pspy_dask.io.tables import read_table, write_csv, write_parquet
    from pspy_dask.parameters import SegmentationParameters
    from pspy_dask.particles.dataset import table_as_dataset
    from pspy_dask.particles.drift import drift, subtract_drift
    from pspy_dask.particles.grouping import cluster_particles
    from pspy_dask.particles.linking import link
    from pspy_dask.particles.overlap import link_overlap
    from pspy_dask.particles.particle import Particle
    from pspy_dask.particles.particle_list import Particles
    from pspy_dask.particles.plots import plot_over_time, plot_properties
    from pspy_dask.particles.properties import region_properties
    from pspy_dask.particles.radial import radial_profile
    from pspy_dask.particles.spectra import sum_spectra
    from pspy_dask.pixels.clustering import cluster
    from pspy_dask.pixels.colors import toggle_channels
    from pspy_dask.pixels.features import features
    from pspy_dask.pixels.palettes import class_colors
    from pspy_dask.pixels.shapes import Line, Points, Polygon
    from pspy_dask.run.classifier import PixelClassifier
    from pspy_dask.run.fitting import fit_classifier
    from pspy_dask.run.particles import find_particles
    from pspy_dask.segmentation.labels import flooding, label, watershed
    from pspy_dask.segmentation.objects import clear_border, remove_small_objects
    from pspy_dask.segmentation.recipe import foreground, segment, threshold

__all__ = [
    "FeatureParameters",
    "Line",
    "Particle",
    "Particles",
    "PixelClassifier",
    "Points",
    "Polygon",
    "SegmentationParameters",
    "class_colors",
    "clear_border",
    "cluster",
    "cluster_particles",
    "drift",
    "features",
    "find_particles",
    "fit_classifier",
    "flooding",
    "foreground",
    "label",
    "label_mask",
    "link",
    "link_overlap",
    "load_particles",
    "open_annotations",
    "open_image",
    "open_spectra",
    "plot_over_time",
    "plot_properties",
    "radial_profile",
    "read_table",
    "region_properties",
    "remove_small_objects",
    "save_particles",
    "segment",
    "subtract_drift",
    "sum_spectra",
    "table_as_dataset",
    "threshold",
    "toggle_channels",
    "watershed",
    "write_class_picture",
    "write_csv",
    "write_parquet",
]

# Imported when they are first asked for: it takes seconds, in which the command is to answer.
_HOMES = {
    "FeatureParameters": "feature_parameters",
    "Line": "pixels.shapes",
    "Particle": "particles.particle",
    "Particles": "particles.particle_list",
    "PixelClassifier": "run.classifier",
    "Points": "pixels.shapes",
    "Polygon": "pixels.shapes",
    "SegmentationParameters": "parameters",
    "class_colors": "pixels.palettes",
    "clear_border": "segmentation.objects",
    "cluster": "pixels.clustering",
    "cluster_particles": "particles.grouping",
    "drift": "particles.drift",
    "features": "pixels.features",
    "find_particles": "run.particles",
    "fit_classifier": "run.fitting",
    "flooding": "segmentation.labels",
    "foreground": "segmentation.recipe",
    "label": "segmentation.labels",
    "label_mask": "io.masks",
    "link": "particles.linking",
    "link_overlap": "particles.overlap",
    "load_particles": "io.particle_files",
    "open_annotations": "io.annotations",
    "open_image": "io.sources",
    "open_spectra": "io.spectra",
    "plot_over_time": "particles.plots",
    "plot_properties": "particles.plots",
    "radial_profile": "particles.radial",
    "read_table": "io.tables",
    "region_properties": "particles.properties",
    "remove_small_objects": "segmentation.objects",
    "save_particles": "io.particle_files",
    "segment": "segmentation.recipe",
    "subtract_drift": "particles.drift",
    "sum_spectra": "particles.spectra",
    "table_as_dataset": "particles.dataset",
    "threshold": "segmentation.recipe",
    "toggle_channels": "pixels.colors",
    "watershed": "segmentation.labels",
    "write_class_picture": "io.annotations",
    "write_csv": "io.tables",
    "write_parquet": "io.tables",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return version("pspy-dask")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
