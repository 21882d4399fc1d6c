"""Stretches of a text in one piece, and what training windows are drawn from."""

import hashlib
from typing import NamedTuple

import numpy as np


class Stretch(NamedTuple):
    """Text without a gap. raw: its bytes (uint8) or ready tokens (uint16), read-only.

    identity: names the content for cache files; empty where whoever made it has no name for it.
    """

    raw: np.ndarray
    identity: str = ""

    def named(self) -> "Stretch":
        """The same, called by the hash of its content where it has no name."""
        if self.identity:
            return self
        return Stretch(self.raw, hashlib.sha256(self.raw.tobytes()).hexdigest())


class Source(NamedTuple):
    """Stretches from which `share` of the training windows are drawn; no window crosses a gap."""

    stretches: tuple[Stretch, ...]
    share: float = 1.0
