"""A write of a pyramid that has begun: its lazy steps, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dask.array as da
import zarr

from pspy_dask.io.ome_metadata import Version
from pspy_dask.io.outputs import remove, replace_folder
from pspy_dask.io.pyramid import Level, Method, build_level, store
from pspy_dask.io.zarr_groups import consolidate_again, labels_group, list_labels


@dataclass(frozen=True, eq=False)
class PyramidWrite:
    """A write that has begun: what is to be stored where, and how it is finished.

    Parameters
    ----------
    data
        Pixels of level 0.
    group
        The group that holds the arrays of the levels while they are written.
    levels
        Levels, largest first.
    method, version
        How a level is made of the one before; the version of OME-Zarr.
    folder, target
        Folder that is written to and the one that it becomes; None where the store cannot
        rename, and the group has its final name from the start.
    image, name
        Image whose labels are written and the name that it lists once they are complete.
    """

    data: da.Array = field(repr=False)
    group: zarr.Group
    levels: tuple[Level, ...]
    method: Method
    version: Version
    folder: Path | None = None
    target: Path | None = None
    image: zarr.Group | None = None
    name: str | None = None

    def steps(self) -> tuple[da.Array, ...]:
        """Return the writes of the levels, lazy; each must end before the next one starts.

        The value of a step is the number of pixels that each of its tasks wrote.
        """
        return tuple(self.step(k) for k in range(len(self.levels)))

    def step(self, level: int) -> da.Array:
        """Return the lazy write of one level, which reads the stored level before it."""
        layout, target = self.levels[level].layout, self.array(level)
        if level == 0:
            return store(self.data, target, layout)
        return build_level(self.array(level - 1), target, layout, self.method)

    def finish(self) -> None:
        """Give the complete pyramid its name, replacing an older one, and list it."""
        if self.folder is not None and self.target is not None:
            replace_folder(self.folder, self.target)
        if self.image is not None and self.name is not None:
            list_labels(labels_group(self.image, self.version), self.name)
            consolidate_again(self.image)

    def discard(self) -> None:
        """Remove what was written, as if the write had never begun; an older result stays."""
        if self.folder is not None:
            remove(self.folder)
        elif self.image is not None:
            del self.image[f"labels/{self.name}"]

    def run(self) -> None:
        """Compute all steps where dask computes, finish, and discard the write if that fails."""
        try:
            for step in self.steps():
                step.compute()
            self.finish()
        except BaseException:
            self.discard()
            raise

    def array(self, level: int) -> zarr.Array[Any]:
        """Return the Zarr array of a level, where it is while it is written."""
        array = self.group[self.levels[level].path]
        if not isinstance(array, zarr.Array):
            raise TypeError(f"{array.store_path} is a group: remove the output and start again")
        return array
