"""Time, memory and disk of a whole study, before it runs; refused where it cannot fit. Torch-free.

    memory  weighed, without taking any: slots x (libraries + the largest cell's peak) + the driver
    time    from a run of a few steps of every arm, side by side as the study will run:
            (rest + steps x step + evaluations x evaluation) of every cell not known, over the slots
    disk    weights, records and metrics of every cell not known, checkpoints of those under way

Cells of other sizes than base and arms (a ladder's rungs) are weighed too; their seconds are those
of their arm, scaled by `forecast.work`.
"""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from partbench.core.cell import Cell
from partbench.core.errors import CellError, ConfigError, InputError
from partbench.core.files import write_whole
from partbench.measure import machine
from partbench.study import forecast, profile
from partbench.study.ledger import Ledger
from partbench.study.plan import Job
from partbench.study.spec import Study
from partbench.train.process import thread_environment

Tree = dict[str, Any]
DRIVER_BYTES = 60 << 20
"""The driver and its index: measured at 10,000 cells."""
PAGE_BYTES = 2 << 20
"""A study's own folder: page, report, declaration, logs."""


@dataclass(frozen=True)
class Foresight:
    """What a study will take. memory_bytes: of all its processes at once; cells: not known yet."""

    cells: int
    known: int
    slots: int
    seconds: float
    memory_bytes: int
    worker_bytes: int
    disk_bytes: int
    room_bytes: int
    free_bytes: int
    largest: str
    note: str = ""


def foresee(study: Study, ledger: Ledger, slots: int) -> Foresight:
    """Weigh, refuse what cannot fit, then run briefly. InputError: one line with advice."""
    jobs = every_job(study)
    known = ledger.known(job.cell for job in jobs)
    wanted = {job.cell.id: job for job in jobs if job.cell.id not in known}
    free = free_bytes(ledger.root)
    kinds = {job.cell.arm: job for job in (wanted or {j.cell.id: j for j in jobs}).values()}
    with TemporaryDirectory() as name:
        specs = written(Path(name), kinds)
        weights = dict(zip(kinds, asked(study, "--weigh", list(specs.values())), strict=True))
        largest = max(weights, key=lambda arm: weights[arm]["peak_bytes"])
        process = weights[largest]["resident"] + weights[largest]["peak_bytes"]
        room = int(machine.describe()["memory_bytes"])
        fit(study, kinds[largest], weights[largest], process, slots, room)
        disk = PAGE_BYTES + sum(4 * weights[job.cell.arm]["parameters"] for job in wanted.values())
        enough(disk, free, ledger)
        runs = briefly(study, specs, kinds, slots) if wanted else {}
    files = [
        runs[job.cell.arm]["record"] + _steps(job) * runs[job.cell.arm]["line"]
        for job in wanted.values()
    ]
    state = max((12 * found["parameters"] for found in weights.values()), default=0)
    disk += round(sum(files)) + slots * state
    enough(disk, free, ledger)
    return Foresight(
        cells=len(wanted),
        known=len(known),
        slots=slots,
        seconds=sum(seconds_of(job, runs[job.cell.arm]) for job in wanted.values()) / slots,
        memory_bytes=DRIVER_BYTES + slots * process,
        worker_bytes=process,
        disk_bytes=disk,
        room_bytes=room,
        free_bytes=free,
        largest=kinds[largest].arm,
        note=next((found["note"] for found in weights.values() if "note" in found), ""),
    )


def every_job(study: Study) -> list[Job]:
    """All cells to the last look, with what may follow it, each once."""
    jobs = [*forecast.jobs_at(study, len(study.looks) - 1), *forecast.following(study)]
    jobs += [job for _, job in profile.jobs(study)]
    return list({job.cell.id: job for job in jobs}.values())


def written(folder: Path, kinds: dict[str, Job]) -> dict[str, Path]:
    """A spec for each kind of cell."""
    found = {}
    for place, (arm, job) in enumerate(kinds.items()):
        found[arm] = folder / f"{place}.json"
        write_whole(found[arm], job.cell.to_json())
    return found


def briefly(
    study: Study, specs: dict[str, Path], kinds: dict[str, Job], slots: int
) -> dict[str, Tree]:
    """Short runs of base and arms, in as many processes at once as the study will have; the mean
    of what they say. Other sizes take their arm's seconds, scaled by the work."""
    first: dict[str, str] = {}
    for arm, job in kinds.items():
        first.setdefault((job.arm if job.arm != "curve" else "base"), arm)
    paths = [specs[arm] for arm in first.values()]
    started = [_start(study, "--short", paths) for _ in range(slots)]
    answers = [_finish(process) for process in started]
    found = {}
    for place, arm in enumerate(first.values()):
        rows = [answer[place] for answer in answers]
        found[arm] = {key: sum(row[key] for row in rows) / len(rows) for key in rows[0]}
    for arm, job in kinds.items():
        if arm not in found:
            like = first[job.arm if job.arm != "curve" else "base"]
            found[arm] = scaled(found[like], kinds[like].cell, job.cell)
    return found


def scaled(run: Tree, known: Cell, other: Cell) -> Tree:
    """A short run's seconds for a cell of another size: by the work of a step."""
    ratio = forecast.work(other.config) / forecast.work(known.config)
    ratio *= known.config["train"]["steps"] / other.config["train"]["steps"]
    return run | {key: ratio * run[key] for key in ("step", "fit", "evaluation")}


def seconds_of(job: Job, run: Tree) -> float:
    """Seconds of one cell in a worker that lives already."""
    train = job.cell.config["train"]
    return float(
        run["rest"]
        + run["fit"]
        + train["steps"] * run["step"]
        + train["evaluations"] * run["evaluation"]
    )


def fit(study: Study, job: Job, found: Tree, process: int, slots: int, room: int) -> None:
    """ConfigError where the workers together, or one alone, are larger than the memory."""
    gib = 1 << 30
    if DRIVER_BYTES + slots * process <= room:
        return
    if DRIVER_BYTES + process <= room:
        most = (room - DRIVER_BYTES) // process
        raise ConfigError(
            f"memory: {slots} workers of {process / gib:.1f} GiB each ({job.arm}) need more than "
            f"the {room / gib:.1f} GiB there are; {most} at a time would fit: give them fewer "
            f"cores (taskset) or make train.batch smaller"
        )
    train = job.cell.config["train"]
    raise ConfigError(machine.too_large(f"a cell of {job.arm}", found, room, train))


def enough(disk: int, free: int, ledger: Ledger) -> None:
    """ConfigError where the disk is too small."""
    if disk > free:
        gib = 1 << 30
        raise ConfigError(
            f"disk: the study needs about {disk / gib:.1f} GiB and {ledger.root} has "
            f"{free / gib:.1f} GiB free; free some, set PARTBENCH_HOME to another disk, or run "
            f"`partbench ledger gc --weights`"
        )


def free_bytes(folder: Path) -> int:
    """What the disk of a folder that may not be there yet has left."""
    place = folder
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def asked(study: Study, what: str, specs: list[Path]) -> list[Tree]:
    """The answer of one worker."""
    found: list[Tree] = _finish(_start(study, what, specs))
    return found


def text(found: Foresight) -> str:
    """The foresight in lines."""
    gib, minutes = 1 << 30, found.seconds / 60
    time = f"{minutes:.0f} minutes" if minutes >= 2 else f"{found.seconds:.0f} seconds"
    time = f"{minutes / 60:.1f} hours" if minutes >= 120 else time
    rows = [
        f"cells        {found.cells} to run at most, {found.known} known already",
        f"time         {time} at most, {found.slots} at a time",
        f"memory       {found.memory_bytes / gib:.2f} GiB of {found.room_bytes / gib:.1f}: "
        f"{found.slots} workers of {found.worker_bytes / gib:.2f} (largest: {found.largest})",
        f"disk         {found.disk_bytes / gib:.3f} GiB of {found.free_bytes / gib:.1f} free",
    ]
    if found.note:
        rows.append(f"note         memory from two small batches, for {found.note}")
    return "\n".join(rows)


def _steps(job: Job) -> int:
    return int(job.cell.config["train"]["steps"])


def _start(study: Study, what: str, specs: list[Path]) -> "subprocess.Popen[str]":
    words = [sys.executable, "-P", "-m", "partbench", "worker", what, *map(str, specs)]
    return subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=thread_environment(study.numerics.threads),
    )


def _finish(process: "subprocess.Popen[str]") -> Any:
    output, errors = process.communicate()
    last = errors.strip().splitlines()[-1] if errors.strip() else "no message"
    if process.returncode == InputError.exit_code:
        raise InputError(last.removeprefix("partbench: "))
    if process.returncode:
        raise CellError(f"doctor: a worker ended with code {process.returncode}: {last}")
    return json.loads(output.splitlines()[-1])
