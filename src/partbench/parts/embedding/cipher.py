"""Cipher embedding: codes fixed by frequency, and one learned map from their bits to the stream.

    x = W c[token] / |c[token]|_2         c: bit-cipher, a control arm, or co-occurrences of ciphers

With as many bits as tokens c is one-hot and this is a table of its own rows, `token`; with fewer,
tokens share the columns of their bits. The codes are taken from the training text before the first
step and never move: only W learns.
Paper: Zhao and Williams 2023, arXiv:2311.11012 (abstract and talk). Differs: the learned map is
ours, so that ciphers of any length meet a stream of any width.
Written from abstracts and a talk; a patent application exists, US 2026/0111670 A1.
"""

from collections.abc import Iterable
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.errors import ConfigError
from partbench.core.ranges import Count
from partbench.core.roles import Role
from partbench.parts import cipher, vectors
from partbench.parts.apart import Given, gathered, ranked
from partbench.parts.shapes import Stream, Tokens


class CipherEmbedding(nn.Module):
    """x = W c / |c|.  W: [width, D], learned; c: [vocab, D], from the text.

    Settings: vectors "cipher"; "shuffled", ciphers in a random order of frequencies; "random",
    non-negative ones; co-occurrences at `offsets`, "sum" or "cat". bits of a cipher: by default
    dims.width, or the fewest that tell all tokens apart. D is bits, for co-occurrences bits + 1 an
    edge included, for "cat" that at each offset. Before it has seen text tokens rank by number.
    Cost: D * width parameters, 2 D * width FLOPs a token.
    """

    NEEDS: ClassVar[dict[str, str]] = {"task": "tokens"}
    ROLES = {"weight": Role.EMBEDDING}
    codes: Tensor
    drawn: Tensor

    def __init__(
        self,
        dims: Dims,
        *,
        vectors: str = "cipher",
        bits: Count | None = None,
        offsets: list[int] = [-2, -1, 1, 2],  # noqa: B006 - the menu reads a literal; never changed
    ) -> None:
        super().__init__()
        self.kind, self.offsets, self.dims = vectors, offsets, dims
        _check(vectors, offsets, bits, dims.vocab)
        self.bits = bits or max(dims.width, cipher.fewest_bits(dims.vocab))
        # Numbers for the control arms; drawn here, where draws hang on the seed and the place.
        drawn = vectors in ("shuffled", "random")
        self.register_buffer("drawn", torch.rand(dims.vocab, self.bits if drawn else 1))
        self.register_buffer("codes", self._codes(np.arange(dims.vocab)))
        self.weight = nn.Parameter(torch.zeros(dims.width, self.codes.shape[1]))

    @torch.no_grad()
    def begin_from(self, stream: Iterable[Given]) -> None:
        """Set the codes from the training text."""
        chunks = list(gathered(stream))
        ranks = ranked(chunks, self.dims.vocab)
        if not vectors.counted(self.kind):
            self.codes.copy_(self._codes(ranks))
            return
        around = vectors.with_edge(
            self.kind, self.bits, self.offsets, ranks, chunks, self.drawn, "embedding.bits"
        )
        self.codes.copy_(_of_length_one(around[:-1]))

    def forward(self, tokens: Tokens) -> Stream:
        """The vector of each token."""
        return nn.functional.linear(nn.functional.embedding(tokens, self.codes), self.weight)

    def extra_flops(self) -> int:
        """The map; its role is that of a table, which would be looked up."""
        return 2 * self.weight.numel() * self.dims.context

    def _codes(self, ranks: np.ndarray) -> Tensor:
        """The codes where nothing is known of neighbours."""
        table = vectors.ciphers(self.kind, self.bits, ranks, self.drawn, "embedding.bits")
        if vectors.counted(self.kind):
            blocks = vectors.blocks(self.kind, self.offsets)
            table = nn.functional.pad(table, (1, 0)).repeat(1, blocks)
        return _of_length_one(table).float()


def _of_length_one(table: Tensor) -> Tensor:
    return table / table.norm(dim=1, keepdim=True)


def _check(kind: str, offsets: list[int], bits: int | None, vocab: int) -> None:
    vectors.check(kind, offsets, "embedding")
    fewest = cipher.fewest_bits(vocab)
    if bits is not None and bits < fewest and kind != "random":
        raise ConfigError(
            f"embedding.bits: {bits} bits give {2**bits - 1} codes, fewer than {vocab} tokens; "
            f"give {fewest} or more"
        )
