"""Readers of picture files, one format a file. `read` finds the format by what is there."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from partbench.data.picture_files import cifar, idx, npz
from partbench.data.picture_files.raw import Raw

EXPECTED = (
    "a folder of idx files (MNIST, Fashion-MNIST), a folder of CIFAR-10's .bin files, or an .npz"
)


class Found(NamedTuple):
    """The files that hold the pictures, and what reads them."""

    files: list[Path]
    read: Callable[[Path], Raw]


def find(path: Path) -> Found | None:
    """The files at `path` and their reader; None where there is no format that it knows."""
    for reader in (idx, cifar, npz):
        files = reader.files(path)
        if files:
            return Found(files, reader.read)
    return None
