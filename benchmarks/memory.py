"""The job on one small worker: its memory must not depend on the size of the image.

``python -m benchmarks.memory [--keep FOLDER] [side ...]``: gaussian 2, Otsu, labels, clear_border,
min_size 20, tables and report, on mosaics of side x side pixels (default 32768 and 65536). Client,
scheduler and the one worker (one thread, 1 GiB) are processes of their own, new for every side.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.command import parser_of
from benchmarks.measure import PeakMemory, found_by, machine

SIDES = (32768, 65536)
LIMIT = "1GiB"
_PATIENCE = 60.0
_PERIOD = 0.05  # s between samples: runs take many minutes
_WARM_UP = 2048  # side of a mosaic whose run fills the cache of compiled kernels


@contextmanager
def started(module: str, *arguments: str) -> Iterator[int]:
    """Run a module of distributed inside; give the id of its process."""
    command = [sys.executable, "-m", f"distributed.cli.{module}", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(_PATIENCE)


def address_in(file: Path) -> str:
    """Return the address that a scheduler wrote into its file, once it has."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        if file.exists() and (text := file.read_text()):
            return str(json.loads(text)["address"])
        time.sleep(0.1)
    raise TimeoutError("the scheduler did not start")


def make(side: int, path: Path) -> None:
    """Write the mosaic chunk by chunk as OME-Zarr, on all cores."""
    from pspy_dask.datasets import mosaic
    from pspy_dask.io.ome_zarr import write_image
    from pspy_dask.run.cluster import open_cluster

    if not path.exists():
        with open_cluster():
            write_image(mosaic((side, side)), path).run()


class StagePeaks:
    """A watcher that notes the largest memory of the worker in each stage of a job."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.peaks: dict[str, int] = {}

    def begin(self, stage: Any) -> None:
        """Start to sample."""
        self._title, self._memory = stage.title, PeakMemory(self._pid, _PERIOD)
        self._memory.__enter__()

    def update(self, fraction: float, chunks: int) -> None:
        """Do nothing."""

    def end(self, seconds: float) -> None:
        """Note the peak."""
        self._memory.__exit__()
        self.peaks[self._title] = self._memory.peak


def count_workers(client: Any) -> None:
    """Have the scheduler count the workers that join it: one more for every restart."""
    from distributed import SchedulerPlugin

    class Census(SchedulerPlugin):  # type: ignore[misc]
        name = "census"
        joined = 0

        def add_worker(self, scheduler: Any, worker: str) -> None:
            self.joined += 1

    client.register_plugin(Census())


def joined(dask_scheduler: Any) -> int:
    return int(dask_scheduler.plugins["census"].joined)


def pauses(client: Any) -> int:
    """Return how often the worker stopped taking tasks for want of memory."""
    events = [e for topic in client.get_events().values() for _, e in topic if isinstance(e, dict)]
    changes = [e for e in events if e.get("action") == "worker-status-change"]
    return sum(e.get("status") == "paused" for e in changes)


def run_one(side: int, folder: str) -> None:
    """Run the job on the mosaic in a folder; print what was measured."""
    from distributed import Client

    from pspy_dask.run.demo import RECIPE
    from pspy_dask.run.job import run_job
    from pspy_dask.run.plan import Job

    image, out = Path(folder) / f"{side}.ome.zarr", Path(folder) / f"{side}-results"
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as inside:
        file = Path(scratch) / "scheduler.json"
        local = ("--host", "127.0.0.1")
        options = ("--port", "0", "--no-dashboard", "--scheduler-file", str(file), *local)
        scheduler = inside.enter_context(started("dask_scheduler", *options))
        address = address_in(file)
        client = inside.enter_context(Client(address))
        count_workers(client)
        options = ("--nthreads", "1", "--memory-limit", LIMIT, "--local-directory", scratch)
        inside.enter_context(started("dask_worker", address, "--no-dashboard", *options))
        client.wait_for_workers(1, timeout=_PATIENCE)
        (worker,) = client.run(os.getpid).values()
        pids = {"worker": worker, "scheduler": scheduler, "client": os.getpid()}
        # The client's children are the other two: its own memory alone counts.
        peaks = {who: inside.enter_context(Resident(pid, _PERIOD)) for who, pid in pids.items()}
        watcher, since = StagePeaks(worker), time.perf_counter()
        job = Job(image, out, RECIPE, overwrite=True)
        results = run_job(job, client, watcher)
        seconds = time.perf_counter() - since
        found = {
            "side": side,
            "chunks": chunk_count(image),
            "particles": results.objects,
            "seconds": seconds,
            "peaks": {who: memory.peak for who, memory in peaks.items()},
            "start": {who: memory.start for who, memory in peaks.items()},
            "restarts": client.run_on_scheduler(joined) - 1,
            "pauses": pauses(client),
            "stages": {t: (results.seconds[t], peak) for t, peak in watcher.peaks.items()},
        }
    print(json.dumps(found))


class Resident(PeakMemory):
    """The largest resident memory of a process without its children."""

    def _resident(self) -> int:
        return int(self._process.memory_info().rss) if self._process.is_running() else 0


def chunk_count(path: Path) -> int:
    """Return the number of chunks that the image is worked through in."""
    import pspy_dask as ps

    return int(ps.open_image(path).data.npartitions)


def report(found: list[dict[str, Any]]) -> None:
    """Print the tables as Markdown."""
    who = ("worker", "scheduler", "client")
    print(f"one worker of one thread and {LIMIT}, {machine()}; peaks of resident memory in MiB\n")
    print(
        "| side | image, GiB | chunks | particles | seconds | MPix/s "
        "| peak of worker | of scheduler | of client | restarts | pauses |"
    )
    print("|" + "---|" * 11)
    for one in found:
        side, peaks = one["side"], one["peaks"]
        print(
            f"| {side} | {2 * side**2 / 2**30:.2f} | {one['chunks']} | {one['particles']} "
            f"| {one['seconds']:.0f} | {side**2 / one['seconds'] / 1e6:.1f} | "
            + " | ".join(f"{peaks[w] / 2**20:.0f}" for w in who)
            + f" | {one['restarts']} | {one['pauses']} |"
        )
    for one in found[1:]:
        ratios = ", ".join(f"{w} {one['peaks'][w] / found[0]['peaks'][w]:.2f}" for w in who)
        print(f"\nPeaks of {one['side']} over those of {found[0]['side']}: {ratios}.")
    print(
        "\n| stage: seconds, peak of worker | " + " | ".join(str(f["side"]) for f in found) + " |"
    )
    print("|" + "---|" * (1 + len(found)))
    for stage in found[0]["stages"]:
        cells = (
            f"{f['stages'][stage][0]:.0f} s, {f['stages'][stage][1] / 2**20:.0f}" for f in found
        )
        print(f"| {stage} | " + " | ".join(cells) + " |")


def main(sides: list[int], keep: str | None) -> None:
    """Make the mosaics, run the job on each and print what it took."""
    found = []
    with ExitStack() as inside:
        folder = keep or inside.enter_context(tempfile.TemporaryDirectory())
        Path(folder).mkdir(parents=True, exist_ok=True)
        for side in (_WARM_UP, *sides):
            make(side, Path(folder) / f"{side}.ome.zarr")
            found.append(found_by("benchmarks.memory", "--one", str(side), folder))
            print(json.dumps(found[-1]), file=sys.stderr, flush=True)
    report(found[1:])


if __name__ == "__main__":
    parser = parser_of("benchmarks.memory", __doc__, processes=True)
    parser.add_argument("sides", nargs="*", type=int, default=SIDES, help="of the mosaics")
    parser.add_argument("--keep", metavar="FOLDER", help="keep mosaics and results here")
    given = parser.parse_args()
    if given.one:
        run_one(int(given.one[0]), given.one[1])
    else:
        main(list(given.sides), given.keep)
