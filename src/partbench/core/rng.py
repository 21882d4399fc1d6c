"""Named random streams: every number depends on the seed and a name, never on what ran before.

    key = SHA-256(seed, name, name ...)[:16 bytes];  draw = Philox(key)

Swapping a part therefore moves no other number: a parameter's initial draw depends on
(seed, its name, its shape), a batch on (seed, step). Philox is counter based (Salmon et al. 2011,
"Parallel random numbers: as easy as 1, 2, 3"), so streams with different keys are independent.
"""

import hashlib

import numpy as np

TUNING_SEEDS = 1_000_000
"""Tuning seeds begin this far above a study's first seed: no pair is ever judged on one."""


def key(seed: int, *names: str | int) -> int:
    """The 128-bit key of the stream called `names` under `seed`."""
    # Lengths go with the names, or a slash inside one would join two streams.
    text = "/".join(f"{len(str(part))}:{part}" for part in (seed, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little")


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """A generator of its own for `names`, e.g. `stream(3, "batch", step)`."""
    return np.random.Generator(np.random.Philox(key=key(seed, *names)))


def normal(seed: int, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal draws (float32) for the parameter `name` of `shape`."""
    return stream(seed, "init", name, *shape).standard_normal(shape, dtype=np.float32)


def uniform_seed(seed: int, *names: str | int) -> int:
    """A 63-bit integer for libraries that want a seed (tokenizer training, torch generators)."""
    return key(seed, *names) >> 65
