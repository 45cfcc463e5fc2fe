"""The command ``pspy-dask``."""

from __future__ import annotations

import click

from pspy_dask.cli.pixels import classify, cluster, train
from pspy_dask.cli.segment import demo, info, segment


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="pspy-dask")
def main() -> None:
    """Segment huge micrographs into labelled particles.

    The image may be far larger than memory; the result is the same, bit for bit, whatever the
    chunking. Start with "pspy-dask demo", then "pspy-dask segment IMAGE RESULTS".
    """


for command in (segment, train, classify, cluster, demo, info):
    main.add_command(command)
