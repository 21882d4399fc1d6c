"""Bit-cipher: a short code of bits for each token, the most discernible for the most frequent.

    rank 0 .. b-1: one bit;  then all codes of two bits, of three, ...;  vector c = bits / number

Discernability before similarity: low-dimensional vectors must above all tell frequent tokens
apart, and nothing semantic is encoded. Deterministic, no training, no random number.
Paper: Zhao and Williams 2023, "Bit cipher", arXiv:2311.11012 (abstract and talk; the order of
assignment is written from a description in words, checked against golden sequences).
Cost: vocab * bits numbers to make; the table itself where it is kept.
"""

from typing import Literal

import numpy as np

from partbench.core.errors import ConfigError

Array = np.ndarray
Beta = Literal["nf", "df", "f", "dfnf", "all"]
_POPCOUNT = np.array([bin(byte).count("1") for byte in range(256)], dtype=np.int64)


def fewest_bits(count: int) -> int:
    """The fewest bits b with 2^b > count: the zero vector is given to no token."""
    return max(1, count.bit_length())


def codes(bits: int, count: int, place: str = "bits") -> Array:
    """The codes of ranks 0 to count - 1, bool [count, bits], bit 0 first.

    Level 1 gives each bit alone. Level k joins one bit e, from the last to the first, to each code
    p of level k - 1, from the last assigned to the first, where that is a code not yet given.
    Raises ConfigError, naming `place`, where 2^bits - 1 codes are fewer than `count`.
    """
    if bits < fewest_bits(count):
        raise ConfigError(
            f"{place}: {bits} bits give {2**bits - 1} codes, fewer than {count} tokens; "
            f"give {fewest_bits(count)} or more"
        )
    basis = [1 << j for j in range(bits)]
    given = level = basis[:count]
    while len(given) < count:
        used, above = set[int](), list[int]()
        for bit in reversed(basis):
            for code in reversed(level):
                joined = code | bit
                if joined != code and joined not in used:
                    used.add(joined)
                    above.append(joined)
            if len(given) + len(above) >= count:
                break
        given, level = given + above, above
    found = np.zeros((count, bits), dtype=bool)
    for rank, code in enumerate(given[:count]):
        while code:
            low = code & -code
            found[rank, low.bit_length() - 1] = True
            code ^= low
    return found


def normalised(eta: Array) -> Array:
    """c = eta / |eta|_1: rows that sum to one, float64."""
    return eta / eta.sum(-1, keepdims=True, dtype=np.float64)


def with_edge(vectors: Array) -> Array:
    """One dimension in front, which is 1 for the edge token alone; the edge is the last row.

    [tokens, bits] -> [tokens + 1, bits + 1]; rows keep their sums. The edge stands for what lies
    before the first token.
    """
    tokens, bits = vectors.shape
    found = np.zeros((tokens + 1, bits + 1))
    found[:tokens, 1:] = vectors
    found[tokens, 0] = 1.0
    return found


def ranks(counts: Array, first_seen: Array | None = None) -> Array:
    """The rank of each token: most frequent first; ties by `first_seen`, then by number."""
    seen = np.arange(len(counts)) if first_seen is None else first_seen
    order = np.lexsort((np.arange(len(counts)), seen, -np.asarray(counts)))
    found = np.empty(len(counts), dtype=np.int64)
    found[order] = np.arange(len(counts))
    return found


def with_unknown(counts: Array) -> Array:
    """`counts` and one type more, for unknown tokens, as frequent as there are types."""
    return np.append(counts, len(counts))


def decipher(eta: Array, vectors: Array) -> Array:
    """The rank whose code has the largest product with each vector; ties go to the more frequent.

    Exact for cipher vectors: a code with more bits ties at best, and its rank is larger.
    """
    # Sums of shares 1/k differ in their last bits by order of addition; ties must stay ties.
    return np.round(np.asarray(vectors) @ eta.T.astype(np.float64), 9).argmax(-1)


def comparisons(left: Array, right: Array) -> Array:
    """All products of two tables' vectors from their codes: popcount(a & b) / (|a| |b|)."""
    one, other = (np.packbits(eta, axis=1) for eta in (left, right))
    common = np.stack([_POPCOUNT[row & other].sum(1) for row in one])
    return common / (left.sum(1)[:, None] * right.sum(1)[None, :])


def noisy(vectors: Array, counts: Array, beta: Array) -> Array:
    """c' = beta c + (1 - beta) g: rare tokens are blurred, frequent ones stay clean.

    g is the complement of the mean vector, 1 - fbar / sum(fbar), scaled to sum 1, with
    fbar = sum over tokens of f c. Rows stay non-negative and sum to one.
    """
    mean = counts @ vectors
    rest = 1 - mean / mean.sum()
    return beta[:, None] * vectors + (1 - beta)[:, None] * (rest / rest.sum())


def certainty(counts: Array, documents: Array, kind: Beta) -> Array:
    """beta of each token, in [0, 1].

    nf: 1 / how many types are as frequent; df: `documents`, the share of documents with the token;
    f: f / (f + 1); dfnf and all: geometric means of the first two and of all three.
    """
    _, same, number = np.unique(counts, return_inverse=True, return_counts=True)
    of = {"nf": 1 / number[same], "df": np.asarray(documents), "f": counts / (counts + 1)}
    chosen = {"dfnf": ("df", "nf"), "all": ("df", "nf", "f")}.get(kind, (kind,))
    product = np.prod([of[name] for name in chosen], axis=0)
    return product ** (1 / len(chosen))
