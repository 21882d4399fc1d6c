"""Key tables: the number that each token owns, [tokens, D], whole multiples of 10^-P in [0, 1).

    random         from (seed, token string) alone, so that a table grows without moving old keys
    bit_cipher     the token's bit-cipher on its D principal axes
    cooccurrence   what stands around it, likewise: like tokens get like keys

The last two are scaled by rank along each axis, so that digits are used evenly: a key says in which
order tokens lie, not how far apart.
Source: the note draws keys uniformly; ciphers and co-occurrences as keys are ours, from Zhao and
Williams 2023, arXiv:2311.11012.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import torch

from partbench.parts import cipher
from partbench.parts.apart import Windows, ranked, whole
from partbench.parts.cooccurrence import Cooccurrence

Array = np.ndarray
KINDS = ("random", "bit_cipher", "cooccurrence")
OFFSETS = (-2, -1, 1, 2)


def random_keys(seed: int, names: Sequence[str], axes: int, places: int) -> Array:
    """The keys of tokens called `names`, int64 [names, axes]; each depends on its name alone."""
    found = np.empty((len(names), axes), np.uint64)
    for row, name in enumerate(names):
        text = f"{seed}/key/{name}".encode("utf-8", errors="surrogateescape")
        found[row] = np.frombuffer(hashlib.shake_256(text).digest(8 * axes), "<u8")
    return (found % np.uint64(10**places)).astype(np.int64)


def cipher_keys(chunks: Sequence[Windows], vocab: int, axes: int, places: int) -> Array:
    """Keys from the bit-ciphers of the tokens by their frequency in the windows."""
    return _scaled(_ciphers(chunks, vocab), axes, places)


def cooccurrence_keys(chunks: Sequence[Windows], vocab: int, axes: int, places: int) -> Array:
    """Keys from the ciphers of the tokens at `OFFSETS` around each token, in the windows."""
    table = torch.from_numpy(cipher.with_edge(_ciphers(chunks, vocab)))
    around = Cooccurrence(table, OFFSETS)
    for chunk in chunks:
        around.add(whole(chunk))
    return _scaled(around.vectors("cat")[:-1].numpy(), axes, places)


def _ciphers(chunks: Sequence[Windows], vocab: int) -> Array:
    bits = max(8, 2 * cipher.fewest_bits(vocab))
    return cipher.normalised(cipher.codes(bits, vocab)[ranked(chunks, vocab)])


def _scaled(vectors: Array, axes: int, places: int) -> Array:
    """The `axes` principal axes of vectors [tokens, width], each by rank in [0, 1)."""
    centred = vectors - vectors.mean(0)
    _, _, principal = np.linalg.svd(centred.T @ centred)
    # Rounded, or the last bits of a sum would order tokens that are the same.
    along = np.round(centred @ principal[:axes].T, 9)
    signs = np.sign(along[np.abs(along).argmax(0), np.arange(along.shape[1])])
    along = np.pad(along * np.where(signs == 0, 1, signs), ((0, 0), (0, axes - along.shape[1])))
    order = np.argsort(along, axis=0, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(len(vectors))[:, None], 0)
    return (2 * rank + 1) * 10**places // (2 * len(vectors))
