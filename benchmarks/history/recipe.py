"""The recipe from OME-Zarr to Zarr with each threshold: seconds, peak memory, tasks a chunk."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from benchmarks.candidates import ours
from benchmarks.recipes import RECIPES, tasks_of, write_mosaic

_SIDE = 2048


class Recipe:
    """A recipe on a mosaic of 2048 x 2048 pixels, on one core."""

    params = tuple(RECIPES)
    param_names = ("threshold",)

    def setup(self, name: str) -> None:
        """Write the mosaic and run the recipe once, so that it is compiled."""
        self.folder = tempfile.mkdtemp()
        self.path = str(Path(self.folder) / "mosaic.ome.zarr")
        write_mosaic(_SIDE, self.path)
        self.work = ours.prepare(self.path, dict(RECIPES[name]))
        self.work()

    def teardown(self, name: str) -> None:
        """Remove the mosaic."""
        shutil.rmtree(self.folder)

    def time_recipe(self, name: str) -> None:
        """Time it."""
        self.work()

    def peakmem_recipe(self, name: str) -> None:
        """Watch the memory of the process."""
        self.work()

    def track_tasks_a_chunk(self, name: str) -> float:
        """Count tasks."""
        return tasks_of(RECIPES[name])
