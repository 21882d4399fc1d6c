"""What source files of a corpus can be: a reader a format, chosen by the file's name."""

from collections.abc import Callable, Iterator
from pathlib import Path

from partbench.data.readers.files import COMPRESSED, Piece
from partbench.data.readers.json_lines import read_json_lines
from partbench.data.readers.parquet import read_parquet
from partbench.data.readers.plain import read_plain

Reader = Callable[[str, Path, str], Iterator[Piece]]

BY_SUFFIX: dict[str, Reader] = {
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".parquet": read_parquet,
}
SHARDS = ".bin"


def format_of(source: Path) -> str:
    """The suffix that says what a file holds, without that of its compression."""
    suffixes = [suffix.lower() for suffix in source.suffixes]
    if suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def read(called: str, source: Path, column: str) -> Iterator[Piece]:
    """The text of a source in pieces; DataError (one line) where it cannot be read."""
    return BY_SUFFIX.get(format_of(source), read_plain)(called, source, column)
