"""B's back-off against a slow model written as the formula reads, on histories of any kind."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from partbench.models.ngram import discounts
from partbench.models.noise_keys.markov import followers, histories, lengths, prepared
from partbench.models.noise_keys.tally import Tally


class SlowMarkov:
    """Kneser-Ney over (history, code) with histories as tuples, the newest first."""

    def __init__(self, rows, order, through):
        self.order, self.through = order, through
        self.counts = [Counter() for _ in range(order + 1)]
        longer = [defaultdict(set) for _ in range(order + 1)]
        for tokens, codes in rows:
            for t, code in enumerate(codes):
                history = self.history(tokens, codes, t)
                for n in range(len(history) + 1):
                    self.counts[n][history[:n], code] += 1
                    if n < len(history):
                        longer[n][history[:n], code].add(history[n])
        self.preceded = [Counter({g: len(s) for g, s in level.items()}) for level in longer]

    def history(self, tokens, codes, t):
        past = codes[:t][::-1]
        whole = (tokens[t], *past) if self.through == "token" else tuple(past)
        return tuple(whole[: self.order])

    def shares(self, history, table):
        """({code: share}, gamma) of one history in one table of counts."""
        every = np.array([self.raw(table, n, g) for n, g in self.grams(len(history))])
        d = discounts(every)
        n = len(history)
        own = {g[1]: self.raw(table, n, g) for _, g in self.grams(n) if g[0] == history}
        total = sum(own.values())
        if not total:
            return dict.fromkeys(own, 0.0), 1.0
        return (
            {z: (c - d[min(c, 3)]) / total for z, c in own.items()},
            sum(d[min(c, 3)] for c in own.values()) / total,
        )

    def grams(self, n):
        return [(n, g) for g in self.counts[n]]

    def raw(self, table, n, gram):
        return (self.counts if table == "seen" else self.preceded)[n][gram]

    def answer(self, history):
        """({code: p}, rest)."""
        p, rest = Counter(), 1.0
        for n in range(len(history), -1, -1):
            table = "seen" if n == len(history) or n == self.order else "preceded"
            shares, gamma = self.shares(history[:n], table)
            for code, share in shares.items():
                p[code] += rest * share
            rest *= gamma
        return p, rest


def some(number=12, time=7, seed=0):
    rng = np.random.default_rng(seed)
    codes = np.zeros((number, time), np.int64)
    for t in range(1, time):
        codes[:, t] = (codes[:, t - 1] * 2 + rng.integers(0, 3, number)) % 5
    return rng.integers(0, 3, (number, time)), codes


@pytest.mark.parametrize("through", ["token", "codes"])
@pytest.mark.parametrize("order", [1, 2, 4])
def test_it_equals_the_slow_model(through, order):
    tokens, codes = some()
    slow = SlowMarkov(list(zip(tokens.tolist(), codes.tolist(), strict=True)), order, through)
    found, length = histories(tokens, codes, order, through), lengths(7, order, through)
    tables = []
    for n in range(order + 1):
        there = np.broadcast_to(length >= n, codes.shape)
        table = Tally(3)
        rows = np.stack([found[n][there], codes[there], found[max(0, n - 1)][there]], 1)
        table.put(table.with_added(rows, np.ones((len(rows), 1), np.int64), 1))
        tables.append(table)
    asked, new = some(seed=4)
    wanted = histories(asked, new, order, through)
    lengths_ = np.broadcast_to(length, new.shape).ravel()
    leaf = followers(prepared(tables), [h.ravel() for h in wanted], lengths_, 100)
    for place in range(new.size):
        row, t = divmod(place, 7)
        history = slow.history(asked[row].tolist(), new[row].tolist(), t)
        p, rest = slow.answer(history)
        here = leaf.position == place
        mine = Counter()
        for code, weight in zip(leaf.code[here], leaf.weight[here], strict=True):
            mine[int(code)] += weight
        assert {z: v for z, v in mine.items() if v} == pytest.approx(
            {z: v for z, v in p.items() if v}, rel=1e-9
        )
        assert leaf.rest[place] == pytest.approx(rest, rel=1e-9)
        assert sum(mine.values()) + leaf.rest[place] == pytest.approx(1)


def test_only_the_most_frequent_codes_are_followed_without_a_history():
    table = Tally(3)
    keys = np.array([[0, code, 0] for code in range(10)])
    table.put(table.with_added(keys, np.arange(1, 11)[:, None], 1))
    leaf = followers(prepared([table]), [np.zeros(2, np.int64)], np.zeros(2, np.int64), 3)
    assert sorted(leaf.code[leaf.position == 0].tolist()) == [7, 8, 9]
    assert leaf.weight[leaf.position == 0].sum() + leaf.rest[0] == pytest.approx(1)


def test_the_transition_matrix_of_a_known_source_is_found():
    """D1c: the divergence from a known two-state chain falls with the sample."""
    rng = np.random.default_rng(0)
    matrix = np.array([[0.8, 0.15, 0.05], [0.1, 0.6, 0.3], [0.3, 0.3, 0.4]])
    gaps = []
    for number in (100, 1000, 10_000):
        chain = [0]
        for _ in range(number):
            chain.append(int(rng.choice(3, p=matrix[chain[-1]])))
        codes = np.array([chain])
        found = histories(codes, codes, 1, "codes")
        tables = []
        for n in range(2):
            there = np.broadcast_to(lengths(len(chain), 1, "codes") >= n, codes.shape)
            table = Tally(3)
            rows = np.stack([found[n][there], codes[there], found[0][there]], 1)
            table.put(table.with_added(rows, np.ones((len(rows), 1), np.int64), 1))
            tables.append(table)
        asked = histories(np.zeros((3, 2), int), np.array([[0, 0], [1, 0], [2, 0]]), 1, "codes")
        leaf = followers(prepared(tables), [h[:, 1] for h in asked], np.ones(3, np.int64), 100)
        p = np.zeros((3, 3))
        np.add.at(p, (leaf.position, leaf.code), leaf.weight)
        p += leaf.rest[:, None] / 3
        gaps.append((matrix * np.log(matrix / p)).sum(1).mean())
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 1e-3
