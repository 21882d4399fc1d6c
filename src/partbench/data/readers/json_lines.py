"""JSON lines: an object a line, one field of which is a document's text."""

import json
from collections.abc import Iterator
from pathlib import Path

from partbench.core.errors import DataError, nearest
from partbench.data.readers import files
from partbench.data.readers.files import Piece


def read_json_lines(called: str, source: Path, column: str) -> Iterator[Piece]:
    """The field `column` of every line, a document each; blank lines and empty texts are skipped.

    DataError with the line's number where it is cut or no object, or has no such field of text.
    """
    with files.opened(called, source) as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError:
                raise files.damaged(called, source, f"line {number} is no JSON") from None
            if not isinstance(row, dict):
                raise files.damaged(called, source, f"line {number} is no object with fields")
            if not isinstance(row.get(column), str):
                texts = [key for key, value in row.items() if isinstance(value, str)]
                what = "is no text" if column in row else "does not exist"
                raise DataError(
                    f"corpus {called!r}: {source}, line {number}: the field '{column}' {what}; "
                    f"set task.text_column: {nearest(column, texts)}"
                )
            if row[column]:
                yield Piece(True, row[column].encode(errors="replace"))
