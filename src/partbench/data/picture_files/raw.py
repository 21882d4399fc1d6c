"""What every reader of picture files gives, and how it refuses a file.

A reader checks sizes before it believes them and never runs what a file holds: no pickle.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from partbench.core.errors import DataError

LARGEST_BYTES = 8 << 30
"""Pictures are decoded in memory; a header that asks for more than this is not believed."""


@dataclass(frozen=True)
class Raw:
    """Labelled pictures as a file has them.

    pixels: uint8 [picture, height, width, channel] from 0 to `top`; labels: uint8 [picture],
    numbers of `classes`; groups: int64 [picture], equal for pictures that must not be parted, or
    None where each stands for itself; num_test: how many at the end are for the last test.
    """

    pixels: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    top: int = 255
    groups: np.ndarray | None = None
    num_test: int = 0


def refused(path: Path, why: str, remedy: str) -> DataError:
    """The one line for a file that cannot be used."""
    return DataError(f"pictures: {path} {why}; {remedy}")
