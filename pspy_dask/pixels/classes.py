"""The classes that pixels are told apart into: their numbers, names and colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pspy_dask.pixels.palettes import check_colors, repeated_colors


@dataclass(frozen=True)
class Classes:
    """What is known of each class.

    Attributes
    ----------
    numbers
        As in annotations, ascending, above 0.
    names
        One for each, all different.
    palette
        The colour of class 1, of class 2, ... as ``#rrggbb``; None for `class_colors`.
    """

    numbers: tuple[int, ...]
    names: tuple[str, ...]
    palette: tuple[str, ...] | None = None

    @property
    def colors(self) -> tuple[str, ...]:
        """The colour of each class; beyond 255 they come round again."""
        return tuple(repeated_colors(self.numbers, self.palette).values())

    @property
    def attrs(self) -> dict[str, Any]:
        """What an image of these classes says of them."""
        return {
            "class_numbers": list(self.numbers),
            "class_names": list(self.names),
            "colors": list(self.colors),
        }


def make_classes(
    numbers: Sequence[int],
    names: Sequence[str] | None = None,
    palette: Sequence[str] | None = None,
    *,
    before: Classes | None = None,
) -> Classes:
    """Return classes of these numbers, named as given, as before, or after their numbers.

    Raises
    ------
    ValueError
        There are fewer than two classes, not as many names, or too few colours.

    Examples
    --------
    >>> make_classes([1, 3], ["film", "particle"]).colors
    ('#0072b2', '#009e73')
    >>> make_classes([1, 2, 3], before=make_classes([1, 3], ["film", "particle"])).names
    ('film', 'class 2', 'particle')
    """
    check_some(numbers)
    if len(numbers) == 1:
        raise ValueError(f"only class {numbers[0]} is annotated: label some pixels of another")
    known = {} if before is None else dict(zip(before.numbers, before.names, strict=True))
    given = [known.get(n, f"class {n}") for n in numbers] if names is None else names
    _check_names(given, numbers)
    if palette is None:
        return Classes(tuple(numbers), tuple(given), before.palette if before else None)
    colors = check_colors(palette)
    if max(numbers) > len(colors):
        raise ValueError(
            f"there are {len(colors)} colours and the highest class is {max(numbers)}: give one "
            "for each number from 1 on"
        )
    return Classes(tuple(numbers), tuple(given), colors)


def check_some(numbers: Sequence[int]) -> None:
    """Raise ValueError where there is no class at all."""
    if not numbers:
        raise ValueError("no pixel is annotated: label some pixels of each class")


def _check_names(names: Sequence[str], numbers: Sequence[int]) -> None:
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"class_names is {names!r}: give a list of one text for each class")
    if len(names) != len(numbers):
        raise ValueError(
            f"there are {len(names)} class names and {len(numbers)} annotated classes, "
            f"{', '.join(map(str, numbers))}: give one name for each of these, in this order"
        )
    if len(set(names)) < len(names):
        raise ValueError(f"class_names has a name twice, {tuple(names)}: give each its own")
