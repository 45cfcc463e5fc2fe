"""Commands that tell pixels apart: ``train``, ``classify``, ``cluster``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pspy_dask.cli.jobs import console_of, do_job
from pspy_dask.cli.options import (
    channel_of,
    cluster_options,
    object_options,
    options,
    output_options,
    refuse_given,
    source_options,
)
from pspy_dask.cli.telling import EPILOG, bench, reported, tell_training, working
from pspy_dask.parameters import OBJECT_PARAMETERS
from pspy_dask.pixel_parameters import CLASSIFIERS, CLUSTERERS

_OF_THE_START = ("method", "features", "seed", "colors", "balanced", "max_pixels")
_PATH = click.Path(path_type=Path)

feature_options = options(
    click.option(
        "--features",
        metavar="NAME|FILE",
        default="default",
        show_default=True,
        help="default, intensity, edges, texture, membrane, all, or a YAML or JSON file.",
    ),
    click.option("--seed", type=int, default=0, show_default=True, help="Of all that is random."),
)

particle_options = options(
    click.option(
        "--particles", metavar="CLASS", help="Make particles of this class: number or name."
    ),
    object_options,
    click.option(
        "--particle-name", default="particles", show_default=True, help="Name of their labels."
    ),
)


@click.command(epilog=EPILOG)
@click.argument("classifier", type=_PATH)
@click.argument("pairs", nargs=-1, required=True, metavar="IMAGE ANNOTATIONS...")
@click.option(
    "--method",
    type=click.Choice(CLASSIFIERS),
    metavar="NAME",
    default="random_forest",
    show_default=True,
    help=f"One of {', '.join(CLASSIFIERS)}.",
)
@feature_options
@click.option("--class-names", metavar="A,B,...", help="Names of the classes, by their numbers.")
@click.option(
    "--colors",
    metavar="#RRGGBB,...",
    help='Colours that the classes are painted in, in order, such as "#ff0000,#00ff00".',
)
@click.option("--balanced", is_flag=True, help="Train on as many pixels of each class.")
@click.option(
    "--max-pixels",
    type=int,
    default=100_000,
    show_default=True,
    help="Train on so many at the most.",
)
@click.option(
    "--start", type=_PATH, metavar="FILE", help="Add to what the classifier of this file knows."
)
@click.option("--plot", type=_PATH, metavar="FILE", help="Draw how well it does (PNG, SVG, PDF).")
@source_options
@click.option("--overwrite", is_flag=True, help="Replace CLASSIFIER.")
@cluster_options
def train(classifier: Path, pairs: tuple[str, ...], **options: Any) -> None:
    """Train a classifier of pixels on a few strokes, and save it to the file CLASSIFIER.

    ANNOTATIONS say of which class some pixels of the IMAGE before are: a picture (PNG, TIFF) of its
    size painted in one colour a class, or integer labels (TIFF, Zarr, OME-Zarr labels, NumPy), 0
    where nothing is said, or a JSON list of points, lines and polygons.

    \b
    pspy-dask train particles.pixels mosaic.ome.zarr strokes.png
    pspy-dask train particles.pixels image.tif strokes.png --colors "#ff0000,#00ff00"
    pspy-dask train better.pixels other.tif more.png --start particles.pixels
    """  # noqa: D301  # click keeps the lines after a real backspace as they are
    console = console_of(options)
    with reported(options["verbose"], console):
        from pspy_dask.run.class_steps import features_of
        from pspy_dask.run.pixel_jobs import Training, materials_of, run_training

        if options["start"] is not None:
            refuse_given(
                _OF_THE_START, "what --start FILE was trained with counts, so leave it out"
            )
        if len(pairs) % 2:
            raise ValueError("images and annotations come in pairs: give IMAGE ANNOTATIONS each")
        training = Training(
            target=classifier,
            images=pairs[::2],
            annotations=pairs[1::2],
            classifier=options["method"],
            features=features_of(options["features"]),
            class_names=_listed(options["class_names"]),
            colors=_listed(options["colors"]),
            balanced=options["balanced"],
            max_pixels=options["max_pixels"],
            seed=options["seed"],
            start=options["start"],
            plot=options["plot"],
            channel=channel_of(options["channel"]),
            level=options["level"],
            axes=options["axes"],
            overwrite=options["overwrite"],
        )
        materials = materials_of(training)
        with bench(options, console) as (client, watcher, _), working(options["verbose"]):
            done = run_training(training, materials, client, watcher)
        plot = {} if training.plot is None else {"plot": training.plot}
        tell_training(console, done, {"classifier": classifier, **plot})


@click.command(epilog=EPILOG)
@click.argument("image")
@click.argument("classifier", type=_PATH)
@click.argument("results", type=_PATH)
@particle_options
@source_options
@click.option("--name", default="classes", show_default=True, help="Name of the class labels.")
@output_options
@cluster_options
def classify(image: str, classifier: Path, results: Path, **options: Any) -> None:
    """Tell the pixels of IMAGE apart by a trained CLASSIFIER; write classes to the folder RESULTS.

    The classes become labels of the image, a table of their shares and a picture. With
    --particles, particles are made of one class, and measured as "pspy-dask segment" does.

    \b
    pspy-dask classify mosaic.ome.zarr particles.pixels results
    pspy-dask classify mosaic.ome.zarr particles.pixels results --particles 2 --watershed
    """  # noqa: D301  # click keeps the lines after a real backspace as they are
    console = console_of(options)
    with reported(options["verbose"], console):
        from pspy_dask.run.class_steps import classes_by
        from pspy_dask.run.classifier import PixelClassifier

        _check_particles(options)
        fitted, chosen = PixelClassifier.load(classifier), options["particles"]
        classes = classes_by(fitted, name=options["name"], particles=chosen, path=classifier)
        do_job(image, results, options, console, name=options["particle_name"], classes=classes)


@click.command(epilog=EPILOG)
@click.argument("image")
@click.argument("results", type=_PATH)
@click.option(
    "--method",
    type=click.Choice(CLUSTERERS),
    metavar="NAME",
    default="kmeans",
    show_default=True,
    help=f"One of {', '.join(CLUSTERERS)}.",
)
@click.option(
    "--clusters",
    type=int,
    help="How many, where the method asks; after 255 their colours come again.  [default: 2]",
)
@feature_options
@click.option(
    "--samples", type=int, default=20_000, show_default=True, help="Fit on so many pixels."
)
@click.option(
    "--fit",
    type=click.Choice(["series", "image"]),
    default="series",
    show_default=True,
    help="Fit once for all frames, or each frame on its own.",
)
@click.option(
    "--noise",
    type=click.Choice(["nearest", "zero"]),
    default="nearest",
    show_default=True,
    help="What becomes of pixels that a density method leaves out.",
)
@particle_options
@source_options
@click.option("--name", default="clusters", show_default=True, help="Name of the cluster labels.")
@output_options
@cluster_options
def cluster(image: str, results: Path, **options: Any) -> None:
    """Tell the pixels of IMAGE apart without being told how; write clusters to the folder RESULTS.

    Clusters are numbered from dark to bright. They become labels of the image, a table of their
    shares and a picture. With --particles, particles are made of one cluster and measured.

    \b
    pspy-dask cluster mosaic.ome.zarr results --clusters 3
    pspy-dask cluster mosaic.ome.zarr results --particles 2 --min-size 20
    """  # noqa: D301  # click keeps the lines after a real backspace as they are
    console = console_of(options)
    with reported(options["verbose"], console):
        from pspy_dask.run.class_steps import clusters_by, features_of

        _check_particles(options)
        classes = clusters_by(
            options["method"],
            n_clusters=options["clusters"],
            features=features_of(options["features"]),
            n_samples=options["samples"],
            seed=options["seed"],
            fit=options["fit"],
            noise=options["noise"],
            name=options["name"],
            particles=options["particles"],
        )
        do_job(image, results, options, console, name=options["particle_name"], classes=classes)


def _check_particles(options: dict[str, Any]) -> None:
    """Refuse what concerns particles where none are wanted."""
    if options["particles"] is None:
        refuse_given(
            (*OBJECT_PARAMETERS, "particle_name"), "name the class of the particles by --particles"
        )


def _listed(text: str | None) -> list[str] | None:
    return None if text is None else [word.strip() for word in text.split(",")]
