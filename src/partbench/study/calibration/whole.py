"""Studies run whole: fresh cells, tuning, looks and verdict by the driver, as any user's.

A/A with each arm at its own best rate; bad tuning (declared at an eighth of the best rate, no room
to widen the grid); a dead part (its only parameter receives no gradient). A line of the file each.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from partbench.core.files import write_whole
from partbench.engines import Engine
from partbench.study.calibration.asked import WHOLE_SEED, WHOLE_STRIDE, Asked
from partbench.study.costs import FILE as COSTS
from partbench.study.ledger import Ledger
from partbench.study.plan import Job
from partbench.study.run import Driver
from partbench.study.spec import Study

Tree = dict[str, Any]
BAD, DEAD = "bad tuning", "dead part"

DEAD_NORM = '''"""RMSNorm whose gain is cut off from the loss: a part that cannot learn."""

import torch
from torch import nn

from partbench.core.roles import Role


class DeadNorm(nn.Module):
    """x / rms(x) * g, with no gradient to g."""

    ROLES = {"gain": Role.GAIN}

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))

    def forward(self, x):
        """The normalised vector."""
        return x * (x.square().mean(-1, keepdim=True) + 1e-6).rsqrt() * self.gain.detach()
'''


class Quiet:
    """Listens to a driver for finished cells alone."""

    def __init__(self, done: Callable[[], None]) -> None:
        self.done = done

    def declared(self, study: Study, folder: Path, seen: bool) -> None:
        """Nothing."""

    def costed(self, study: Study, costs: Tree) -> None:
        """Nothing."""

    def planned(self, what: str, jobs: list[Job], known: int) -> None:
        """Nothing."""

    def progressed(self, event: Tree) -> None:
        """A cell is done."""
        if event["event"] == "done":
            self.done()

    def looked(self, report: Tree) -> None:
        """Nothing."""


class Wholes:
    """The studies run whole, in `folder`; each finished one is a line of `path`."""

    def __init__(self, asked: Asked, folder: Path, path: Path, ledger: Ledger) -> None:
        self.asked = asked
        self.folder = folder
        self.path = path
        self.ledger = ledger
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.rows: list[Tree] = [json.loads(line) for line in lines]

    def missing(self) -> list[tuple[str, int]]:
        """Kind and number of those not yet run."""
        wanted = [("A/A", number) for number in range(self.asked.sizes.whole)]
        wanted += [(BAD, number) for number in range(self.asked.sizes.bad)] + [(DEAD, 0)]
        known = {(row["kind"], row["number"]) for row in self.rows}
        return [each for each in wanted if each not in known]

    def run(
        self,
        kind: str,
        number: int,
        start: Callable[[Path], Engine],
        done: Callable[[], None],
        seconds: float | None,
    ) -> None:
        """One study to its end and into the file; `study.run.Interrupted` where time is up."""
        study = self._study(kind, number)
        folder = self.folder / f"{kind.replace('/', '').replace(' ', '_').lower()}-{number + 1}"
        shared = self.folder / COSTS
        if kind == "A/A" and shared.exists():
            # Base and arm cost the same in every study of this kind: they are measured once.
            write_whole(folder / COSTS, shared.read_bytes())
        driver = Driver(study, folder, self.ledger, start, Quiet(done), seconds)
        report = driver.run(lambda report, folder: folder)
        if kind == "A/A" and not shared.exists() and (folder / COSTS).exists():
            shutil.copy(folder / COSTS, shared)
        self.rows.append(_row(kind, number, study, report))
        text = "".join(json.dumps(row) + "\n" for row in self.rows)
        write_whole(self.path, text)

    def _study(self, kind: str, number: int) -> Study:
        first = WHOLE_SEED + WHOLE_STRIDE * number
        if kind == BAD:
            return self.asked.tuned("eighth", first_seed=first, tune={"extensions": 0})
        if kind == DEAD:
            path = self.folder / "dead_norm.py"
            write_whole(path, DEAD_NORM)
            return self.asked.swapped("dead", {"model.norm": f"{path}:DeadNorm"}, first_seed=first)
        return self.asked.tuned("redrawn", first_seed=first)


def _row(kind: str, number: int, study: Study, report: Tree) -> Tree:
    (arm,) = report["arms"]
    verdict, tuned = arm["verdict"], report["tuning"]
    return {
        "kind": kind,
        "number": number,
        "first_seed": study.first_seed,
        "word": verdict["word"],
        "alarm": bool(verdict["word"] in ("better", "worse") or verdict.get("sign")),
        "reason": verdict["reason"],
        "difference": verdict.get("difference"),
        "low": verdict.get("low"),
        "high": verdict.get("high"),
        "best": {row["name"]: row["best"] for row in tuned["arms"]} if tuned else None,
        "factors": tuned["factors"] if tuned else None,
        "cells": report["totals"]["cells"],
        "pairs": [[pair["base"], pair["arm"]] for pair in arm["pairs"]],
    }
