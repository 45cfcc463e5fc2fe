"""How tests call the command, and what they ask of it when it refuses or fails."""

from __future__ import annotations

import re
from contextlib import contextmanager

import numpy as np
import ome_zarr.format
import ome_zarr.writer
import tifffile
import zarr
from click.testing import CliRunner
from distributed import Client

from pspy_dask.cli import main
from pspy_dask.datasets import mosaic
from pspy_dask.run import cluster

DONE, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130


def run(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


def image_file(folder):
    path = folder / "an image.tif"
    tifffile.imwrite(path, np.asarray(mosaic((160, 140)).values))
    return path


def five_axes_file(folder, pixels, version, *, chunk=64):
    """An OME-Zarr t c z y x of two channels, the second of which holds these pixels."""
    path = folder / "five.ome.zarr"
    root = zarr.open_group(path, mode="w", zarr_format=2 if version == "0.4" else 3)
    names = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}
    ome_zarr.writer.write_image(
        np.stack([0 * pixels, pixels])[None, :, None],
        root,
        axes=[{"name": name, "type": kind} for name, kind in names.items()],
        fmt=ome_zarr.format.FormatV04() if version == "0.4" else ome_zarr.format.FormatV05(),
        scale_factors=[],
        storage_options={"chunks": (1, 1, 1, chunk, chunk)},
    )
    attributes = root.attrs.asdict()
    multiscale = attributes.get("ome", attributes)["multiscales"][0]
    scale = {"type": "scale", "scale": [1, 1, 3, 0.5, 0.5]}
    multiscale["datasets"][0]["coordinateTransformations"] = [scale]
    root.attrs.put(attributes)
    return path


def dots_file(folder):
    """40 x 35 dots, those of the first row and the first column cut by the edge."""
    pixels = np.zeros((160, 140), np.uint8)
    pixels[::4, ::4] = 255
    tifffile.imwrite(folder / "dots.tif", pixels)
    return folder / "dots.tif"


def thread_client():
    """Workers are threads here, so that what a test breaks is broken for them too."""
    options = {"processes": False, "n_workers": 1, "threads_per_worker": 2}
    return Client(**options, dashboard_address=None)


def share(client, monkeypatch):
    """Let all commands use one cluster: to start one takes seconds."""

    @contextmanager
    def shared(**place):
        yield client

    monkeypatch.setattr(cluster, "open_cluster", shared)


def told(done, code, says):
    """One sentence with a cause and a remedy; the command line's own checks show usage first."""
    assert done.exit_code == code, done.output
    *before, last = done.stderr.strip().splitlines()
    assert all(line.startswith(("Usage: ", "Try ")) or not line for line in before), done.stderr
    assert re.fullmatch(r"Error: [^:].*: .+", last), last
    assert re.search(says, last), last
    assert "Traceback" not in done.output


def contents(folder):
    """Everything in a folder and what it holds, so that a change of any of it is seen."""
    found = sorted(folder.rglob("*"))
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in found}
