"""Ctrl-C and SIGTERM while a study runs: a tidy end, for every driver alike."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def asking(stop: Callable[..., Any]) -> Iterator[None]:
    """Ctrl-C and SIGTERM ask for a tidy end; the old handlers come back afterwards."""
    try:
        before = {s: signal.signal(s, stop) for s in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not in the main thread: the caller has signals in hand
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
