"""Tokenizers in and out: every one of ours as a standard tokenizer.json, and any such file read.

Bytes are the byte-pair encoding without merges whose 256 tokens are GPT-2's printable stand-ins, in
the order of the bytes, so that token = byte there as here.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor

from partbench.core.errors import CheckpointError
from partbench.data.tokenizers import Bytes
from partbench.data.tokenizers.bpe import BytePairs, byte_of_stand_in
from partbench.exchange.safely import LARGEST_JSON

FILE, SETTINGS = "tokenizer.json", "tokenizer_config.json"


class Own:
    """A tokenizer of ours that no tokenizer.json can hold (ready tokens): it has no files."""

    def __init__(self, ours: Any) -> None:
        self.ours = ours

    def files(self) -> dict[str, str]:
        """None."""
        return {}

    def encode(self, text: str) -> Tensor:
        """The tokens of `text`, int64 [time]."""
        ids = self.ours.encode(text.encode("utf-8", errors="surrogateescape"))
        return torch.tensor(ids.tolist(), dtype=torch.int64)

    def decode(self, ids: Iterable[int] | Tensor) -> str:
        """The text of `ids`."""
        text: str = self.ours.decode(ids.tolist() if isinstance(ids, Tensor) else ids)
        return text


class Coder:
    """Text to tokens and back, through the tokenizers library."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer

    @classmethod
    def of(cls, ours: Any) -> "Coder | Own":
        """The same as a tokenizer of ours; `Own` for one that no such file can hold."""
        if isinstance(ours, BytePairs):
            return cls(ours.tokenizer)
        if not isinstance(ours, Bytes):
            return Own(ours)
        tokenizer = Tokenizer(models.BPE(vocab=byte_of_stand_in(), merges=[]))
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        tokenizer.decoder = decoders.ByteLevel()
        return cls(tokenizer)

    @classmethod
    def read(cls, folder: Path) -> "Coder | None":
        """The tokenizer in a folder, None where there is none; CheckpointError if damaged."""
        path = folder / FILE
        if not path.is_file():
            return None
        if path.stat().st_size > LARGEST_JSON:
            raise CheckpointError(f"{path}: {path.stat().st_size} bytes is no tokenizer")
        try:
            return cls(Tokenizer.from_str(path.read_text(encoding="utf-8")))
        except Exception as error:  # the library raises bare Exception
            raise CheckpointError(f"{path}: not a tokenizer ({error})") from None

    def files(self) -> dict[str, str]:
        """The texts of the files that transformers' AutoTokenizer reads, by name."""
        settings = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "clean_up_tokenization_spaces": False,
        }
        return {FILE: self.tokenizer.to_str(), SETTINGS: json.dumps(settings, indent=1) + "\n"}

    @property
    def vocab(self) -> int:
        """How many tokens there are."""
        return self.tokenizer.get_vocab_size()

    def encode(self, text: str) -> Tensor:
        """The tokens of `text` without special ones, int64 [time]."""
        # Bytes that are not UTF-8 are lone surrogates, which the library refuses.
        clean = text.encode("utf-8", errors="surrogateescape").decode("utf-8", errors="replace")
        ids = self.tokenizer.encode(clean, add_special_tokens=False).ids
        return torch.tensor(ids, dtype=torch.int64)

    def decode(self, ids: Iterable[int] | Tensor) -> str:
        """The text of `ids`."""
        plain = ids.tolist() if isinstance(ids, Tensor) else list(ids)
        return self.tokenizer.decode(plain, skip_special_tokens=False)
