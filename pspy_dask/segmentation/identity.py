"""Labels numbered by identity: what a look at a part of a large image costs is that part.

The identity of an object is 1 + the position of its first pixel in its frame, the same in every
window that sees all of it. So no chunk waits for another. Windows are those of a lattice of the
image, whatever the chunks: an object has its whole shape where its component lies inside the
windows of all tiles that it meets, as every component does that reaches no farther than ``reach``
pixels beyond a tile. Of larger ones a window judges the part that it sees: it is never too small,
and it may have another identity in the next tile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pspy_dask.blocks.grid import Box, Index, make_grid
from pspy_dask.blocks.images import has_frames, like, spatial_axes
from pspy_dask.blocks.windows import Window, map_windows
from pspy_dask.kernels.parting import SplitRule
from pspy_dask.kernels.pieces import ImageRuns
from pspy_dask.kernels.runs import (
    Components,
    Runs,
    find_runs,
    label_runs,
    measure_components,
    paint,
)
from pspy_dask.kernels.split import split_components
from pspy_dask.kernels.windowed import Lattice
from pspy_dask.segmentation.components import ForegroundFunction, volume_box, volume_shape
from pspy_dask.segmentation.numbering import BlockRows
from pspy_dask.segmentation.placing import in_image, painted
from pspy_dask.segmentation.seams import seam_bits

Ints = NDArray[np.int64]

PLANES, VOLUMES = Lattice(side=512, reach=128), Lattice(side=64, reach=32)


@dataclass(frozen=True)
class IdentityLabels:
    """The labels of a chunk, from the windows of the tiles that it meets.

    Attributes
    ----------
    foreground
        ``foreground(pixels, window, *values)`` is the foreground of the chunk.
    axes
        2 for planes, 3 for volumes.
    rule
        Which objects are kept and, for a watershed, how components are split.
    watershed
        Whether they are.
    lattice
        Tiles and their reach.
    """

    foreground: ForegroundFunction
    axes: int
    rule: SplitRule
    watershed: bool
    lattice: Lattice

    def __call__(
        self, pixels: NDArray[Any], window: Window, *values: NDArray[Any]
    ) -> NDArray[np.int64]:
        """Return the labels of the chunk."""
        core, shape = volume_box(window.core), volume_shape(window.shape)
        seen = self._seen(window.core, window.shape)
        mask = self.foreground(pixels, window._replace(core=seen), *values)
        seen = volume_box(seen)
        mask = mask.reshape(seen.shape)
        labels = np.zeros(core.shape, np.int64)
        for low, high in self.lattice.tiles(*core, shape):
            start, stop = self.lattice.window(low, high, shape)
            view, tile = _box(start, stop), _box(low, high).overlap(core)
            found = self._window_labels(mask[view.within(seen)], view, shape)
            labels[tile.within(core)] = found[tile.within(view)]
        return labels.reshape(window.core.shape)

    def _seen(self, core: Box, shape: Index) -> Box:
        """Return the box of the windows of all tiles that the chunk meets."""
        windows = [self.lattice.window(*t, shape) for t in self.lattice.tiles(*core, shape)]
        return _box(windows[0][0], windows[-1][1])

    def _window_labels(self, mask: NDArray[np.bool_], box: Box, shape: Index) -> Ints:
        runs = find_runs(mask)
        component = label_runs(runs, box.shape[0])
        found = measure_components(runs, component, box.shape)
        seams, edges = seam_bits(box, shape, self.axes)
        is_cut = found.faces & seams > 0
        if self.watershed:
            return self._split(runs, component, is_cut, box, shape)
        kept = is_cut | (found.area >= self.rule.min_size)
        if self.rule.clear_border:
            kept &= found.faces & edges == 0
        return paint(
            runs, np.where(kept, _identities(found, box, shape), 0)[component], box.shape, np.int64
        )

    def _split(
        self, runs: Runs, component: Ints, is_cut: NDArray[np.bool_], box: Box, shape: Index
    ) -> Ints:
        whole, labels = in_image(runs, box, shape), np.zeros(box.shape, np.int64)
        lenient = self.rule._replace(min_size=0)
        for chosen, rule in ((~is_cut, self.rule), (is_cut, lenient)):
            pieces, _ = split_components(whole, component, np.flatnonzero(chosen), shape, rule)
            identity = pieces.first_row * shape[2] + pieces.first_x + 1
            objects = ImageRuns(pieces.row, pieces.first, pieces.stop)
            labels += painted(objects, identity[pieces.owner], box, shape, np.int64)
        return labels


def identity_labels(
    image: xr.DataArray,
    foreground: ForegroundFunction,
    halo: int,
    rule: SplitRule,
    *,
    watershed: bool,
    values: Sequence[Any],
) -> xr.DataArray:
    """Return the lazy labels, numbered by identity, of the foreground a function finds."""
    frames = has_frames(image)
    axes = len(spatial_axes(image))
    lattice = PLANES if axes == 2 else VOLUMES
    # Windows are small enough to be flooded whole; what reaches beyond them is split as seen.
    unbounded = rule._replace(budget=2**62, exact=False)
    grid = make_grid(image.data.chunks[1:] if frames else image.data.chunks)
    data = map_windows(
        image.data,
        IdentityLabels(foreground, axes, unbounded, watershed, lattice),
        halo=tuple(lattice.margin(edges) + halo for edges in grid.edges),
        dtype=np.int64,
        frames=frames,
        values=values,
    )
    return like(image, data, "labels")


def _identities(found: Components, box: Box, shape: Index) -> Ints:
    row = BlockRows(box, shape).image(found.row)
    return np.asarray(row * shape[2] + found.x + box.start[2] + 1)


def _box(low: Ints, high: Ints) -> Box:
    return Box(tuple(map(int, low)), tuple(map(int, high)))
