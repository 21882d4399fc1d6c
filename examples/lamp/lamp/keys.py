"""Single keys at a terminal while words come from elsewhere: space switches, q ends the lamp."""

import os
import select
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lamp.recorder import Ended, Put, Switched

HELP = "space: switch   1: on   0: off   q: quit"
_KEYS = {" ": None, "\n": None, "1": True, "0": False}


@contextmanager
def single_keys() -> Iterator[None]:
    """The terminal hands on every key at once, and is as it was afterwards."""
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def watch(put: Put, ended: Callable[[], bool]) -> None:
    """Hand on keys until the lamp has ended."""
    while not ended():
        if not select.select([sys.stdin], [], [], 0.2)[0]:
            continue
        for key in os.read(sys.stdin.fileno(), 64).decode(errors="replace"):
            if key == "q":
                put(Ended("", stop=True))
            elif key in _KEYS:
                put(Switched(_KEYS[key], "keys"))
