"""What the numbers given to the statistics must be, and what is said when they are not."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]


def finite_numbers(values: ArrayLike, name: str, least: int = 2) -> Numbers:
    """One row of at least `least` finite numbers, as float64.

    Raises ValueError naming the place; a diverged run belongs in `divergence` or `verdict`.
    """
    numbers = one_row(values, name, least)
    if not np.isfinite(numbers).all():
        place = int(np.flatnonzero(~np.isfinite(numbers))[0])
        raise ValueError(
            f"{name}[{place}] is {numbers[place]}: only finite numbers can be averaged; "
            "verdict.decide takes diverged runs"
        )
    return numbers


def one_row(values: ArrayLike, name: str, least: int = 1) -> Numbers:
    """One row of at least `least` numbers, infinities and nan included."""
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1:
        raise ValueError(f"{name} has {numbers.ndim} dimensions: give one number for each pair")
    if len(numbers) < least:
        raise ValueError(f"{name} holds {len(numbers)} numbers: at least {least} are needed")
    return numbers


def probability(value: float, name: str) -> float:
    """A number strictly between 0 and 1."""
    if not 0 < value < 1:
        raise ValueError(f"{name} is {value}: choose a number between 0 and 1, such as 0.95 or .05")
    return float(value)


def positive(value: float, name: str) -> float:
    """A finite number above 0."""
    if not (value > 0 and np.isfinite(value)):
        raise ValueError(f"{name} is {value}: it must be a finite number above 0")
    return float(value)


def not_negative(value: float, name: str) -> float:
    """A finite number, 0 or above."""
    if not (value >= 0 and np.isfinite(value)):
        raise ValueError(f"{name} is {value}: it must be a finite number, 0 or above")
    return float(value)
