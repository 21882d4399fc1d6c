"""One run of a claim, from its command or its study to its record. Studies go through `compare`."""

import json
import os
import resource
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from partbench.claims import keep, records
from partbench.claims.claim import Claim, Run
from partbench.core.errors import CellError, InputError

UNDER_WAY = 3
WORDS = {"python": [sys.executable], "partbench": [sys.executable, "-m", "partbench"]}


def missing(claim: Claim) -> list[str]:
    """The files from outside that the claim needs and that are not where it looks for them."""
    return [path for path in claim.needs if not Path(path).exists()]


def command(run: Run, folder: Path, target: Path, seconds: float | None) -> bool:
    """Run a command to its record; whether it came to its end within `seconds`.

    A command with `{out}` writes its files into `folder`, from where they are kept in `target`;
    any other prints JSON, which is kept with the machine. InputError where its script is not here,
    CellError where it fails.
    """
    words = shlex.split(run.command.replace("{out}", str(folder)))
    script = next((word for word in words if word.endswith(".py") and " " not in word), None)
    if script is not None and not Path(script).exists():
        raise InputError(f"{script}: not here; run this in a clone of the repository")
    if words[:2] == ["partbench", "verdict"] and seconds is not None:
        words += ["--for", f"{max(1, round(seconds))}s"]
    before, began = _left(folder), _core_seconds()
    # Commands inside `partbench verdict` say `python` too, and mean this one.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(
        [*WORDS.get(words[0], words[:1]), *words[1:]],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PATH": path},
    )  # fmt: skip
    if done.returncode == UNDER_WAY:
        return False
    spent, left = _core_seconds() - began, _left(folder)
    if "{out}" not in run.command:
        if done.returncode != 0:
            raise CellError(f"{run.command}: ended with exit code {done.returncode}")
        keep.printed(_json(done.stdout), run.command, spent, _file(target))
    elif left == before:  # what an earlier life left there is no answer of this one
        raise CellError(f"{run.command}: ended with exit code {done.returncode}, no record")
    elif records.TRANSFER in left:
        found = records.read_json(folder / records.TRANSFER)
        keep.printed(found, run.command, spent, target / records.TRANSFER)
    else:
        keep.commands(folder, target)
    return True


def _left(folder: Path) -> dict[str, int]:
    """When each answer in a command's folder was written."""
    answers = (records.REPORT, records.TRANSFER)
    return {n: (folder / n).stat().st_mtime_ns for n in answers if (folder / n).exists()}


def _core_seconds() -> float:
    """What ended children took of all cores, however busy the machine was."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _file(target: Path) -> Path:
    return target.with_name(f"{target.name}.json")


def _json(text: str) -> Any:
    """The JSON that was printed, whatever stood before it."""
    start = min((text.find(mark) for mark in "{[" if mark in text), default=-1)
    try:
        return json.loads(text[start:])
    except ValueError:
        raise CellError("the command printed no JSON") from None
