"""A bulb is a command: `{state}` in it becomes `on` or `off`, and it is run without a shell.

It runs beside the lamp, one at a time, the newest state last, so that a slow or dead bulb holds
nothing up. Where it fails, a line says so and the switch goes on working.
"""

import shlex
import subprocess
import threading
from collections.abc import Callable

from partbench.core.errors import ConfigError

PATIENCE = 20.0
"""Seconds until a command that does not end is ended."""


class Bulb:
    """Runs the command after every change; without one it only remembers."""

    def __init__(self, command: str | None, say: Callable[[str], None]) -> None:
        try:
            self.words = shlex.split(command or "")
        except ValueError as error:
            raise ConfigError(f"--bulb: {error}; close the quotation") from error
        if command is not None and not any("{state}" in word for word in self.words):
            raise ConfigError("--bulb: the command has no {state}; e.g. --bulb 'echo {state}'")
        self.say = say
        self._wanted: bool | None = None
        self._shown: bool | None = None
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)
        if self.words:
            self._thread.start()

    def set(self, lit: bool) -> None:
        """Ask for a state; returns at once."""
        with self._change:
            self._wanted = lit
            self._change.notify_all()

    def close(self) -> None:
        """Wait until the newest state has been shown."""
        with self._change:
            if self.words:
                self._change.wait_for(lambda: self._wanted == self._shown, PATIENCE)

    def _run(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._wanted != self._shown)
                lit = self._wanted
            state = "on" if lit else "off"
            words = [word.replace("{state}", state) for word in self.words]
            try:
                done = subprocess.run(
                    words, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE
                )
                shown = done.stdout.decode(errors="replace").strip()
                if done.returncode:
                    self.say(f"bulb: {shlex.join(words)} ended with {done.returncode}")
                elif shown:
                    self.say(f"bulb: {shown}")
            except (OSError, subprocess.TimeoutExpired) as error:
                self.say(f"bulb: {shlex.join(words)}: {error}")
            with self._change:
                self._shown = lit
                self._change.notify_all()
