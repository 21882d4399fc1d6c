"""Corpora: the embedded text, any text file, or a folder of them, as one immutable file of bytes.

    name -> sources (one or many, plain, .gz or .xz) -> joined, checked, hashed
         -> home()/data/<sha256>.bin, memory-mapped

The text is always copied there, plain files too: whoever edits or truncates the original while a
study runs changes nothing (a mapped file that shrinks would kill the process). Reading is in
pieces, so memory stays flat whatever the size. Torch-free: the driver hashes corpora too.
"""

import codecs
import gzip
import hashlib
import json
import os
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from partbench.core.errors import DataError, nearest
from partbench.data import cache

PIECE_BYTES = 1 << 20
SETTLED_SECONDS = 2.0

OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open}
DAMAGE: tuple[type[Exception], ...] = (gzip.BadGzipFile, EOFError, zlib.error)
with suppress(ImportError):  # some builds of Python are without lzma
    import lzma

    OPENERS[".xz"] = lzma.open
    DAMAGE += (lzma.LZMAError,)


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


_CHOICES = f"give a path to text, or an embedded corpus: {', '.join(EMBEDDED)}"


@dataclass(frozen=True)
class Corpus:
    """A text: what it is called, how many bytes it has, their SHA-256, and where they lie."""

    name: str
    num_bytes: int
    sha256: str
    path: Path

    def data(self) -> np.ndarray:
        """The bytes, uint8 [num_bytes], memory-mapped and read-only."""
        return map_file(self.path, np.uint8, self.num_bytes)


def open_corpus(name: str) -> Corpus:
    """The embedded corpus `name`, or the file or folder at the path `name`.

    A folder gives all its files, subfolders too, sorted by path and joined with a blank line;
    hidden files are left out. An embedded name wins over a file of the same name (`./name`).
    Raises DataError (one line) for what is missing, empty, unreadable or not UTF-8 text.
    """
    if name in EMBEDDED:
        return _open_embedded(name)
    try:
        root = _root(name)
        sources = _sources(name, root)
        looks = [(str(path), path.stat()) for path in sources]
    except (OSError, ValueError, RuntimeError) as error:
        raise DataError(f"corpus {name!r}: cannot be read ({_reason(error)})") from None
    stamp = cache.data_folder() / f"{_identity(looks)}.stamp.json"
    known = cache.read_json(stamp)
    if isinstance(known, dict) and {"sha256", "num_bytes"} <= known.keys():
        path = cache.data_folder() / f"{known['sha256']}.bin"
        if cache.has_size(path, known["num_bytes"]):
            return Corpus(root.name, known["num_bytes"], known["sha256"], path)
    corpus = _gather(name, root.name, sources)
    # A file changed within one tick of the clock keeps its time stamp, so only settled files are
    # recognised by it; git guards its index in the same way.
    changed = max(max(status.st_mtime, status.st_ctime) for _, status in looks)
    if time.time() - changed > SETTLED_SECONDS:
        cache.write_json(stamp, {"sha256": corpus.sha256, "num_bytes": corpus.num_bytes})
    return corpus


def map_file(path: Path, dtype: type[np.generic], count: int) -> np.ndarray:
    """`count` numbers of a raw file, memory-mapped and read-only."""
    # A plain array over the mapping: indexing np.memmap itself costs ten times as much.
    return np.asarray(np.memmap(path, dtype=dtype, mode="r", shape=(count,)))


def _open_embedded(name: str) -> Corpus:
    text = EMBEDDED[name]
    path = cache.data_folder() / f"{text.sha256}.bin"
    if not cache.has_size(path, text.num_bytes):
        corpus = _gather(name, name, [text.path])
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


def _gather(called: str, name: str, sources: list[Path]) -> Corpus:
    """Read, check, join and hash `sources` into the cache."""
    digest, total, tail = hashlib.sha256(), 0, b""
    folder = cache.data_folder()
    with cache.draft(folder) as paper:
        for source in sources:
            first = True
            for piece in _text(called, source):
                if first and total:
                    piece = (b"\n" if tail.endswith(b"\n") else b"\n\n") + piece
                first = False
                digest.update(piece)
                paper.file.write(piece)
                total, tail = total + len(piece), piece[-1:]
        if total == 0:
            raise DataError(f"corpus {called!r}: empty; give a file with text in it")
        path = folder / f"{digest.hexdigest()}.bin"
        if not cache.has_size(path, total):
            paper.keep(path)
    return Corpus(name, total, digest.hexdigest(), path)


def _text(called: str, source: Path) -> Iterator[bytes]:
    """The bytes of one source in pieces; DataError at the first that is not UTF-8 text."""
    decoder, offset = codecs.getincrementaldecoder("utf-8")(), 0
    for piece in _pieces(called, source):
        pending = len(decoder.getstate()[0])  # bytes of a character cut by the piece's end
        wrong = [offset + piece.find(b"\0")] if b"\0" in piece else []
        try:
            decoder.decode(piece)
        except UnicodeDecodeError as error:
            wrong.append(offset - pending + error.start)
        if wrong:
            raise _binary(called, source, min(wrong))
        yield piece
        offset += len(piece)
    pending = len(decoder.getstate()[0])
    if pending:
        raise _binary(called, source, offset - pending)


def _binary(called: str, source: Path, offset: int) -> DataError:
    return DataError(
        f"corpus {called!r}: {source} is not UTF-8 text (byte {offset}); "
        f"convert it to UTF-8 or leave it out"
    )


def _pieces(called: str, source: Path) -> Iterator[bytes]:
    """The bytes of one source, decompressed; DataError where they cannot be read."""
    try:
        with OPENERS.get(source.suffix.lower(), open)(source, "rb") as file:
            while piece := file.read(PIECE_BYTES):
                yield piece
    except DAMAGE as error:
        raise DataError(
            f"corpus {called!r}: {source} is damaged ({error}); fetch it again"
        ) from None
    except OSError as error:
        raise DataError(
            f"corpus {called!r}: {source} cannot be read ({_reason(error)}); check its permissions"
        ) from None


def _identity(looks: list[tuple[str, os.stat_result]]) -> str:
    """A hash that changes whenever a source does, without reading it."""
    rows = [(p, s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino) for p, s in looks]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
