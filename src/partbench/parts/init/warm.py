"""A warm start from the data: an embedding of ciphers, and a head in closed form on top of it.

    E[token] = std sqrt(width) c / |c|_2      c >= 0: a cipher, a control arm, co-occurrences
    head = explicit solution of softmax(h U), h = E[token] / std: what the head reads at the start

All other matrices are drawn as by `depth_scaled`. The head sees the stream after a norm; at the
start that is the normed vector of the newest token, up to what the layers add, so the head begins
as a bigram model. Where embedding and head are one table, the embedding alone is set.
Papers: Williams and Zhao 2023, arXiv:2311.07498; Zhao and Williams 2023, arXiv:2311.11012.
Written from abstracts and a talk; a patent application exists, US 2026/0111670 A1.
Differs: ciphers of frequent tokens keep the lengths that a drawn table would have.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, cast

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.errors import ConfigError
from partbench.core.ranges import NotNegative, Positive
from partbench.core.roles import Role
from partbench.parts import vectors as token_vectors
from partbench.parts.apart import Given, Windows, divided, gathered, ranked
from partbench.parts.explicit import Evidence, centred, solve, tempered, thinned
from partbench.parts.pairs import Pairs


class Warm:
    """W as by `depth_scaled`; the token table, and the head where it has its own, from the data.

    Settings: std and cut as in `depth_scaled`; vectors: "cipher"; "shuffled", ciphers in a random
    order of frequencies; "random", non-negative ones; co-occurrences at `offsets`, "sum" or "cat",
    the last filled up with zeros where blocks do not divide the width. head: whether to solve for
    it; norm: the K it is solved with, in mean norms of its features; alpha, eps: smoothing.
    """

    NEEDS: ClassVar[dict[str, str]] = {"embedding": "table", "task": "tokens"}

    def __init__(
        self,
        dims: Dims,
        *,
        std: Positive = 0.02,
        cut: NotNegative = 3.0,
        vectors: str = "cipher",
        offsets: list[int] = [-2, -1, 1, 2],  # noqa: B006 - the menu reads a literal; never changed
        head: bool = True,
        norm: Positive = 1.0,
        alpha: NotNegative = 0.1,
        eps: Positive = 1e-3,
    ) -> None:
        token_vectors.check(vectors, offsets, "init")
        self.dims, self.std, self.cut = dims, std, cut or float("inf")
        self.vectors, self.offsets, self.head = vectors, offsets, head
        self.norm, self.alpha, self.eps = norm, alpha, eps

    def value(self, draw: Tensor, role: Role) -> Tensor:
        """The starting value, same shape as the draw."""
        shrink = self.dims.num_sublayers**-0.5 if role is Role.WRITE else 1.0
        return self.std * shrink * draw.clamp(-self.cut, self.cut)

    @torch.no_grad()
    def fit(self, model: nn.Module, roles: Mapping[str, Role], stream: Iterable[Given]) -> None:
        """Set the token table, then the head, from one pass over the batches.

        Raises ConfigError where the model has no token table, or too narrow a one.
        """
        tables = [m for m in model.modules() if "table" in getattr(type(m), "PROVIDES", ())]
        if not tables:
            raise ConfigError("init=warm: this model has no embedding to set; choose another init")
        chunks = list(gathered(stream))
        table = cast(Tensor, tables[0].weight)
        features = self._features(chunks, table)
        table.copy_(self.std * features)
        heads = [model.get_parameter(n) for n, role in roles.items() if role is Role.HEAD]
        if self.head and heads:
            heads[0].copy_(self._head(chunks, features))

    def _features(self, chunks: Sequence[Windows], drawn: Tensor) -> Tensor:
        """Vectors of unit mean square [vocab, width], none below zero."""
        kind, width, ranks = self.vectors, self.dims.width, ranked(chunks, self.dims.vocab)
        if not token_vectors.counted(kind):
            found = token_vectors.ciphers(kind, width, ranks, drawn, "dims.width")
        else:
            blocks = token_vectors.blocks(kind, self.offsets)
            place = f"dims.width / {blocks} - 1" if blocks > 1 else "dims.width - 1"
            bits = max(0, width // blocks - 1)
            found = token_vectors.with_edge(kind, bits, self.offsets, ranks, chunks, drawn, place)[
                :-1
            ]
            found = nn.functional.pad(found, (0, width - found.shape[1]))
        return found * width**0.5 / found.norm(dim=1, keepdim=True)

    def _head(self, chunks: list[Windows], features: Tensor) -> Tensor:
        """The explicit solution [vocab, width], its temperature chosen on windows held out."""
        rest, held_out, left = divided(chunks)
        evidence, tau = self._evidence(rest, features), 1.0
        if held_out:
            inputs, targets, weights = (
                torch.cat(item).flatten().cpu() for item in zip(*held_out, strict=True)
            )
            counts = weights > 0
            x, y = thinned(inputs[counts], targets[counts].long(), self.dims.vocab)
            norm, h = self.norm * evidence.norm, features[x].float()
            tau = tempered(evidence, h, y, norm=norm, alpha=self.alpha, eps=self.eps)
            evidence.merge(self._evidence(left, features))
        norm = self.norm * evidence.norm
        layer = solve(evidence, tau=tau, norm=norm, alpha=self.alpha, eps=self.eps)
        return centred(layer.weight)

    def _evidence(self, chunks: Sequence[Windows], features: Tensor) -> Evidence:
        """F of each token's vector against what follows it, from counts of pairs."""
        pairs = Pairs(self.dims.vocab, self.dims.vocab)
        for inputs, targets, weights in chunks:
            pairs.add(targets.long().cpu(), inputs.long().cpu(), weights.cpu())
        return Evidence.of(pairs, features)
