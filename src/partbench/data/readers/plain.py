"""Plain UTF-8 text."""

import codecs
from collections.abc import Iterator
from pathlib import Path

from partbench.core.errors import DataError
from partbench.data.readers import files
from partbench.data.readers.files import Piece


def read_plain(called: str, source: Path, column: str) -> Iterator[Piece]:
    """The bytes of one source, one document; DataError at the first that is not UTF-8 text."""
    decoder, offset = codecs.getincrementaldecoder("utf-8")(), 0
    with files.opened(called, source) as file:
        while piece := file.read(files.PIECE_BYTES):
            pending = len(decoder.getstate()[0])  # bytes of a character cut by the piece's end
            wrong = [offset + piece.find(b"\0")] if b"\0" in piece else []
            try:
                decoder.decode(piece)
            except UnicodeDecodeError as error:
                wrong.append(offset - pending + error.start)
            if wrong:
                raise _binary(called, source, min(wrong))
            yield Piece(offset == 0, piece)
            offset += len(piece)
    pending = len(decoder.getstate()[0])
    if pending:
        raise _binary(called, source, offset - pending)


def _binary(called: str, source: Path, offset: int) -> DataError:
    return DataError(
        f"corpus {called!r}: {source} is not UTF-8 text (byte {offset}); "
        f"convert it to UTF-8 or leave it out"
    )
