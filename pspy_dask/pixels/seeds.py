"""Whole numbers that are asked for, seeds among them, and what estimators draw from a seed."""

from __future__ import annotations

from numbers import Integral
from typing import Any

_MOST_SEED = 2**32 - 1  # that scikit-learn takes


def whole_number(name: str, value: Any, *, least: int) -> int:
    """Return a whole number that is large enough, or raise ValueError.

    >>> whole_number("n_samples", 20.5, least=1)
    Traceback (most recent call last):
    ValueError: n_samples is 20.5: give a whole number, 1 or more
    """
    if not _is_whole(value) or value < least:
        raise ValueError(f"{name} is {value!r}: give a whole number, {least} or more")
    return int(value)


def checked_seed(seed: Any) -> int:
    """Return a seed that scikit-learn takes, or raise ValueError.

    >>> checked_seed(-1)
    Traceback (most recent call last):
    ValueError: seed is -1: give a whole number from 0 to 2**32 - 1
    """
    if not _is_whole(seed) or not 0 <= seed <= _MOST_SEED:
        raise ValueError(f"seed is {seed!r}: give a whole number from 0 to 2**32 - 1")
    return int(seed)


def seeded(estimator: Any, seed: int) -> Any:
    """Give the seed to all parts of an estimator that draw numbers and were not told how.

    The estimator itself is changed, and returned.
    """
    unset = {
        name: seed
        for name, value in estimator.get_params().items()
        if value is None and name.split("__")[-1] == "random_state"
    }
    return estimator.set_params(**unset) if unset else estimator


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)
