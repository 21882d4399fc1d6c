"""Token shards: `.bin` files of uint16, little-endian, with or without a header.

nanoGPT writes the tokens alone. llm.c, and modded-nanoGPT after it, write 256 int32 before them:
20240520, the version 1, the number of tokens, zeros.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from partbench.data.readers import files

MAGIC, VERSION, HEADER_BYTES = 20240520, 1, 1024


def read_shard(called: str, source: Path) -> Iterator[np.ndarray]:
    """The tokens of a shard in pieces, uint16; DataError where it was cut."""
    with files.opened(called, source) as file:
        first = file.read(HEADER_BYTES)
        count = None
        if len(first) == HEADER_BYTES and np.frombuffer(first, "<i4", 1)[0] == MAGIC:
            version, count = (int(n) for n in np.frombuffer(first, "<i4", 3)[1:])
            if version != VERSION:
                raise files.damaged(called, source, f"its header is of version {version}, not 1")
            first = b""
        total, rest = 0, b""
        while piece := first or file.read(files.PIECE_BYTES):
            first, piece = b"", rest + piece
            even = len(piece) // 2 * 2
            rest = piece[even:]
            total += even // 2
            yield np.frombuffer(piece[:even], "<u2").astype(np.uint16, copy=False)
    if rest or (count is not None and total != count):
        had = f"{total} tokens" + (" and a half" if rest else "")
        wanted = "whole ones" if count is None else f"the {count} its header names"
        raise files.damaged(called, source, f"it has {had}, not {wanted}")
