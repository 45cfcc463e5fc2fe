"""Figures as sections of the page: text and tables in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from benchmarks import scaling

Row = dict[str, Any]
_THREADS = 1.8  # how much faster two threads are to be
_STEPS = ("build", "optimize", "order", "submit")


def kernels(found: list[Row]) -> str:
    """Return the section of the kernels."""
    slow = "; ".join(r["name"] for r in found if r["two_threads"] < _THREADS)
    short = f"below {_THREADS:g}x are {slow}" if slow else f"none is below {_THREADS:g}x"
    return f"""## Kernels

Up to 4096 x 4096 pixels, seconds of one core; slow references are timed on a part. "AVX2 alone" is
the ratio of code for a processor that has no wider vectors, in a run of its own: half is asked.
"Two threads" do two images, against one thread that does one after the other: {_THREADS:g}x is
asked; {short}. Cleaning labels is mostly dask's joining of chunks, and
results of 8 bytes a pixel are fresh memory, for which threads wait. A kernel is one task a chunk.
Bytes are those by which resident memory grows, the result included: ours / theirs. Where
dask-image works in chunks, of 2048 x 2048, ours has the whole; its other filters are SciPy's on
each chunk, as ParticleSpy's are scikit-image's.

{_compared("kernel", found)}"""


def pixels(found: Row) -> str:
    """Return the section of features and classifiers."""
    peaks = ", ".join(
        f"{r['peak'] / 2**20:.0f} MiB at {r['side']} x {r['side']}" for r in found["memory"]
    )
    return f"""## Features and classifier

At most {found["side"]} x {found["side"]} pixels, all features and classes at most 2048 x 2048;
seconds of one core. Theirs are timed on a part, from 256 x 256 pixels. Ours are lazy, one chunk a
task; features and forest are one task. The forests were fitted on 4000 pixels of the mosaic; where
labels are mistaken their trees are larger.

{_compared("what", found["rows"])}
Peak memory of a process that predicts in chunks of at most 1024 x 1024: {peaks}.
"""


def recipes(found: Row) -> str:
    """Return the section of the recipes."""
    rows = [
        [
            r["recipe"],
            str(r["side"]),
            r["who"],
            _seconds(r["seconds"]),
            f"{r['speed']:.1f}",
            "" if r["who"] == "pspy_dask" else f"{r['ratio']:.1f}x",
            f"{r['peak'] / 2**20:.0f}",
            f"{r['tasks']:.1f}" if r["tasks"] else "",
            str(r["objects"]),
        ]
        for r in found["rows"]
    ]
    columns = ["threshold", "side", "who", "seconds", "MPix/s", "ratio", "peak, MiB"]
    return f"""## The recipe

Gaussian 2, threshold, `clear_border`, `min_size` 20 on uint16 mosaics, one core
each. pspy_dask and scikit-image read OME-Zarr and write labels to Zarr ("table": measure them
instead); dask-image stops at labels in memory, without border and size; ParticleSpy has the image
in memory and leaves the labels there. Peaks are those of whole processes, libraries included.
{found["particlespy"]}

{table([*columns, "tasks a chunk", "objects"], rows)}"""


def agreement(found: Row) -> str:
    """Return the section of the partition."""
    return f"""## Agreement of the watershed

All particles of {found["side"]} x {found["side"]} pixels: {found["ours"]} here,
{found["theirs"]} by scikit-image; adjusted Rand index {found["rand"]:.6f}. What differs are pixels
of equal priority; {found["left_out"]} pixels that scikit-image leaves without a label do not count.
"""


def objects(found: list[Row]) -> str:
    """Return the section of the tables of properties."""
    rows = [
        [
            str(r["objects"]),
            r.get("what", "intensities"),
            _seconds(r["ours"]),
            _seconds(r["theirs"]),
            f"{r['side'] ** 2 / 1e6 / r['ours'][0]:.1f}",
            f"{r['ratio']:.1f}x",
            " / ".join(f"{bytes_ / 2**20:.0f}" for bytes_ in r["memory"]),
        ]
        for r in found
    ]
    columns = ["objects", "columns", "seconds, ours", "seconds, `regionprops_table`"]
    columns += ["MPix/s, ours", "ratio", "MiB more"]
    return f"""## Properties of objects

Discs on a lattice that fill the same pixels ({found[0]["side"]} a side): sizes and intensities, or
all that a shape has, from area to convex hull, perimeters and moments; how much resident memory
grows: ours / theirs.

{table(columns, rows)}"""


def analysis(found: Row) -> str:
    """Return the section of ParticleSpy's analysis."""
    rows = [
        [
            str(r["objects"]),
            str(r["side"]),
            r["who"],
            f"{r['seconds']:.3g}",
            f"{r['side'] ** 2 / 1e6 / r['seconds']:.3g}",
            f"{1e3 * r['seconds'] / r['objects']:.3g}",
            f"{r['peak'] / 2**20:.0f}",
        ]
        for r in found["rows"]
    ]
    columns = ["particles", "side", "who", "seconds", "MPix/s", "ms a particle", "peak, MiB"]
    return f"""## ParticleSpy's analysis

`particle_analysis` by the same script on one core: discs under Otsu's threshold, all properties and
masks, in memory. Peaks are those of whole processes. {found["particlespy"]}

{table(columns, rows)}"""


def components(found: Row) -> str:
    """Return the section of the connected components."""
    rows = [
        [
            r["who"],
            _seconds(r["seconds"]),
            f"{found['side'] ** 2 / 1e6 / r['seconds'][0]:.1f}",
            f"{r['ratio']:.1f}x",
            f"{r['memory'] / 2**20:.0f}",
            f"{r['tasks']:.1f}" if r["tasks"] else "",
            str(r["components"]),
        ]
        for r in found["rows"]
    ]
    return f"""## Connected components

A mask of {found["side"]} x {found["side"]} pixels in chunks of 2048 x 2048, one core.

{table(["who", "seconds", "MPix/s", "ratio", "MiB more", "tasks a chunk", "components"], rows)}"""


def clusters(found: list[Row]) -> str:
    """Return the section of scaling."""
    rows = [
        [
            str(r["side"]),
            r["who"],
            _seconds(r["seconds"]),
            f"{r['side'] ** 2 / 1e6 / r['seconds'][0]:.1f}",
            f"{r['speed_up']:.2f}x",
        ]
        for r in found
    ]
    fits = {who: scaling.exponent(found, who) for who in scaling.SHAPES}
    known = [f"{who} {p:.2f}" for who, p in fits.items() if p is not None]
    grown = f"Seconds grow with the pixels to the power of: {', '.join(known)}." if known else ""
    columns = ["side", "cluster", "seconds", "MPix/s", "over 1 worker"]
    return f"""## Scaling

The recipe with watershed from OME-Zarr to Zarr; every worker and every thread has a core of its
own, which scheduler and client share. {grown}

{table(columns, rows)}"""


def memory(found: Row) -> str:
    """Return the section of the memory of a small worker."""
    rows = [
        [
            r["image"],
            str(r["side"]),
            str(r["objects"]),
            f"{r['seconds']:.1f}",
            r["limit"],
            f"{r['start'] / 2**20:.0f}",
            f"{(r['peak'] - r['start']) / 2**20:.0f}",
            str(r["giants"]),
            f"{100 * r['disagreement']:.2g} %",
            str(r["restarts"]),
        ]
        for r in found["rows"]
    ]
    columns = ["image", "side", "objects", "seconds", "worker", "MiB before", "MiB above"]
    up, down = (found["exchange"][k] / 1000 for k in ("joined", "told"))
    return f"""## Memory of the watershed

The recipe with watershed on one worker of one thread, in chunks of 2048 x 2048, and the watershed
of hostile masks: resident memory before, and how far its peak is above; components too large for
the worker, flooded window by window, and in how far windows disagree. A chunk of the mosaic of
{found["exchange_side"]} exchanges {up:.1f} kB up and {down:.1f} kB down.

{table([*columns, "beyond the budget", "disagreement", "restarts"], rows)}"""


def plan(found: list[Row]) -> str:
    """Return the section of planning."""
    rows = [
        [
            str(r["chunks"]),
            f"{r['tasks']:.2f}",
            *(f"{r[k]:.2f} s" if r[k] is not None else "" for k in _STEPS),
            f"{r['bytes'] / 2**20:.1f}",
            _mebibytes(r["scheduler"], " (simulated)" if r["simulated"] else ""),
        ]
        for r in found
    ]
    columns = ["chunks", "tasks a chunk", *_STEPS, "graph, MiB"]
    return f"""## Planning

The graph of the recipe with watershed for chunks of 2048 x 2048, not run. "optimize" makes the
tasks that are sent; submitting includes it and ordering. What is simulated follows from the memory
of a task in the largest plan that was submitted.

{table([*columns, "scheduler, MiB"], rows)}"""


def compilation(found: list[Row]) -> str:
    """Return the section of first calls."""
    rows = [[r["recipe"], f"{r['compiled']:.1f} s", f"{r['cached']:.1f} s"] for r in found]
    return f"""## First call

What the first call of recipe and table costs in a new process beyond later ones.

{table(["recipe", "kernels compiled", "kernels in the cache"], rows)}"""


SECTIONS: dict[str, Callable[[Any], str]] = {
    "kernels": kernels,
    "pixels": pixels,
    "recipes": recipes,
    "agreement": agreement,
    "objects": objects,
    "analysis": analysis,
    "components": components,
    "scaling": clusters,
    "memory": memory,
    "plan": plan,
    "compilation": compilation,
}


def table(columns: list[str], rows: Iterable[list[str]]) -> str:
    """Return a table in Markdown."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def _compared(what: str, found: list[Row]) -> str:
    """Return the table of comparisons."""
    rows = [
        [
            r["name"],
            r["against"],
            _span(r["ours"]),
            _span(r["theirs"]),
            f"{r['ratio']:.1f}x",
            f"{r['least']:g}x" if r["least"] else "",
            *([f"{r['avx2']:.1f}x" if r["avx2"] else ""] if "avx2" in r else []),
            "bit for bit" if r["difference"] == 0 else f"{r['difference']:.1g}",
            f"{r['two_threads']:.2f}x",
            f"{r['memory'][0]:.0f} / {r['memory'][1]:.0f}",
        ]
        for r in found
    ]
    columns = [what, "against", "MPix/s, ours", "MPix/s, theirs", "ratio", "asked"]
    columns += ["AVX2 alone"] if "avx2" in found[0] else []
    columns += ["difference", "two threads", "bytes a pixel"]
    return table(columns, rows)


def _span(values: list[float]) -> str:
    return f"{values[0]:.3g} ({values[1]:.3g} to {values[2]:.3g})"


def _mebibytes(number: float | None, remark: str) -> str:
    return "" if number is None else f"{number / 2**20:.0f}{remark}"


def _seconds(values: list[float]) -> str:
    return f"{values[0]:.2f} ({values[1]:.2f} to {values[2]:.2f})"
