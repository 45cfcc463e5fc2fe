"""Long series of small frames: what memory, time and tasks a frame takes.

``python -m benchmarks.series [frames ...]``: gaussian 1, Otsu, labels, min_size 10 of a mosaic of
256 x 256 pixels a frame (default 200 and 2000 frames), and from them the table of particles, its
links by distance and those by overlap, on dask's threads, in a new process each.
"""

from __future__ import annotations

import json
import time
from typing import Any

from benchmarks.command import parser_of
from benchmarks.measure import PeakMemory, found_by, machine

FRAMES = (200, 2000)
SIDE = 256
WORK = ("region_properties", "link", "link_overlap")
_WARM_UP = 3


def build(work: str, frames: int) -> Any:
    """Return the lazy table of a series."""
    import pspy_dask as ps
    from pspy_dask.datasets import mosaic

    image = mosaic((SIDE, SIDE), frames=frames, chunks=(1, SIDE, SIDE))
    labels = ps.segment(image, gaussian=1.0, min_size=10)
    if work == "link_overlap":
        return ps.link_overlap(labels)
    table = ps.region_properties(labels, image)
    return ps.link(table, distance=4, memory=1) if work == "link" else table


def run_one(work: str, frames: int) -> None:
    """Compute one table; print what was measured."""
    build(work, _WARM_UP).compute(scheduler="threads")
    with PeakMemory() as memory:
        since = time.perf_counter()
        table = build(work, frames)
        tasks = len(table.__dask_graph__())
        built = time.perf_counter() - since
        rows = table.compute(scheduler="threads")
        seconds = time.perf_counter() - since
    found = {
        "work": work,
        "frames": frames,
        "tasks": tasks,
        "built": built,
        "seconds": seconds,
        "rows": len(rows),
        "grown": memory.peak - memory.start,
        "table": int(rows.memory_usage(deep=True).sum()),
    }
    print(json.dumps(found))


def main(lengths: list[int]) -> None:
    """Measure all and print a table as Markdown."""
    print(
        f"{machine()}; frames of {SIDE} x {SIDE}, image and labels {6 * SIDE**2 >> 10} KiB each\n"
    )
    print("| work | frames | rows | tasks a frame | to build, s | ms a frame ", end="")
    print("| memory grows by, MiB | of which the result |")
    print("|" + "---|" * 8)
    for work in WORK:
        for frames in lengths:
            one = found_by("benchmarks.series", "--one", work, str(frames))
            print(
                f"| {work} | {frames} | {one['rows']} | {one['tasks'] / frames:.1f} "
                f"| {one['built']:.2f} | {1e3 * one['seconds'] / frames:.1f} "
                f"| {one['grown'] / 2**20:.0f} | {one['table'] / 2**20:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    parser = parser_of("benchmarks.series", __doc__, processes=True)
    parser.add_argument("frames", nargs="*", type=int, default=FRAMES, help="lengths of series")
    given = parser.parse_args()
    if given.one:
        run_one(given.one[0], int(given.one[1]))
    else:
        main(list(given.frames))
