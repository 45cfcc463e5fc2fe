"""What a job is to do, checked before any work, and where its results go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xarray as xr
from numpy.typing import DTypeLike

from pspy_dask.blocks.chunking import ChunksLike
from pspy_dask.blocks.images import require_ascending
from pspy_dask.io.ome_zarr import check_label_name, check_labels_free
from pspy_dask.io.outputs import check_output
from pspy_dask.io.sources import is_ome_zarr, open_image
from pspy_dask.parameters import SegmentationParameters
from pspy_dask.run.classes import ClassStep
from pspy_dask.run.replacing import check_replaceable
from pspy_dask.segmentation.checks import check_recipe, label_type

IMAGE, PARQUET, CSV, TIFF, REPORT, CLASSES, PICTURE = RESULTS = (
    "image.ome.zarr",
    "particles.parquet",
    "particles.csv",
    "labels.tif",
    "report.html",
    "classes.csv",
    "classes.png",
)


@dataclass(frozen=True)
class Job:
    """What to do.

    Attributes
    ----------
    source
        Anything :func:`pspy_dask.open_image` opens.
    out
        Folder for the results; it must not exist unless ``overwrite``.
    parameters
        The recipe.
    name
        Name of the labels in the OME-Zarr image.
    channel, level, chunks, axes
        As in :func:`pspy_dask.open_image`.
    dtype
        Integer type of the labels; None lets the size of the image choose.
    copy_image
        Leave an OME-Zarr source as it is; labels go into a copy of it in ``out``.
    tiff
        Write the labels as TIFF too.
    overwrite
        Replace results of an earlier job; a folder that holds anything else is refused.
    classes
        Tell pixels apart by a model first, of which particles are then made; None: by the
        threshold of the recipe.
    """

    source: Any
    out: Path
    parameters: SegmentationParameters = field(default_factory=SegmentationParameters)
    name: str = "particles"
    channel: int | str | None = None
    level: int = 0
    chunks: ChunksLike = "auto"
    axes: str | None = None
    dtype: DTypeLike | None = None
    copy_image: bool = False
    tiff: bool = False
    overwrite: bool = False
    classes: ClassStep | None = None

    @property
    def finds_particles(self) -> bool:
        """Whether particles are wanted, and not classes of pixels alone."""
        return self.classes is None or self.classes.particles is not None


@dataclass(frozen=True)
class Results:
    """Where the results are and how many objects there are.

    Attributes
    ----------
    outputs
        What was written, and where.
    objects
        Number of objects; None where only pixels were told apart.
    pixels
        Number of pixels of the image.
    seconds
        Time that each stage took.
    notes
        What a user should know before trusting the labels.
    """

    outputs: Mapping[str, Path]
    objects: int | None
    pixels: int
    seconds: Mapping[str, float] = field(default_factory=dict)
    notes: Sequence[str] = ()


def check(job: Job) -> xr.DataArray:
    """Return the image of a job; raise what can be known to be wrong before any work."""
    image = open_image(
        job.source, chunks=job.chunks, channel=job.channel, level=job.level, axes=job.axes
    )
    if job.finds_particles:
        require_ascending(image)
    check_recipe(image, job.parameters)
    label_type(image.shape, job.dtype)
    names = _label_names(job)
    for name in names:
        check_label_name(name)
    if len(set(names)) < len(names):
        raise ValueError(f"classes and particles are both named {job.name!r}: choose another name")
    out = Path(job.out).resolve()
    check_output(out, overwrite=job.overwrite)
    check_replaceable(out, job.source, image.attrs.get("source"), RESULTS)
    if into_source(job):
        for name in names:
            check_labels_free(job.source, name=name, overwrite=job.overwrite)
    return image


def _label_names(job: Job) -> list[str]:
    names = [] if job.classes is None else [job.classes.name]
    return [*names, *([job.name] if job.finds_particles else [])]


def into_source(job: Job) -> bool:
    """Whether labels go into the image that was given."""
    return is_ome_zarr(job.source) and not job.copy_image


def outputs_of(job: Job, home: Path, out: Path) -> dict[str, Path]:
    """Return what a job makes of an image at home, and where it will be."""
    result: dict[str, Path] = {}
    if job.classes is not None:
        result["classes"] = home / "labels" / job.classes.name
        result["share of classes"] = out / CLASSES
        result["picture"] = out / PICTURE
    if job.finds_particles:
        result["labels"] = home / "labels" / job.name
        result["table"] = out / PARQUET
        result["table (CSV)"] = out / CSV
        result["report"] = out / REPORT
    return result | ({"labels (TIFF)": out / TIFF} if job.tiff else {})
