"""Slot `tokenizer`: between text and tokens; each is scored on the same bytes."""

from partbench.data.tokenizers.bpe import BPE
from partbench.data.tokenizers.bytes import Bytes
from partbench.data.tokenizers.contract import Tokenizer, TokenizerPart
from partbench.data.tokenizers.ready import Ready

PARTS = {
    "bytes": Bytes,
    "bpe": BPE,
    "ready": Ready,
}

__all__ = ["BPE", "PARTS", "Bytes", "Ready", "Tokenizer", "TokenizerPart"]
