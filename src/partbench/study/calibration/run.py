"""The calibration from start to end, in slices: bank, whole studies, resampled ones, figures.

Everything that is known lies in the folder: cells.jsonl (the bank), whole.jsonl, counts.jsonl (what
was said of the resampled studies, in chunks) and figures.json. Stopped at any instant, the same
command goes on. With the first two files alone all figures follow without training anything.
"""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from partbench.core.cell import EPOCH
from partbench.core.config import fingerprint
from partbench.core.files import write_json, write_whole
from partbench.core.menu import PACKAGE
from partbench.core.rng import stream
from partbench.engines import Engine
from partbench.study.calibration import experiments, figures
from partbench.study.calibration.asked import Asked
from partbench.study.calibration.bank import Bank
from partbench.study.calibration.cells import Cells
from partbench.study.calibration.experiments import Experiment
from partbench.study.calibration.resample import count, draw
from partbench.study.calibration.whole import Wholes
from partbench.study.ledger import Ledger
from partbench.study.run import Interrupted

Tree = dict[str, Any]
CHUNK = 250
"""Studies between two savings."""
JUDGING = ("stats", "study")
"""The packages whose code decides what is said of a study: when it changes, all is counted anew."""


class Listener(Protocol):
    """Who wants to know how far it is."""

    def begin(self, what: str, total: int) -> None:
        """A stage begins, of so many cells or studies."""

    def advance(self, by: int = 1) -> None:
        """So many more are done."""


class Calibration:
    """One calibration in `folder`, its results in `results`; `start(folder for logs)` gives the
    engine. `run` raises study.run.Interrupted when `seconds` are over."""

    def __init__(
        self,
        asked: Asked,
        folder: Path,
        results: Path,
        ledger: Ledger,
        start: Callable[[Path], Engine],
        listener: Listener,
        seconds: float | None = None,
    ) -> None:
        self.asked = asked
        self.folder = folder
        self.results = results
        self.start = start
        self.listener = listener
        self.limit = None if seconds is None else time.monotonic() + seconds
        self.bank = Bank(results / "cells.jsonl", ledger)
        self.cells = Cells(asked, self.bank)
        self.wholes = Wholes(asked, folder / "whole", results / "whole.jsonl", ledger)
        self.counts: dict[str, Counter[str]] = {}

    def run(self) -> Tree:
        """All of it; the figures, which are in figures.json too."""
        self._fill()
        self._whole()
        made = experiments.all_of(self.cells)
        self._resample(made)
        self.listener.begin("intervals over banks", 1)
        found = figures.figures(self.cells, made, self.counts, self.wholes.rows, self._over)
        if found is None:
            raise Interrupted
        write_json(self.results / "figures.json", found)
        return found

    def _fill(self) -> None:
        """Train what the bank still needs; tuned values name further cells, so again and again."""
        known = -1
        while len(self.bank.rows) > known:
            known = len(self.bank.rows)
            missing = self.bank.look_up(self.cells.wanted())
            if missing:
                what = f"bank: {len(self.bank.rows)} cells known, training"
                self.listener.begin(what, len(missing))
                with self.start(self.folder / "logs") as engine:
                    self.bank.train(missing, engine, self.listener.advance, self._over)
            if self._over():
                raise Interrupted
        self.bank.save()

    def _whole(self) -> None:
        missing = self.wholes.missing()
        if not missing:
            return
        known = len(self.wholes.rows)
        self.listener.begin(f"whole studies: {known} known, running {len(missing)}; cells", 0)
        for kind, number in missing:
            left = None if self.limit is None else self.limit - time.monotonic()
            self.wholes.run(kind, number, self.start, self.listener.advance, left)
            if self._over():
                raise Interrupted

    def _resample(self, made: list[Experiment]) -> None:
        path, code = self.folder / "counts.jsonl", _code()
        known: dict[str, Counter[str]] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                known[row["key"]] = Counter(row["counts"])
        used: dict[str, Counter[str]] = {}
        for each in made:
            what = [EPOCH, code, self.bank.digest(), each.kind, each.name]
            self.listener.begin(f"{each.kind}: {each.name}", each.studies)
            total: Counter[str] = Counter()
            for begin in range(0, each.studies, CHUNK):
                size = min(CHUNK, each.studies - begin)
                key = fingerprint([*what, begin, size])
                if key not in known:
                    known[key] = self._chunk(each, begin, size)
                    _save(path, known)
                used[key] = known[key]
                total.update(known[key])
                self.listener.advance(size)
                if self._over():
                    raise Interrupted
            self.counts[f"{each.kind}: {each.name}"] = total
        _save(path, used)  # what other code or another bank said goes

    def _chunk(self, each: Experiment, begin: int, size: int) -> Counter[str]:
        random = stream(0, "calibrate", each.kind, each.name, begin)
        pools = each.pools(random, size)
        seeds = each.seeds or list(range(1, 1 + self.asked.folds * size))
        drawn = draw(random, size, each.study, seeds, len(pools), each.permuted)
        return count(pools, drawn, each.truth)

    def _over(self) -> bool:
        return self.limit is not None and time.monotonic() > self.limit


def _save(path: Path, known: dict[str, Counter[str]]) -> None:
    rows = [{"key": key, "counts": dict(counts)} for key, counts in known.items()]
    write_whole(path, "".join(json.dumps(row) + "\n" for row in rows))


def _code() -> str:
    """SHA-256 of the code that judges."""
    files = [path for name in JUDGING for path in sorted((PACKAGE / name).rglob("*.py"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
