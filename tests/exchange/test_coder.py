"""Tokenizers as standard files give the tokens that ours give."""

from pathlib import Path

import numpy as np
import pytest
from tests.train.tiny import text_file

from partbench.core.errors import CheckpointError
from partbench.data.corpora import open_corpus
from partbench.data.tokenizers import Bytes, open_byte_pairs
from partbench.exchange.coder import Coder

BYTES = Coder.of(Bytes())


@pytest.mark.parametrize(
    "text", ["", "the ship\n\t", "é ü 人 😀 \0", "  two  blanks  ", "\r\n'll <s>"]
)
def test_bytes_are_bytes(text: str) -> None:
    assert BYTES.encode(text).tolist() == list(text.encode())
    assert BYTES.decode(BYTES.encode(text)) == text


def test_every_token_is_its_byte() -> None:
    assert BYTES.vocab == 256
    for byte in range(256):
        assert BYTES.decode([byte]) == Bytes().decode([byte])


def test_pairs_and_files_give_the_same_tokens(tmp_path: Path) -> None:
    ours = open_byte_pairs(open_corpus(str(text_file(tmp_path))), 300)
    coder = Coder.of(ours)
    text = "the ship, and the sea é\n\n 12"
    assert np.array_equal(coder.encode(text).numpy(), ours.encode(text.encode()))
    for name, content in coder.files().items():
        (tmp_path / name).write_text(content)
    again = Coder.read(tmp_path)
    assert again is not None
    assert again.encode(text).tolist() == coder.encode(text).tolist()
    assert again.decode(again.encode(text)) == text
    assert Coder.read(tmp_path / "nowhere") is None


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text('{"model": 1}')
    with pytest.raises(CheckpointError, match="not a tokenizer"):
        Coder.read(tmp_path)
