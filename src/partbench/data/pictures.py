"""Sets of labelled pictures: the embedded digits, or files at a path, as one immutable file.

    name -> reader by what is there -> checked, hashed -> home()/data/<sha256>.pictures, mapped

The file is a line of JSON (shape, top, classes, num_test), then int64 groups, uint8 labels and
uint8 pixels. As with texts, whoever edits the original while a study runs changes nothing.
Torch-free: the driver hashes pictures too.
"""

import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from partbench.core.errors import DataError, nearest
from partbench.data import cache
from partbench.data.corpora import SETTLED_SECONDS, Corpus
from partbench.data.picture_files import EXPECTED, digits, find
from partbench.data.picture_files.raw import Raw

FORMAT = 1
"""Raised whenever the same files would give another `.pictures` file."""

EMBEDDED = {
    "digits": (
        Path(__file__).parent / "embedded" / "digits.csv.gz",
        "4ae1734be963ba6a616fa885dc8811c3a9a9cf18f14301eb01c6bf71d8586a6b",
    )
}
"""Name -> its file and the SHA-256 that its `.pictures` file must have."""

_CHOICES = f"give a path to {EXPECTED}, or an embedded set: {', '.join(EMBEDDED)}"


@dataclass(frozen=True)
class Pictures:
    """Labelled pictures, mapped read-only.

    corpus: name, bytes, hash and place of the file; pixels: uint8 [picture, height, width,
    channel] from 0 to `top`; labels: uint8 [picture]; groups: int64 [picture], numbered in the
    order in which folds take them; the last `num_test` pictures are for the last test alone.
    """

    corpus: Corpus
    pixels: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    classes: tuple[str, ...]
    top: int
    num_test: int


def open_pictures(name: str) -> Pictures:
    """The embedded set `name`, or the files at the path `name`.

    An embedded name wins over a file of the same name (`./name`). Raises DataError (one line) for
    what is missing, damaged, cut off or of no known format.
    """
    if name in EMBEDDED:
        file, sha256 = EMBEDDED[name]
        stored = cache.data_folder() / f"{sha256}.pictures"
        if not stored.exists():
            stored = _store(name, digits.read(file))
            if stored.stem != sha256:
                raise DataError(
                    f"pictures: {file} is not the set that ships with partbench; "
                    f"install partbench again"
                )
        return _mapped(name, stored)
    path = _path(name)
    try:
        found = find(path)
        looks = [(str(file), file.stat()) for file in found.files] if found else []
    except OSError as error:
        raise DataError(f"pictures: {path} cannot be read ({error.strerror})") from None
    if found is None:
        raise DataError(f"pictures: {path} is of no known format; {_CHOICES}")
    rows = [(p, s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino) for p, s in looks]
    known = hashlib.sha256(json.dumps([FORMAT, rows]).encode()).hexdigest()
    stamp = cache.data_folder() / f"{known}.stamp.json"
    sha256 = cache.read_json(stamp)
    stored = cache.data_folder() / f"{sha256}.pictures"
    if not isinstance(sha256, str) or not stored.exists():
        stored = _store(path.name, found.read(path))
        changed = max(max(status.st_mtime, status.st_ctime) for _, status in looks)
        if time.time() - changed > SETTLED_SECONDS:
            cache.write_json(stamp, stored.stem)
    return _mapped(path.name, stored)


def _path(name: str) -> Path:
    if not name.strip():
        raise DataError(f"pictures: {name!r} is no name; {_CHOICES}")
    path = Path(os.path.abspath(Path(name).expanduser()))
    try:
        there = path.exists()
        beside = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
    except (OSError, ValueError) as error:
        raise DataError(f"pictures: {name!r} cannot be read ({error})") from None
    if not there:
        hint = nearest(path.name, [*EMBEDDED, *(n for n in beside if not n.startswith("."))])
        hint = hint if hint.startswith("did you mean") else _CHOICES
        raise DataError(f"pictures: there is no {path}; {hint}")
    return path


def _store(name: str, raw: Raw) -> Path:
    """Write the set into the cache under its hash."""
    if len(raw.labels) < 2 or len(raw.classes) < 2:
        raise DataError(f"pictures: {name!r} has fewer than two pictures or classes; give more")
    header = {
        "format": FORMAT,
        "shape": list(raw.pixels.shape),
        "top": raw.top,
        "classes": list(raw.classes),
        "num_test": raw.num_test,
    }
    line = json.dumps(header, sort_keys=True).encode()
    line += b" " * (-(len(line) + 1) % 8) + b"\n"  # the groups begin at a multiple of 8
    pieces = [line, _ordered(raw).tobytes(), raw.labels.tobytes(), raw.pixels.tobytes()]
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    path = cache.data_folder() / f"{digest.hexdigest()}.pictures"
    size = sum(map(len, pieces))
    if not cache.has_size(path, size):
        with cache.draft(path.parent) as paper:
            paper.file.writelines(pieces)
            paper.keep(path)
    return path


def _ordered(raw: Raw) -> np.ndarray:
    """Groups numbered from 0, int64: in the file's order where each picture is its own; else in an
    order of no meaning, or neighbours that are alike (a class after the other) would make a fold.
    """
    count = len(raw.labels)
    if raw.groups is None:
        return np.arange(count, dtype=np.int64)
    known, number = np.unique(raw.groups, return_inverse=True)
    keys = [hashlib.sha256(str(group).encode()).digest() for group in known.tolist()]
    rank = np.empty(len(known), np.int64)
    rank[sorted(range(len(known)), key=keys.__getitem__)] = np.arange(len(known))
    return rank[number]


def _mapped(name: str, path: Path) -> Pictures:
    """The set of a `.pictures` file."""
    try:
        with path.open("rb") as file:
            line = file.readline()
        header = json.loads(line)
        whole = np.asarray(np.memmap(path, np.uint8, mode="r"))
    except (OSError, ValueError) as error:
        raise DataError(f"pictures: {path} is damaged ({error}); delete it") from None
    shape, first = header["shape"], len(line)
    count, pixels = shape[0], int(np.prod(shape))
    if len(whole) != first + 9 * count + pixels:
        raise DataError(f"pictures: {path} is cut off; delete it")
    labels = first + 8 * count
    return Pictures(
        Corpus(name, len(whole), path.stem, path),
        whole[labels + count :].reshape(shape),
        whole[labels : labels + count],
        whole[first:labels].view(np.int64),
        tuple(header["classes"]),
        header["top"],
        header["num_test"],
    )
