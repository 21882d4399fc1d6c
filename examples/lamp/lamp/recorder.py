"""Where words come from: a pipe, a file, the terminal, or a transcriber that is a command.

A line of transcript is a line of text. Lines that begin with a slash move the switch, so that a
recorded evening can hold its clicks too: /on, /off, /switch. /quit ends the lamp.
"""

import shlex
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, NamedTuple

from partbench.core.errors import ConfigError, DataError, nearest

ORDERS: dict[str, bool | None] = {"/on": True, "/off": False, "/switch": None}
QUIT = "/quit"


class Heard(NamedTuple):
    """A line that was said."""

    text: str


class Switched(NamedTuple):
    """The switch is to be lit or dark; None: the other way."""

    lit: bool | None
    by: str


class Ended(NamedTuple):
    """No more comes from here. `why` is for the user; whether the lamp stops with it."""

    why: str
    stop: bool


Said = Heard | Switched | Ended
Put = Callable[[Said], None]


def understood(line: str, by: str) -> Said | None:
    """A line of transcript; None where it is empty. Raises DataError for an unknown order."""
    line = line.strip()
    if not line:
        return None
    if line == QUIT:
        return Ended("", stop=True)
    if line.startswith("/"):
        if line not in ORDERS:
            hint = nearest(line, [*ORDERS, QUIT])
            raise DataError(f"{by}: '{line}' is no order; {hint}")
        return Switched(ORDERS[line], by)
    return Heard(line)


def read(lines: Iterable[str], by: str, put: Put, say: Callable[[str], None]) -> None:
    """Hand on every line until they end; an unknown order is said, and passed over."""
    for line in lines:
        try:
            said = understood(line, by)
        except DataError as error:
            say(str(error))
            continue
        if said:
            put(said)


def from_terminal(put: Put, say: Callable[[str], None]) -> None:
    """Lines typed; an empty one moves the switch."""
    for line in sys.stdin:
        if line.strip():
            read([line], "keys", put, say)
        else:
            put(Switched(None, "keys"))
    put(Ended("", stop=True))


def from_stream(lines: IO[str], by: str, put: Put, say: Callable[[str], None]) -> None:
    """A pipe or a file; at its end the lamp stops."""
    read(lines, by, put, say)
    put(Ended(f"{by}: ended", stop=True))


def opened(path: Path) -> IO[str]:
    """A transcript; DataError where it cannot be read."""
    try:
        return path.open(encoding="utf-8", errors="replace")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}; give a file of transcript lines") from error


def start(target: Callable[..., None], *arguments: object) -> None:
    """Read in a thread that does not hold the end of the process up."""
    threading.Thread(target=target, args=arguments, daemon=True).start()


class Transcriber:
    """The command of --listen: what it prints, line by line, was said. Stopped with the lamp."""

    def __init__(self, command: str) -> None:
        try:
            words = shlex.split(command)
            self.process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                text=True,
                errors="replace",
            )
        except (OSError, ValueError, IndexError) as error:
            raise ConfigError(
                f"--listen: '{command}' cannot be started ({error}); "
                "give a command that prints what it hears, a line at a time"
            ) from error

    def listen(self, put: Put, say: Callable[[str], None]) -> None:
        """Until it ends; the lamp stays on as a plain switch after it."""
        assert self.process.stdout is not None
        read(self.process.stdout, "listen", put, say)
        code = self.process.wait()
        put(Ended(f"listen: the transcriber ended with {code}; the switch still works", stop=False))

    def close(self) -> None:
        """End the command."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=2)
            except subprocess.TimeoutExpired:
                self.process.kill()
