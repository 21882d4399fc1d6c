"""The digits that ship with partbench: a line each, 64 grey levels from 0 to 16, then the digit.

Their order is kept: neighbours were often written by one hand, so folds are stretches of the file
and a model is scored on other hands than it learned from, as far as the file tells.
Source: see data/embedded/PROVENANCE.md.
"""

import gzip
from pathlib import Path

import numpy as np

from partbench.data.picture_files.raw import Raw

SIDE, TOP, CLASSES = 8, 16, 10


def read(path: Path) -> Raw:
    """The embedded file, whose hash the caller checks."""
    lines = gzip.decompress(path.read_bytes()).split()
    rows = np.array([line.split(b",") for line in lines]).astype(np.uint8)
    pixels = np.ascontiguousarray(rows[:, :-1]).reshape(-1, SIDE, SIDE, 1)
    return Raw(pixels, rows[:, -1].copy(), tuple(map(str, range(CLASSES))), top=TOP)
