"""A corpus as tokens: a raw file of unsigned numbers, memory-mapped.

The bytes of a corpus are its byte tokens already; other tokenizers write
home()/data/<sha256 of the corpus>-<tokenizer>.bin and, beside it, how many tokens it must hold.
"""

import numpy as np

from partbench.data import cache
from partbench.data.corpora import Corpus, map_file
from partbench.data.tokenizers import Bytes, Tokenizer
from partbench.data.tokenizers.bpe import pieces


def open_tokens(corpus: Corpus, tokenizer: Tokenizer) -> np.ndarray:
    """The tokens of `corpus`, `tokenizer.dtype` [tokens], read-only.

    Made on first use; made anew where the file is not of the size that was recorded.
    """
    if isinstance(tokenizer, Bytes):
        return corpus.data()
    path = cache.data_folder() / f"{corpus.sha256}-{tokenizer.identity}.bin"
    record = path.with_suffix(".json")
    width = np.dtype(tokenizer.dtype).itemsize
    count = cache.read_json(record)
    if type(count) is not int or count < 1 or not cache.has_size(path, count * width):
        count = 0
        with cache.draft(path.parent) as paper:
            for piece in pieces(corpus.data()):
                ids = tokenizer.encode(piece)
                paper.file.write(ids.tobytes())
                count += len(ids)
            paper.keep(path)
        cache.write_json(record, count)
    return map_file(path, tokenizer.dtype, count)
