"""Tokenizers as standard files give the tokens that ours give."""

from pathlib import Path

import numpy as np
import pytest
from tests.train.tiny import text_file

from partbench.core.errors import CheckpointError
from partbench.data.stretch import Stretch
from partbench.data.tokenizers import BPE, Bytes, Ready
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
    text = np.frombuffer(text_file(tmp_path).read_bytes(), np.uint8)
    ours = BPE(vocab=300).learn([Stretch(text)])
    coder = Coder.of(ours)
    sentence = "the ship, and the sea é\n\n 12"
    assert np.array_equal(coder.encode(sentence).numpy(), ours.encode(sentence.encode()))
    for name, content in coder.files().items():
        (tmp_path / name).write_text(content)
    again = Coder.read(tmp_path)
    assert again is not None
    assert again.encode(sentence).tolist() == coder.encode(sentence).tolist()
    assert again.decode(again.encode(sentence)) == sentence
    assert Coder.read(tmp_path / "nowhere") is None


def test_ready_tokens_stay_numbers_and_have_no_file() -> None:
    coder = Coder.of(Ready(vocab=99))
    assert coder.encode("3 14").tolist() == [3, 14]
    assert coder.decode([3, 14]) == "3 14"
    assert coder.files() == {}


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text('{"model": 1}')
    with pytest.raises(CheckpointError, match="not a tokenizer"):
        Coder.read(tmp_path)
