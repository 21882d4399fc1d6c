"""Which numerics a study gets: those it began with, else what was measured on this machine."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from partbench.core.numerics import Numerics
from partbench.measure import machine
from partbench.study.spec import Study


class Chooser:
    """Call it with a study; afterwards `slots` is the number of cells to run side by side.

    A study that has begun in `folder` (by default runs/<name>) keeps its numerics, whatever was
    measured since. A machine that was never measured is measured now, once.
    """

    def __init__(self, say: Callable[[str], None], folder: Path | None = None) -> None:
        self.say = say
        self.folder = folder
        self.slots = 1

    def place(self, study: Study) -> Path:
        """The study's folder."""
        return self.folder or Path("runs") / study.name

    def __call__(self, study: Study) -> Numerics:
        """Numerics for models of the base's context."""
        profile = machine.read()
        if profile is None or machine.stale(profile):
            from partbench.cli.doctor import examine

            self.say("measuring this machine, once (about 15 seconds)")
            profile = examine(quick=True)
        choice = machine.choose(profile, study.base.resolved["dims"]["context"])
        self.slots = choice.workers
        begun = self._begun(self.place(study) / "study.json")
        if begun is not None and begun != choice.numerics:
            self.say("this study keeps the numerics it began with; for those of today, use --out")
        return begun or choice.numerics

    @staticmethod
    def _begun(declared: Path) -> Numerics | None:
        with suppress(OSError, ValueError, KeyError, TypeError):
            text = declared.read_text(encoding="utf-8")
            return Numerics(**json.loads(text)["declaration"]["numerics"])
        return None
