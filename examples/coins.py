"""Train on a few strokes, tell the pixels of an image apart, count what is found.

    python examples/coins.py

writes ``coins.png``: the strokes, and the coins that were found.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from skimage.data import coins
from skimage.segmentation import mark_boundaries

import pspy_dask as ps

TABLE, COIN = 1, 2
STROKES = [
    ps.Line(TABLE, [(12, 10), (12, 290)], width=5),
    ps.Line(TABLE, [(82, 15), (82, 290)], width=5),
    ps.Line(TABLE, [(152, 20), (152, 310)], width=5),
    ps.Line(TABLE, [(222, 85), (222, 310)], width=5),
    ps.Line(TABLE, [(293, 80), (293, 270)], width=5),
    ps.Line(TABLE, [(290, 8), (150, 8)], width=3),
    # The table is bright between the coins at the top, and dark in the corners at the right.
    ps.Line(TABLE, [(25, 20), (78, 20)], width=3),
    ps.Line(TABLE, [(32, 72), (78, 72)], width=3),
    ps.Line(TABLE, [(34, 127), (40, 126)], width=3),
    ps.Line(TABLE, [(68, 127), (78, 127)], width=3),
    ps.Line(TABLE, [(25, 184), (78, 186)], width=3),
    ps.Line(TABLE, [(25, 244), (78, 246)], width=3),
    ps.Line(TABLE, [(15, 375), (140, 380)], width=3),
    ps.Line(TABLE, [(228, 379), (248, 379)], width=3),
    ps.Line(TABLE, [(299, 290), (299, 345)], width=3),
    ps.Line(COIN, [(52, 28), (58, 62)], width=3),
    ps.Line(COIN, [(55, 195), (36, 212), (55, 232)], width=3),
    ps.Line(COIN, [(22, 322), (40, 312), (62, 350)], width=3),
    ps.Line(COIN, [(125, 250), (105, 270), (130, 290)], width=3),
    ps.Line(COIN, [(170, 335), (200, 325), (210, 365)], width=3),
    ps.Line(COIN, [(266, 145), (240, 170), (262, 190), (278, 172), (262, 158)], width=3),
    ps.Line(COIN, [(245, 25), (262, 22), (283, 45), (270, 65), (250, 62), (267, 38)], width=3),
    ps.Line(COIN, [(267, 38), (266, 58)], width=3),
]


def main(path: Path) -> int:
    """Draw the picture; return how many coins were found."""
    image = coins()
    features = ps.FeatureParameters(
        gaussian=(1, 2, 4, 8), median=(2, 5), minimum=3, maximum=3, sobel=(1, 2)
    )
    classifier = ps.fit_classifier(image, STROKES, features=features, class_names=["table", "coin"])
    classes = classifier.predict(image)  # lazy, as all that follows
    labels = ps.watershed(classes == COIN, separation=40, erosion=4, min_size=300)
    table = ps.region_properties(labels, image).compute()
    draw(image, labels.values, path)
    return len(table)


def draw(image: NDArray[np.uint8], labels: NDArray[np.int32], path: Path) -> None:
    """Draw the strokes on the image, and beside it the outlines of what was found."""
    figure = Figure(figsize=(9, 3.7), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.imshow(image, cmap="gray")
    for stroke in STROKES:
        y, x = np.transpose(stroke.coordinates)
        left.plot(x, y, color=ps.class_colors(2)[stroke.label - 1], linewidth=stroke.width)
    right.imshow(mark_boundaries(image, labels, color=(1, 0.69, 0), mode="thick"))
    for axes, title in ((left, "annotated"), (right, f"{labels.max()} coins")):
        axes.set_title(title)
        axes.axis("off")
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    found = main(Path(sys.argv[1] if len(sys.argv) > 1 else "coins.png"))
    sys.stdout.write(f"{found} coins\n")
