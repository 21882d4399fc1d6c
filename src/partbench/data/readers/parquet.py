"""Parquet: a table, one column of which holds a document's text a row."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from partbench.core.errors import DataError, nearest
from partbench.data.readers import files
from partbench.data.readers.files import Piece

ROWS = 1024
"""Read at a time, so that memory stays flat."""


def read_parquet(called: str, source: Path, column: str) -> Iterator[Piece]:
    """The column `column` of every row, a document each; rows without text are skipped.

    DataError for a column that does not exist or holds no text, for a damaged file, and where the
    package pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise DataError(
            f"corpus {called!r}: {source}: reading Parquet needs the package pyarrow; "
            f"pip install 'partbench[parquet]'"
        ) from None
    with files.opened(called, source) as file:
        try:
            table = parquet.ParquetFile(file)
            _check(called, source, column, table.schema_arrow)
            for batch in table.iter_batches(ROWS, columns=[column]):
                for text in batch.column(0).to_pylist():
                    if text:
                        yield Piece(True, text.encode(errors="replace"))
        except (pyarrow.ArrowException, OSError) as error:
            raise files.damaged(called, source, error) from None


def _check(called: str, source: Path, column: str, schema: Any) -> None:
    kinds = {field.name: str(field.type) for field in schema}
    if "string" not in kinds.get(column, ""):
        what = f"holds {kinds[column]}, not text" if column in kinds else "does not exist"
        texts = [name for name, kind in kinds.items() if "string" in kind]
        raise DataError(
            f"corpus {called!r}: {source}: the column '{column}' {what}; "
            f"set task.text_column: {nearest(column, texts)}"
        )
