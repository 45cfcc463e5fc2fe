"""Palettes: the colours that stand for classes, as ``#rrggbb``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np

#: Blue, orange, green, purple, light blue, red, yellow and wine, which people who cannot tell red
#: from green tell apart: the colours of Okabe and Ito, Color Universal Design (2008), and a darker
#: one. None is grey, for people paint on micrographs.
DEFAULT_COLORS = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#d55e00",
    "#f0e442",
    "#882255",
)
MOST_COLORS = 255


_STEPS = (0, 36, 73, 109, 146, 182, 219, 255)


def class_colors(n: int) -> tuple[str, ...]:
    """Return colours for so many classes; those for fewer are the first of those for more.

    After `DEFAULT_COLORS` each is that of a coarse grid of colours, greys left out, which is
    farthest from black, white and all before it.

    Raises
    ------
    ValueError
        Fewer than 1 or more than 255.

    Examples
    --------
    >>> class_colors(2)
    ('#0072b2', '#e69f00')
    >>> class_colors(10)[8:]
    ('#6d00ff', '#49ff00')
    """
    if not 1 <= n <= MOST_COLORS:
        raise ValueError(f"colours for {n} classes: ask for 1 to {MOST_COLORS}")
    return _extended()[:n]


def check_colors(colors: Sequence[str]) -> tuple[str, ...]:
    """Return colours in small letters, or raise where they cannot tell classes apart.

    A single text holds them with commas between, as on a command line.

    >>> check_colors(["#FF0000", "#00ff00"]), check_colors("#ff0000,#00ff00")
    (('#ff0000', '#00ff00'), ('#ff0000', '#00ff00'))
    """
    if isinstance(colors, str):
        colors = [color.strip() for color in colors.split(",")]
    for color in colors:
        if not isinstance(color, str) or not re.fullmatch("#[0-9a-fA-F]{6}", color):
            raise ValueError(f"colour {color!r} is not six hex digits: write #rrggbb")
    plain = tuple(color.lower() for color in colors)
    twice = [color for k, color in enumerate(plain) if color in plain[:k]]
    if twice:
        raise ValueError(f"colour {twice[0]} stands for two classes: give each its own")
    if not 1 <= len(plain) <= MOST_COLORS:
        raise ValueError(f"there are {len(plain)} colours: give 1 to {MOST_COLORS}, one a class")
    return plain


def repeated_colors(numbers: Iterable[int], palette: Sequence[str] | None = None) -> dict[int, str]:
    """Return the colour of each class; where there are fewer colours they come round again.

    >>> repeated_colors([1, 256])
    {1: '#0072b2', 256: '#0072b2'}
    """
    listed = list(numbers)
    known = palette or class_colors(min(max(listed, default=1), MOST_COLORS))
    return {number: known[(number - 1) % len(known)] for number in listed}


@lru_cache(maxsize=1)
def _extended() -> tuple[str, ...]:
    """Return all colours of classes there are."""
    grid = np.stack(np.meshgrid(_STEPS, _STEPS, _STEPS, indexing="ij"), axis=-1).reshape(-1, 3)
    grid = grid[np.ptp(grid, axis=1) > 0]
    start = [[0, 0, 0], [255, 255, 255]]
    start += [[*bytes.fromhex(color[1:])] for color in DEFAULT_COLORS]
    distance = ((grid[:, None] - np.array(start)) ** 2).sum(axis=2).min(axis=1)
    colors = list(DEFAULT_COLORS)
    while len(colors) < MOST_COLORS:
        farthest = grid[np.argmax(distance)]
        colors.append("#" + bytes(farthest.tolist()).hex())
        distance = np.minimum(distance, ((grid - farthest) ** 2).sum(axis=1))
    return tuple(colors)
