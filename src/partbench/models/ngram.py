"""An n-gram model: interpolated, modified Kneser-Ney, learned by counting.

    p_n(w | h) = (c(h w) - D(c(h w))) / c(h)  +  gamma(h) p_(n-1)(w | h without its oldest token)
    gamma(h)   = sum over w of D(c(h w)) / c(h),      p_0 = 1 / vocab

c counts occurrences at the longest history that is there, and below it the number of different
tokens that precede (h w). D is one of three discounts an order, for counts 1, 2 and more.
Near a window's start, where k < order - 1 tokens precede, the answer is that of order k + 1.

Paper: Chen and Goodman 1999, "An empirical study of smoothing techniques for language modeling",
4.1.6; Kneser and Ney 1995.
Differs: a discount whose counts of counts are absent is half its count (the paper has none to
offer); no sentence marks, for windows begin anywhere.
Limits: windows that overlap are counted each time, as every arm sees them; from about four passes
over the text the highest order trusts such repeats too much and the loss creeps up again.
Cost: no parameters; about 150 bytes a counted token while fitting; one binary search an order.
"""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.errors import ConfigError, DataError
from partbench.core.roles import Role
from partbench.data.batch import Batch
from partbench.models.contract import Score
from partbench.parts.shapes import Logits, Tokens

Array = np.ndarray
NOWHERE = -1  # the index of what was never seen; it picks the last, neutral entry of every table


class NGram(nn.Module):
    """Counts of the training windows; exact, normalised probabilities over the vocabulary.

    order: tokens in the longest n-gram; 1 is the unigram. Before `fit` it is uniform.

    A sequence of k tokens is the number of its row in a sorted table of the keys
    (number of its first k - 1 tokens) * vocab + last token: exact for any vocabulary and order.
    Buffers, all int64, k below `order`: `history_k` keys of k input tokens; for n up to `order`
    `gram_n` keys of (history of n - 1, target), `count_n` how often, and (n below `order`)
    `preceded_n` by how many different tokens.
    """

    PHASES = ("fit",)
    NEEDS: ClassVar[dict[str, str]] = {"task": "tokens"}
    ROLES: ClassVar[dict[str, Role]] = {}

    def __init__(self, dims: Dims, *, order: int = 5) -> None:
        super().__init__()
        if order < 1:
            raise ConfigError(f"model.order: {order} is below 1; give 1 (the unigram) or more")
        self.order, self.vocab, self.context = order, dims.vocab, dims.context
        names = [f"history_{k}" for k in range(1, order)]
        for n in range(1, order + 1):
            names += [f"gram_{n}", f"count_{n}"]
        names += [f"preceded_{n}" for n in range(1, order)]
        for name in names:
            self.register_buffer(name, torch.zeros(0, dtype=torch.int64))
        self._levels: list[_Level] = []

    def fit(self, stream: Iterable[Batch]) -> None:
        """Count every window of `stream`; what was learned before is forgotten.

        Only targets of weight above zero are counted. DataError for tokens that are none.
        """
        columns = list(zip(*(self._checked(batch) for batch in stream), strict=True))
        inputs, targets, weights, past = (
            np.concatenate([np.zeros(0, np.int64), *column]) for column in columns or [()] * 4
        )
        histories = np.zeros(len(inputs), np.int64)
        below = histories  # the number of each position's gram, one order lower
        for n in range(1, self.order + 1):
            if n > 1:
                keys = self._keys(histories, inputs, past, n - 1)
                seen = keys >= 0
                histories = np.full(len(keys), NOWHERE)
                table, histories[seen] = np.unique(keys[seen], return_inverse=True)
                self._set(f"history_{n - 1}", table)
            where = np.flatnonzero((histories >= 0) & (weights > 0))
            table, first, row, count = np.unique(
                histories[where] * self.vocab + targets[where], True, True, True
            )
            self._set(f"gram_{n}", table)
            self._set(f"count_{n}", count)
            if n > 1:  # each different gram is one different token in front of a shorter one
                shorter = len(self.get_buffer(f"gram_{n - 1}"))
                preceded = np.bincount(below[where[first]], minlength=shorter)
                self._set(f"preceded_{n - 1}", preceded)
            below = np.full(len(inputs), NOWHERE)
            below[where] = row
        self._prepare()

    def score(self, batch: Batch) -> Score:
        """Score every target given the inputs up to it; nll in nats, float32 [batch, time]."""
        inputs, targets, _, past = self._checked(batch)
        p = np.full(len(inputs), 1 / self.vocab)
        for level, histories, longest in self._walk(inputs, past):
            grams = _find(level.grams, histories * self.vocab + targets)
            p = level.share(grams, longest) + level.gamma(histories, longest) * p
        nll = torch.from_numpy(-np.log(p).astype(np.float32)).reshape(batch.targets.shape)
        return Score(nll.to(batch.targets.device), batch.weights, {})

    @torch.no_grad()
    def probabilities(self, tokens: Tokens) -> Tensor:
        """p(next token | those up to each position), float64 [batch, time, vocab], on the CPU."""
        inputs, _, _, past = self._checked(Batch(tokens, tokens, torch.ones(tokens.shape)))
        p = np.full((len(inputs), self.vocab), 1 / self.vocab)
        for level, histories, longest in self._walk(inputs, past):
            p *= level.gamma(histories, longest)[:, None]
            rows, grams = level.followers(histories)
            p[rows, level.grams[grams] % self.vocab] += level.share(grams, longest[rows])
        return torch.from_numpy(p).reshape(*tokens.shape, self.vocab)

    def forward(self, tokens: Tokens) -> Logits:
        """Log-probabilities after each token, float32 [batch, time, vocab]."""
        return self.probabilities(tokens).log().float().to(tokens.device)

    def begin(self, batch: int, capacity: int) -> Tensor:
        """The state before any token: the last order - 1 tokens, of which there are none."""
        return torch.zeros(batch, 0, dtype=torch.int64)

    def step(self, tokens: Tokens, state: Tensor) -> tuple[Logits, Tensor]:
        """Log-probabilities after each of `tokens`, and the last order - 1 tokens."""
        together = torch.cat([state.to(tokens.device), tokens.long()], dim=1)
        kept = together[:, max(0, together.shape[1] - self.order + 1) :]
        return self(together)[:, state.shape[1] :], kept

    def flops(self) -> int:
        """A product and a sum for each order and target; searching is not arithmetic."""
        return 2 * self.order * self.context

    def _walk(self, inputs: Array, past: Array) -> Iterator[tuple["_Level", Array, Array]]:
        """For n = 1 to order: the level, the number of each position's history of n - 1 tokens
        (NOWHERE: too few precede, or never seen), and whether it is the longest there is."""
        histories = np.zeros(len(inputs), np.int64)
        for n, level in enumerate(self._levels, start=1):
            if n > 1:
                keys = self._keys(histories, inputs, past, n - 1)
                histories = _find(level.histories, keys)
            yield level, histories, np.minimum(past, self.order - 1) == n - 1

    def _keys(self, shorter: Array, inputs: Array, past: Array, length: int) -> Array:
        """Key of the history of `length` tokens that ends at each position, below 0 for none."""
        before = np.concatenate([np.zeros(1, np.int64), shorter])[:-1]
        return np.where(past >= length, before, NOWHERE) * self.vocab + inputs

    def _checked(self, batch: Batch) -> tuple[Array, Array, Array, Array]:
        """Inputs, targets, weights, and how many inputs are there up to each, all [positions]."""
        for tokens in (batch.inputs, batch.targets):
            whole = tokens.ndim == 2 and not tokens.is_floating_point()
            if not whole or (
                tokens.numel() and (int(tokens.min()) < 0 or int(tokens.max()) >= self.vocab)
            ):
                raise DataError(
                    f"model 'ngram' reads tokens [batch, time] from 0 to {self.vocab - 1}, not "
                    f"{tokens.dtype} {list(tokens.shape)} beyond that; give it a task of tokens"
                )
        past = np.broadcast_to(np.arange(1, batch.inputs.shape[1] + 1), batch.inputs.shape)
        inputs, targets = (_flat(tokens).astype(np.int64) for tokens in batch[:2])
        return inputs, targets, _flat(batch.weights), past.reshape(-1)

    def _set(self, name: str, values: Array) -> None:
        device = self.get_buffer(name).device
        self.register_buffer(name, torch.from_numpy(values.astype(np.int64)).to(device))

    def _prepare(self) -> None:
        """Turn the counts in the buffers into shares and gammas (float64, always on the CPU)."""
        self._levels = []
        for n in range(1, self.order + 1):
            histories = _array(self.get_buffer(f"history_{n - 1}")) if n > 1 else np.zeros(1)
            grams = _array(self.get_buffer(f"gram_{n}"))
            owner = grams // self.vocab
            number = np.bincount(owner, minlength=len(histories))
            # The highest order is never below another, so it has no table as one that is.
            count, preceded = (
                _discounted(_array(self.get_buffer(f"{kind}_{n}")), owner, len(histories))
                for kind in ("count", "preceded" if n < self.order else "count")
            )
            first = np.cumsum(number) - number
            first, number = np.append(first, 0), np.append(number, 0)
            self._levels.append(_Level(histories, grams, first, number, count, preceded))

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        """Load counts of any number: the buffers take the sizes of what is loaded."""
        for name, own in list(self.named_buffers(recurse=False)):
            if prefix + name in state_dict:
                self.register_buffer(name, own.new_zeros(state_dict[prefix + name].shape))
        super()._load_from_state_dict(state_dict, prefix, *rest)
        tables = dict(self.named_buffers(recurse=False))
        if any(table.is_meta for table in tables.values()):
            return
        for name, table in tables.items():
            kind, _, n = name.partition("_")
            if kind in ("count", "preceded") and len(table) != len(tables[f"gram_{n}"]):
                rest[-1].append(f"{prefix}{name} and gram_{n} differ in length: damaged counts")
                return
        self._prepare()


class _Table(NamedTuple):
    """share: (c - D) / c(h) by gram; gamma by history; each with a neutral last entry."""

    share: Array
    gamma: Array


class _Level(NamedTuple):
    """One order, ready to answer: its tables as the longest history and as one below it."""

    histories: Array  # sorted keys
    grams: Array  # sorted keys, so the followers of a history lie side by side
    first: Array  # by history: where they begin
    number: Array  # by history: how many there are
    counted: _Table
    preceded: _Table

    def share(self, grams: Array, longest: Array) -> Array:
        """What each gram keeps, as the longest at its position or below one; 0 for NOWHERE."""
        return np.where(longest, self.counted.share[grams], self.preceded.share[grams])

    def gamma(self, histories: Array, longest: Array) -> Array:
        """What each history leaves to the order below; all for NOWHERE."""
        return np.where(longest, self.counted.gamma[histories], self.preceded.gamma[histories])

    def followers(self, histories: Array) -> tuple[Array, Array]:
        """Every (position, gram) where the gram goes on from the position's history."""
        number = self.number[histories]
        rows = np.repeat(np.arange(len(histories)), number)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(number) - number, number)
        return rows, self.first[histories][rows] + within


def discounts(counts: Array) -> Array:
    """D by count, [0, D1, D2, D3]: Chen and Goodman's, from how many have each count.

    Y = n1 / (n1 + 2 n2),  D_c = c - (c + 1) Y n_(c+1) / n_c;  c / 2 where that is undefined or
    outside (0, c], for then too few were counted to tell.
    """
    n = np.bincount(np.minimum(counts, 5), minlength=6).astype(float)
    found = [0.0]
    for c in (1, 2, 3):
        discount = 0.0
        if n[1] > 0 and n[c] > 0:
            discount = c - (c + 1) * n[1] / (n[1] + 2 * n[2]) * n[c + 1] / n[c]
        found.append(discount if 0 < discount <= c else c / 2)
    return np.array(found)


def _discounted(counts: Array, owner: Array, num_histories: int) -> _Table:
    """Share of each gram and gamma of each history, from counts by gram."""
    taken = discounts(counts)[np.minimum(counts, 3)]
    total = np.bincount(owner, counts, num_histories)
    share = (counts - taken) / np.maximum(total, 1)[owner]
    gamma = np.where(total > 0, np.bincount(owner, taken, num_histories) / np.maximum(total, 1), 1)
    return _Table(np.append(share, 0.0), np.append(gamma, 1.0))


def _find(table: Array, keys: Array) -> Array:
    """Row of each key in the sorted `table`; NOWHERE for those it does not hold."""
    if not len(table):
        return np.full(len(keys), NOWHERE)
    rows = np.minimum(np.searchsorted(table, keys), len(table) - 1)
    return np.where(table[rows] == keys, rows, NOWHERE)


def _array(tensor: Tensor) -> Array:
    return tensor.detach().cpu().numpy()


def _flat(tensor: Tensor) -> Array:
    return _array(tensor).reshape(-1)
