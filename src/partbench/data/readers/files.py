"""Bytes of a source file, decompressed, and what is said where they cannot be read."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from partbench.core.errors import DataError

PIECE_BYTES = 1 << 20

COMPRESSED: dict[str, Callable[..., Any]] = {".gz": gzip.open}
DAMAGE: tuple[type[Exception], ...] = (gzip.BadGzipFile, EOFError, zlib.error)
with suppress(ImportError):  # some builds of Python are without lzma
    import lzma

    COMPRESSED[".xz"] = lzma.open
    DAMAGE += (lzma.LZMAError,)


class Piece(NamedTuple):
    """Some bytes of text, and whether a document begins with them."""

    begins: bool
    text: bytes


@contextmanager
def opened(called: str, source: Path) -> Iterator[BinaryIO]:
    """The decompressed file; DataError with its name where it is damaged or may not be read."""
    try:
        with COMPRESSED.get(source.suffix.lower(), open)(source, "rb") as file:
            yield file
    except DAMAGE as error:
        raise damaged(called, source, error) from None
    except OSError as error:
        raise DataError(
            f"corpus {called!r}: {source} cannot be read ({reason(error)}); check its permissions"
        ) from None


def damaged(called: str, source: Path, why: Exception | str) -> DataError:
    """The error for a file that is not whole."""
    said = " ".join(str(why).split())
    return DataError(f"corpus {called!r}: {source} is damaged ({said}); fetch it again")


def reason(error: Exception) -> str:
    """What the system says."""
    return getattr(error, "strerror", None) or str(error)
