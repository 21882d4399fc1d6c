"""Corpora: the embedded text, any file or a folder of them, as one immutable file.

    name -> sources (text, JSON lines, Parquet; or token shards) -> joined, checked, hashed
         -> home()/data/<sha256>.bin, memory-mapped

The text is always copied there, plain files too: whoever edits or truncates the original while a
study runs changes nothing (a mapped file that shrinks would kill the process). Reading is in
pieces, so memory stays flat whatever the size. Torch-free: the driver hashes corpora too.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from partbench.core.errors import DataError, nearest
from partbench.data import cache
from partbench.data.readers import SHARDS, format_of, read
from partbench.data.readers.files import reason
from partbench.data.readers.shards import read_shard

SETTLED_SECONDS = 2.0


@dataclass(frozen=True)
class Embedded:
    """A text that ships with partbench: its compressed file, and the size and hash it must have."""

    path: Path
    num_bytes: int
    sha256: str


EMBEDDED = {
    "shakespeare": Embedded(
        Path(__file__).parent / "embedded" / "tinyshakespeare.txt.gz",
        1_132_211,
        "c1f5870b7c825ffb853b4e95e548a77bd955d21831b3c2cd1995c27b01286aec",
    )
}


_CHOICES = f"give a path to text or tokens, or an embedded corpus: {', '.join(EMBEDDED)}"


@dataclass(frozen=True)
class Corpus:
    """A text: what it is called, how many bytes it has, their SHA-256, and where they lie.

    largest: of a corpus of tokens the largest one; None for text.
    """

    name: str
    num_bytes: int
    sha256: str
    path: Path
    largest: int | None = None

    @property
    def dtype(self) -> Any:
        """Of its numbers: bytes or tokens."""
        return np.dtype(np.uint8 if self.largest is None else np.uint16)

    def data(self) -> np.ndarray:
        """The bytes, uint8 [num_bytes], or tokens, uint16; memory-mapped and read-only."""
        return cache.map_file(self.path, self.dtype, self.num_bytes // self.dtype.itemsize)


def open_corpus(name: str, column: str = "text") -> Corpus:
    """The embedded corpus `name`, or the file or folder at the path `name`.

    A folder gives all its files, subfolders too, sorted by path; documents are joined with a blank
    line, token shards (.bin) as they are; hidden files are left out. column: the field or column of
    JSON lines and Parquet that is text. An embedded name wins over a file of the same name
    (`./name`).
    Raises DataError (one line) for what is missing, empty, unreadable or not UTF-8 text.
    """
    if name in EMBEDDED:
        return _open_embedded(name)
    try:
        root = _root(name)
        sources = _sources(name, root)
        looks = [(str(path), path.stat()) for path in sources]
    except (OSError, ValueError, RuntimeError) as error:
        raise DataError(f"corpus {name!r}: cannot be read ({reason(error)})") from None
    stamp = cache.data_folder() / f"{_identity(looks, column)}.stamp.json"
    known = cache.read_json(stamp)
    if isinstance(known, dict) and {"sha256", "num_bytes"} <= known.keys():
        path = cache.data_folder() / f"{known['sha256']}.bin"
        if cache.has_size(path, known["num_bytes"]):
            content = known["num_bytes"], known["sha256"]
            return Corpus(root.name, *content, path, known.get("largest"))
    corpus = _gather(name, root.name, sources, column)
    # A file changed within one tick of the clock keeps its time stamp, so only settled files are
    # recognised by it; git guards its index in the same way.
    changed = max(max(status.st_mtime, status.st_ctime) for _, status in looks)
    if time.time() - changed > SETTLED_SECONDS:
        names = ("sha256", "num_bytes", "largest")
        cache.write_json(stamp, {name: getattr(corpus, name) for name in names})
    return corpus


def _open_embedded(name: str) -> Corpus:
    text = EMBEDDED[name]
    path = cache.data_folder() / f"{text.sha256}.bin"
    if not cache.has_size(path, text.num_bytes):
        corpus = _gather(name, name, [text.path], "")
        if corpus.sha256 != text.sha256:
            raise DataError(
                f"corpus '{name}': {text.path} is not the text that ships with partbench; "
                f"install partbench again"
            )
    return Corpus(name, text.num_bytes, text.sha256, path)


def _root(name: str) -> Path:
    if not name.strip():
        raise DataError(f"corpus {name!r}: no name; {_CHOICES}")
    return Path(os.path.abspath(Path(name).expanduser()))


def _sources(name: str, root: Path) -> list[Path]:
    """The files of a corpus in order."""
    if root.is_file():
        return [root]
    if not root.exists():
        raise _missing(name, root)
    if not root.is_dir():
        raise DataError(f"corpus {name!r}: neither a file nor a folder; {_CHOICES}")

    def stop(error: OSError) -> None:
        raise error

    found = []
    for folder, subfolders, files in os.walk(root, onerror=stop):
        subfolders[:] = [inner for inner in subfolders if not inner.startswith(".")]
        found += [Path(folder) / file for file in files if not file.startswith(".")]
    found = sorted(path for path in found if path.is_file())
    if not found:
        raise DataError(f"corpus {name!r}: empty, the folder has no files; put text files into it")
    return found


def _missing(name: str, root: Path) -> DataError:
    """The error for a path that does not exist, with what lies near it."""
    if not root.parent.is_dir():
        return DataError(f"corpus {name!r}: there is no folder {root.parent}; {_CHOICES}")
    beside = [path.name for path in root.parent.iterdir() if not path.name.startswith(".")]
    hint = nearest(root.name, [*EMBEDDED, *beside])
    if not hint.startswith("did you mean"):  # a list of the whole folder would help nobody
        hint = _CHOICES
    return DataError(f"corpus {name!r}: there is no such file or folder; {hint}")


def _gather(called: str, name: str, sources: list[Path], column: str) -> Corpus:
    """Read, check, join and hash `sources` into the cache."""
    digest, total, largest = hashlib.sha256(), 0, None
    shards = [source for source in sources if format_of(source) == SHARDS]
    if shards and len(shards) < len(sources):
        others = next(source for source in sources if source not in shards)
        raise DataError(
            f"corpus {called!r}: {shards[0].name} holds tokens and {others.name} text; "
            f"put them into folders of their own"
        )
    folder = cache.data_folder()
    with cache.draft(folder) as paper:
        if shards:
            largest = 0
            for tokens in (piece for source in sources for piece in read_shard(called, source)):
                largest = max(largest, int(tokens.max(initial=0)))
                digest.update(tokens.data)
                paper.file.write(tokens.data)
                total += tokens.nbytes
        for piece in () if shards else _joined(called, sources, column):
            digest.update(piece)
            paper.file.write(piece)
            total += len(piece)
        if total == 0:
            raise DataError(f"corpus {called!r}: empty; give a file with text in it")
        path = folder / f"{digest.hexdigest()}.bin"
        if not cache.has_size(path, total):
            paper.keep(path)
    return Corpus(name, total, digest.hexdigest(), path, largest)


def _joined(called: str, sources: list[Path], column: str) -> Iterator[bytes]:
    """The documents of all sources, with a blank line between any two."""
    tail = b""
    for source in sources:
        for begins, piece in read(called, source, column):
            if begins and tail:
                piece = (b"\n" if tail.endswith(b"\n") else b"\n\n") + piece
            yield piece
            tail = piece[-1:]


def _identity(looks: list[tuple[str, os.stat_result]], column: str) -> str:
    """A hash that changes whenever a source does, without reading it."""
    rows = [(p, s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino) for p, s in looks]
    return hashlib.sha256(json.dumps([column, rows]).encode()).hexdigest()
