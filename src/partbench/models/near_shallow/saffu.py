"""SAFFU: a language model that is fitted in closed form, layer by layer, and then trained.

    p = [edge, w_0, w_1, ...]                 vectors E: bit-ciphers or co-occurrences, sum 1
    z^(c) = sum over slots a_k E[p_k]         c: block, radial (own attention), document (the mean)
    h^(c) = softmax(z^(c) U^(c))              the hop to short labels; without it h = z
    p(next) = softmax([h^(1) .. h^(C)] O)

Phase fit sets E, W, U, O in closed form (warm.py); phase train moves W, U, O first and E as well
after a share of the steps. Caches of products hold while E is frozen.
Papers: Williams and Zhao 2023: arXiv:2311.07510 (SAFFU), arXiv:2311.07498 (explicit solution),
arXiv:2311.11012 (bit-cipher). Written from the talk (CS25, May 2024), the abstracts and the reviews
alone: the code of the authors' ancestor project allows no copying, and none was read for this. A
patent application exists (US 2026/0111670 A1): ask whoever owns that risk before a product.
Differs: slots, smoothing, temperatures, the bias row of attention and its hidden targets are ours.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.errors import ConfigError, unknown
from partbench.core.ranges import Count, NotNegative
from partbench.core.roles import Role
from partbench.data.batch import Batch
from partbench.models import accounting
from partbench.models.contract import Score
from partbench.models.near_shallow import caches, warm
from partbench.models.near_shallow.contexts import Kind, edges, slots
from partbench.models.near_shallow.unit import PositionWeights, compare, pool
from partbench.parts import vectors as token_vectors
from partbench.parts.head.cross_entropy import cross_entropy, logits
from partbench.parts.shapes import Logits, Tokens

STARTS = ("warm", "cold")


class State(NamedTuple):
    """Decoding: all tokens so far [batch, length], and the sum of their vectors and the edge's."""

    tokens: Tokens
    total: Tensor


class SAFFU(nn.Module):
    """Tokens [batch, time] -> logits [batch, time, vocab], causal.

    vectors: "cipher"; "shuffled", ciphers in a random order of frequencies; "random" non-negative
    ones; co-occurrences at `offsets`, "sum" or "cat". bits of a cipher: by default what fills
    dims.width. radius, block: slots of these contexts, 0 for none; document: the third. label_bits:
    of the hop; 0 is none, O then reads z. em: passes of hidden targets, 0 for uniform attention.
    sharpen: raise the hop's temperatures to what is best before training, which leaves labels that
    learn slowly; without, they are what is best for the labels themselves. start: "warm", or
    "cold": only E is fitted. frozen: share of the steps during which E stays as fitted. alpha, eps:
    smoothing. separator: the token that ends a document in packed text, -1 for the last of the
    vocabulary; nothing is then predicted from another document.
    Cost: vocab D + K^2 a context + D label_bits a context + label_bits vocab a context parameters.
    """

    PHASES = ("fit", "train")
    NEEDS = {"task": "tokens"}
    DEFAULTS = {"probability": "softmax"}
    ROLES = {"vectors": Role.EMBEDDING, "output.weight": Role.HEAD} | {
        f"hops.{name}.weight": Role.READ for name in ("radial", "block", "document")
    }
    ranks: Tensor

    def __init__(
        self,
        dims: Dims,
        probability: Callable[[], nn.Module],
        *,
        vectors: str = "cipher",
        bits: Count | None = None,
        offsets: list[int] = [-2, -1, 1, 2],  # noqa: B006 - the menu reads a literal; never changed
        radius: int = 8,
        block: int = 16,
        document: bool = True,
        label_bits: int = 32,
        em: int = 4,
        sharpen: bool = True,
        start: str = "warm",
        frozen: NotNegative = 0.5,
        alpha: NotNegative = 0.1,
        eps: NotNegative = 1e-3,
        separator: int | None = None,
    ) -> None:
        super().__init__()
        blocks = token_vectors.blocks(vectors, offsets)
        token_vectors.check(vectors, offsets, "model")
        _check(start, frozen)
        _check_sizes(radius, block, document, em, label_bits)
        self.dims = dims
        width = bits or max(1, dims.width // blocks - 1)
        self.recipe = warm.Recipe(vectors, width, tuple(offsets), em, sharpen, alpha, eps)
        self.label_bits, self.warm, self.frozen = label_bits, start == "warm", frozen
        width = blocks * (width + 1)
        self.vectors = nn.Parameter(torch.zeros(dims.vocab + 1, width))
        # The edge first, then tokens by frequency: whose comparisons are looked up.
        self.register_buffer("ranks", torch.arange(dims.vocab + 1).roll(-1))
        self.sizes: dict[Kind, int] = {}
        if radius:
            self.sizes["radial"] = radius
        if block:
            self.sizes["block"] = block
        self.contexts = [*self.sizes, *(["document"] if document else [])]
        self.attention = nn.ModuleDict(
            {kind: PositionWeights(size, probability) for kind, size in self.sizes.items()}
        )
        hopping = self.contexts if label_bits else []
        self.hops = nn.ModuleDict(
            {name: nn.Linear(width, label_bits, bias=False) for name in hopping}
        )
        hidden = len(self.contexts) * (label_bits or width)
        self.output = nn.Linear(hidden, dims.vocab, bias=False)
        if separator is not None and not -dims.vocab <= separator < dims.vocab:
            raise ConfigError(
                f"model.separator: {separator} is no token; give 0 to {dims.vocab - 1}, "
                f"or -1 for the last"
            )
        self.separator = None if separator is None else separator % dims.vocab
        self.at_rest = False  # whether the vectors are frozen in the step under way
        self.comparisons = caches.Comparisons()
        self.values = {name: caches.Cache(caches.sent) for name in self.sizes}
        self.fitted: dict[str, object] = {}

    @torch.no_grad()
    def fit(self, stream: Iterable[Batch]) -> None:
        """Everything in closed form, from the bottom up; `fitted` then says how it went."""
        self.fitted = warm.fit(self, stream)

    def before_step(self, step: int, steps: int) -> None:
        """Vectors are frozen for the first share of the steps, then thawed; caches go with them."""
        self.at_rest = step < self.frozen * steps
        if not self.at_rest:
            self.comparisons.forget()

    def score(self, batch: Batch) -> Score:
        """Score every target given the tokens before it."""
        hidden = self.hidden(batch.inputs)
        nll, _ = cross_entropy(hidden, self.output.weight, batch.targets, None)
        return Score(nll, batch.weights, {})

    def forward(self, tokens: Tokens) -> Logits:
        """Logits after each token."""
        return logits(self.hidden(tokens), self.output.weight, None)

    def begin(self, batch: int, capacity: int) -> State:
        """The state before any token: none, and the edge's vector."""
        empty = torch.zeros(batch, 0, dtype=torch.int64, device=self.vectors.device)
        return State(empty, self.vectors[-1].detach().expand(batch, -1))

    def step(self, tokens: Tokens, state: State) -> tuple[Logits, State]:
        """Logits after each of `tokens`, given those of the state."""
        together, past = torch.cat([state.tokens, tokens], dim=1), state.tokens.shape[1]
        hidden = self.hidden(together, past, state.total)
        total = self.totals(together, past, state.total)[0][:, -1].detach()
        return logits(hidden, self.output.weight, None), State(together, total)

    def hidden(self, tokens: Tokens, past: int = 0, total: Tensor | None = None) -> Tensor:
        """[h^(1) .. h^(C)] after each token from place `past` on: [batch, time - past, features].

        total: sum of the vectors of the `past` tokens of the same document and its edge.
        """
        return torch.cat([self.labels(name, tokens, past, total) for name in self.contexts], dim=-1)

    def labels(self, name: str, tokens: Tokens, past: int, total: Tensor | None) -> Tensor:
        """h of one context; without a hop its z."""
        if not self.hops:
            return self.pooled(name, tokens, past, total)
        weight = self.hop(name).weight
        if name in self.values and not torch.is_grad_enabled():
            ids, _, weights = self.attend(name, self.padded(tokens), self._positions(tokens, past))
            sent = pool(self.values[name].of(self.vectors, weight), ids, weights)
        else:
            sent = nn.functional.linear(self.pooled(name, tokens, past, total), weight)
        return sent.softmax(-1)

    def pooled(
        self, name: str, tokens: Tokens, past: int = 0, total: Tensor | None = None
    ) -> Tensor:
        """z of one context after each token from `past` on: [batch, time - past, D]."""
        if name == "document":
            sums, count = self.totals(tokens, past, total)
            return sums / count.unsqueeze(-1)
        ids, _, weights = self.attend(name, self.padded(tokens), self._positions(tokens, past))
        return pool(self.table, ids, weights)

    def totals(self, tokens: Tokens, past: int, total: Tensor | None) -> tuple[Tensor, Tensor]:
        """Sum of a document's vectors and its edge's up to each token from `past` on, and number.

        [batch, time - past, D], and [time - past] or, with a separator, [batch, time - past].
        """
        table, padded, newest = self.table, self.padded(tokens), self._positions(tokens, past) + 1
        before = (table[-1] if total is None else total).expand(len(tokens), -1)
        rows = nn.functional.embedding(padded[:, past + 1 :], table)
        sums = before.unsqueeze(1) + rows.cumsum(1)
        begins = self.begins(padded, newest - 1)
        if begins is None:
            return sums, newest + 1
        since = begins - past - 1  # where in `sums` the document begins; below 0 in `before`
        at = since.clamp_min(0).unsqueeze(-1).expand_as(sums)
        others = (sums.gather(1, at) - table[-1]) * (since >= 0).unsqueeze(-1)
        return sums - others, newest - begins + 1

    def attend(self, kind: str, padded: Tensor, positions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Token ids of the slots [batch, time, slot], their comparisons, and their weights."""
        ids, filled, q = self.look(kind, padded, positions)
        return ids, q, self.unit(kind)(q, filled)

    def look(self, kind: str, padded: Tensor, positions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Token ids of the slots, which are filled [time, slot], and their comparisons."""
        begins = self.begins(padded, positions)
        places, filled = slots(kind, self.sizes[kind], positions, begins)  # type: ignore[arg-type,index]
        ids = padded[:, places] if begins is None else _of_rows(padded, places)
        newest = padded[:, positions + 1]
        if self.at_rest or not torch.is_grad_enabled():
            q = self.comparisons.between(self.vectors.detach(), self.ranks, newest, ids)
        else:
            q = compare(self.table, newest, ids)
        return ids, filled, q

    def unit(self, kind: str) -> PositionWeights:
        """W and beta of one context."""
        return cast(PositionWeights, self.attention[kind])

    def hop(self, name: str) -> nn.Linear:
        """U of one context."""
        return cast(nn.Linear, self.hops[name])

    @property
    def table(self) -> Tensor:
        """E as this step may move it: [vocab + 1, D], the edge last."""
        return self.vectors.detach() if self.at_rest else self.vectors

    def flops(self) -> int:
        """Forward FLOPs of one sequence; comparisons and pooling as computed, not looked up."""
        return accounting.flops(self, self.dims.context)

    def extra_flops(self) -> int:
        """Comparing and pooling: 4 D a slot, every slot filled."""
        width = self.vectors.shape[1]
        return 4 * width * sum(self.sizes.values()) * self.dims.context

    def padded(self, tokens: Tokens) -> Tensor:
        """[edge, w_0, w_1, ...], the edge in place of every separator too."""
        tokens, edge = tokens.long(), self.dims.vocab
        if self.separator is not None:
            tokens = tokens.masked_fill(tokens == self.separator, edge)
        return nn.functional.pad(tokens, (1, 0), value=edge)

    def begins(self, padded: Tensor, positions: Tensor) -> Tensor | None:
        """The place of the edge of each position's document; None where a row is one document."""
        if self.separator is None:
            return None
        return edges(padded, self.dims.vocab)[:, positions + 1]

    def _positions(self, tokens: Tokens, past: int) -> Tensor:
        return torch.arange(past, tokens.shape[1], device=tokens.device)


def _of_rows(padded: Tensor, places: Tensor) -> Tensor:
    """padded [rows, 1 + time] at places [rows, time, slot] of each row."""
    return padded.gather(1, places.flatten(1)).view(places.shape)


def _check(start: str, frozen: float) -> None:
    """ConfigError for settings that their types let through."""
    if start not in STARTS:
        raise unknown("setting", start, "model.start", STARTS)
    if frozen > 1:
        raise ConfigError(f"model.frozen: {frozen} is a share of the steps; give 1 or less")


def _check_sizes(radius: int, block: int, document: bool, em: int, label_bits: int) -> None:
    """ConfigError for sizes below 0, and for no context at all."""
    sizes = {"radius": radius, "block": block, "em": em, "label_bits": label_bits}
    for name, value in sizes.items():
        if value < 0:
            raise ConfigError(f"model.{name}: {value} is negative; 0 turns it off")
    if not (radius or block or document):
        raise ConfigError("model.radius: no context is left; give radius, block or document")
