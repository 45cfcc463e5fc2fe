"""ParticleSpy's parameters of the automatic segmentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pspy_dask.io.particlespy_files import read_parameters, user_file, write_parameters
from pspy_dask.parameters import LOCAL_METHODS, SegmentationParameters

_SEGMENT = (
    *("threshold", "watershed", "watershed_size", "watershed_erosion", "invert", "min_size"),
    *("rb_kernel", "gaussian", "local_size"),
)
_NAMES = {
    "segment": _SEGMENT,
    "store": ("store_im", "pad", "store_maps", "p_only"),
    "eds": ("method", "elements", "factors"),
}


class parameters:  # noqa: N801
    """Parameters of an analysis, in ParticleSpy's three dictionaries.

    Attributes
    ----------
    segment
        What `generate` sets about the segmentation.
    store
        Whether particles keep an image of their own, ``store_im``; how many pixels around it,
        ``pad``; whether without all that is not the particle, ``p_only``; and whether maps of
        elements, ``store_maps``.
    eds
        What `generate_eds` sets.

    Examples
    --------
    >>> params = parameters()
    >>> params.generate(threshold="li", rb_kernel=60)
    >>> params.segment["min_size"] = 20
    >>> params.recipe().rolling_ball, params.recipe().min_size
    (60, 20)
    """

    segment: dict[str, Any]
    store: dict[str, Any]
    eds: dict[str, Any]

    def generate(
        self,
        threshold: str = "otsu",
        watershed: bool = False,
        watershed_size: int = 0,
        watershed_erosion: int = 0,
        invert: bool = False,
        min_size: int = 0,
        store_im: bool = False,
        pad: int = 5,
        rb_kernel: int = 0,
        gaussian: float = 0,
        local_size: int = 1,
    ) -> None:
        """Set the parameters of the segmentation, and those of EDS to their defaults.

        Parameters
        ----------
        threshold
            As in :class:`pspy_dask.SegmentationParameters`.
        watershed, watershed_size, watershed_erosion
            Whether to part particles that touch; the least distance between markers, 0 being as
            :class:`pspy_dask.SegmentationParameters` chooses; by how much to erode before they
            are found.
        invert
            True where particles are dark.
        min_size
            Particles of fewer pixels are dropped.
        store_im, pad
            Whether each particle keeps an image, and how many pixels are around it.
        rb_kernel
            Side of the footprint of the top-hat, 0 for none.
        gaussian
            Standard deviation of the smoothing.
        local_size
            Side of the neighbourhood of a local threshold, odd; the radius of the disk for
            ``local_otsu`` and ``lg_otsu``.
        """
        self.segment = {
            "threshold": threshold,
            "watershed": watershed,
            "watershed_size": watershed_size,
            "watershed_erosion": watershed_erosion,
            "invert": invert,
            "min_size": min_size,
            "rb_kernel": rb_kernel,
            "gaussian": gaussian,
            "local_size": local_size,
        }
        self.store = {"store_im": store_im, "pad": pad, "p_only": False}
        self.generate_eds()

    def generate_eds(
        self,
        eds_method: Any = False,
        elements: Any = False,
        factors: Any = False,
        store_maps: bool = False,
    ) -> None:
        """Set how EDS data are quantified: method, elements and factors, and keep maps or not."""
        self.eds = {"method": eds_method, "elements": elements, "factors": factors}
        self.store["store_maps"] = store_maps

    def save(self, filename: str | Path | None = None) -> None:
        """Write ParticleSpy's HDF5 file; without a name the one that `load` reads without."""
        path = _current() if filename is None else Path(filename)
        if filename is None:
            path.parent.mkdir(parents=True, exist_ok=True)
        write_parameters(path, {name: getattr(self, name) for name in _NAMES})

    def load(self, filename: str | Path | None = None) -> None:
        """Read ParticleSpy's HDF5 file; without a name the one saved last without.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ValueError
            It holds no such parameters.
        """
        groups = read_parameters(_current() if filename is None else filename, _NAMES)
        for name, values in groups.items():
            setattr(self, name, values)

    def recipe(self) -> SegmentationParameters:
        """Return what they ask for, as :func:`pspy_dask.segment` takes it.

        Raises
        ------
        ValueError
            One is out of range, or nothing was generated or loaded.
        """
        if not hasattr(self, "segment"):
            raise ValueError("the parameters are empty: call generate() or load() first")
        asked = self.segment
        method = asked["threshold"]
        size = {}
        if method in LOCAL_METHODS:
            by_disk = method in ("local_otsu", "lg_otsu")
            size["local_size"] = 2 * asked["local_size"] + 1 if by_disk else asked["local_size"]
        return SegmentationParameters(
            threshold=method,
            rolling_ball=asked["rb_kernel"],
            gaussian=asked["gaussian"],
            invert=bool(asked["invert"]),
            min_size=asked["min_size"],
            watershed=bool(asked["watershed"]),
            watershed_separation=asked["watershed_size"] or None,
            watershed_erosion=asked["watershed_erosion"],
            **size,
        )


def _current() -> Path:
    return user_file("parameters_current.hdf5")
