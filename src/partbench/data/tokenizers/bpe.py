"""Byte-pair encoding over bytes, trained by the `tokenizers` library on the training part alone.

    split the text into words -> start from 256 bytes -> merge the most frequent pair, again and
    again, until there are `vocab` tokens

Cached as a standard tokenizer.json, which Hugging Face's libraries read as it is.

Paper: Sennrich, Haddow, Birch 2016, arXiv:1508.07909; bytes and the table of printable stand-ins:
Radford et al. 2019 (GPT-2).
Differs: the words are split by a simpler pattern than GPT-2's (below).
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from partbench.core.errors import ConfigError
from partbench.core.ranges import Count
from partbench.data import cache
from partbench.data.stretch import Stretch

SMALLEST_VOCAB = 256
PIECE_BYTES = 1 << 17

# Letters (everything beyond ASCII is one), digits, signs, line ends, blanks. Unlike GPT-2's it
# never looks ahead and no word holds a blank but its first, so that a text cut before a blank or
# a line end gives the same words as the whole.
WORDS = (
    r" ?[A-Za-z\x{80}-\x{10ffff}]+| ?[0-9]+"
    r"| ?[^ \t\r\n\x0b\x0cA-Za-z0-9\x{80}-\x{10ffff}]+|[\r\n]+|[ \t\x0b\x0c]+"
)
STRAY = re.compile("([\udc80-\udcff])")


class BPE:
    """`vocab` tokens: the 256 bytes and the most frequent pairs, learned without the held-out fold.

    Settings: vocab. A text too small for so many merges gives fewer; the model keeps room for all.
    Cost: a second a MB and fold to learn, once; kept in the cache. Per token a model of the same
    context reads more bytes, and its tables grow with vocab.
    Raises ConfigError for a vocab below 256.
    """

    def __init__(self, *, vocab: Count = 1024) -> None:
        if vocab < SMALLEST_VOCAB:
            raise ConfigError(
                f"tokenizer.vocab: {vocab} is below the {SMALLEST_VOCAB} single bytes; "
                f"give {SMALLEST_VOCAB} or more"
            )
        self.vocab = vocab

    def learn(self, training: Sequence[Stretch]) -> "BytePairs":
        """The merges of these stretches, from the cache where they are there."""
        content = " ".join(stretch.named().identity for stretch in training)
        digest = hashlib.sha256(content.encode()).hexdigest()
        path = cache.data_folder() / f"{digest}-bpe-{self.vocab}.json"
        try:
            return BytePairs(Tokenizer.from_file(str(path)))
        except Exception:  # the library raises bare Exception for a missing or a damaged file alike
            trained = _train(training, self.vocab)
        with cache.draft(path.parent) as paper:
            paper.file.write(trained.to_str().encode())
            paper.keep(path)
        return BytePairs(trained)


class BytePairs:
    """A trained byte-level BPE: lossless on any bytes, UTF-8 or not."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        size = tokenizer.get_vocab_size()
        self.dtype: type[np.unsignedinteger] = np.uint16 if size <= 1 << 16 else np.uint32
        learned = hashlib.sha256(tokenizer.to_str().encode()).hexdigest()
        self.identity = f"bpe-{size}-{learned[:16]}"
        byte_of = _byte_of_stand_in()
        words = sorted((token, word) for word, token in tokenizer.get_vocab().items())
        self._bytes = [bytes(byte_of[character] for character in word) for _, word in words]
        self._token_of_byte = {
            word[0]: token for token, word in enumerate(self._bytes) if len(word) == 1
        }

    def encode(self, data: bytes) -> np.ndarray:
        """The tokens of `data`, uint16 or uint32 [tokens]; a stray byte is a token of its own."""
        # Bytes that are not UTF-8 become lone surrogates, which the library would refuse.
        runs = STRAY.split(data.decode("utf-8", errors="surrogateescape"))
        ids: list[int] = []
        for place, encoding in enumerate(self.tokenizer.encode_batch_fast(runs[::2])):
            ids += encoding.ids
            if 2 * place + 1 < len(runs):
                ids.append(self._token_of_byte[ord(runs[2 * place + 1]) - 0xDC00])
        return np.array(ids, self.dtype)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of `ids`; bytes that are not UTF-8 become U+FFFD."""
        return b"".join(self._bytes[int(token)] for token in ids).decode(errors="replace")

    def token_bytes(self) -> np.ndarray:
        """Number of bytes each token stands for, int64 [tokens learned]."""
        return np.array([len(word) for word in self._bytes], np.int64)


def pieces(data: np.ndarray) -> Iterator[bytes]:
    """`data` cut into pieces of about PIECE_BYTES at places where no token crosses."""
    start = 0
    while start < len(data):
        stop = start + PIECE_BYTES
        piece = data[start:stop].tobytes()
        if stop < len(data):
            piece = piece[: _cut(piece)]
        yield piece
        start += len(piece)


def _cut(piece: bytes) -> int:
    """The last place before a blank or a line end that follows a word; else before a character."""
    for blank in range(len(piece) - 1, 0, -1):
        if piece[blank] in b" \n" and piece[blank - 1] not in b" \t\r\n\x0b\x0c":
            return blank
    # A text without blanks: any place between two characters, the same on every machine.
    whole = piece.decode(errors="ignore").encode()
    return len(whole) or len(piece)


def _train(training: Sequence[Stretch], vocab: int) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=[],
        show_progress=False,
    )
    # A fold may end inside a character, whose bytes no merge should join.
    texts = (piece.decode(errors="ignore") for stretch in training for piece in pieces(stretch.raw))
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _byte_of_stand_in() -> dict[str, int]:
    """GPT-2's table: printable bytes stand for themselves, the others for U+0100 onwards."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    table = {chr(byte): byte for byte in printable}
    return table | {chr(0x100 + rank): byte for rank, byte in enumerate(others)}
