"""Which numerics a study gets: those it began with, else what was measured on this machine."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from partbench.core.config import Config
from partbench.core.numerics import Numerics
from partbench.measure import machine


class Chooser:
    """Call it with a base; afterwards `slots` is the number of cells to run side by side.

    A study that has begun in `folder` keeps its numerics, whatever was measured since. A machine
    that was never measured is measured now, once.
    """

    def __init__(self, say: Callable[[str], None], folder: Path | None = None) -> None:
        self.say = say
        self.folder = folder
        self.slots = 1

    def __call__(self, base: Config) -> Numerics:
        """Numerics for models of the base's context."""
        profile = machine.read()
        if profile is None or machine.stale(profile):
            from partbench.cli.doctor import examine

            self.say("measuring this machine, once (about 15 seconds)")
            profile = examine(quick=True)
        choice = machine.choose(profile, base.resolved["dims"]["context"])
        self.slots = choice.workers
        return self._begun() or choice.numerics

    def _begun(self) -> Numerics | None:
        if self.folder is None:
            return None
        with suppress(OSError, ValueError, KeyError, TypeError):
            text = (self.folder / "study.json").read_text(encoding="utf-8")
            return Numerics(**json.loads(text)["declaration"]["numerics"])
        return None
