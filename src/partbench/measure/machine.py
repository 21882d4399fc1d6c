"""This machine: what it is, what `partbench doctor` measured on it, and what follows for a study.

    profile = description + measured, kept as home()/machine.json
    stale   = the description changed since: another processor, other cores, another torch

Nothing here imports torch: planning reads the file alone.
"""

import hashlib
import json
import math
import os
import platform
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from partbench.core.files import write_json
from partbench.core.home import home
from partbench.core.numerics import Numerics

Tree = dict[str, Any]

SCHEMA = 1
FILE = "machine.json"
CAPABILITIES = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "amx_int8", "asimd", "bf16", "sve")
"""Processor flags that decide how fast which precision is (x86, then Arm)."""

WORTHWHILE = 1.1
"""bfloat16 is chosen where it is this much faster: below, the exacter numbers are worth more."""

WORKER_BYTES = 1 << 30
"""Memory a worker may be expected to need: torch, a small model, its activations."""


def cores() -> list[int]:
    """The processors this process may use: its affinity, cut to a container's quota."""
    if hasattr(os, "sched_getaffinity"):
        usable = sorted(os.sched_getaffinity(0))
    else:
        usable = list(range(os.cpu_count() or 1))
    return usable[: max(1, math.floor(_quota()))] if _quota() < len(usable) else usable


def describe() -> Tree:
    """What decides how fast this machine trains, as far as it can be known without measuring."""
    flags = _flags()
    return {
        "processor": _processor(),
        "capabilities": [name for name in CAPABILITIES if name in flags],
        "cores": len(cores()),
        "memory_bytes": _memory(),
        "system": f"{platform.system()} {platform.machine()}",
        "torch": _version("torch"),
    }


def key(description: Mapping[str, Any]) -> str:
    """A short name of a description; memory is left out, since containers vary it freely."""
    facts = {name: value for name, value in description.items() if name != "memory_bytes"}
    text = json.dumps([SCHEMA, facts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def profile(measured: Mapping[str, Any]) -> Tree:
    """A whole profile from what `doctor.examine` found."""
    description = describe()
    return {
        "schema": SCHEMA,
        "key": key(description),
        "description": description,
        "measured": dict(measured),
    }


def write(content: Tree, path: Path | None = None) -> Path:
    """Keep a profile; LedgerError where it cannot be written."""
    path = path or home() / FILE
    write_json(path, content)
    return path


def read(path: Path | None = None) -> Tree | None:
    """The profile kept; None where there is none, or it is damaged or of another schema."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        content = json.loads((path or home() / FILE).read_text(encoding="utf-8"))
        if content["schema"] == SCHEMA and content["measured"]["steps"]:
            return content
    return None


def stale(content: Tree) -> list[str]:
    """Why a profile does not describe this machine any more; empty where it does."""
    before, now = content["description"], describe()
    if content["key"] == key(now):
        return []
    return [
        f"{name} was {before.get(name)}, is {now[name]}"
        for name in now
        if name != "memory_bytes" and before.get(name) != now[name]
    ] or ["its key does not fit its description"]


class Choice(NamedTuple):
    """How cells are run: the numerics of each, how many side by side, and the reasons."""

    numerics: Numerics
    workers: int
    reasons: list[str]


def choose(content: Tree | None, context: int, *, precision: str = "auto") -> Choice:
    """Precision, attention path, threads and workers for models of `context` tokens.

    precision: "auto" takes what was measured as faster; any other name is kept. Without a profile
    the plain defaults stand: float32, fused, one thread a core.
    """
    if content is None:
        kept = "float32" if precision == "auto" else precision
        reason = "not measured on this machine; run `partbench doctor`"
        return Choice(Numerics(precision=kept), len(cores()), [reason])  # type: ignore[arg-type]
    steps = content["measured"]["steps"]
    reasons = []
    if precision == "auto":
        gain = _best(steps, "bfloat16") / _best(steps, "float32")
        precision = "bfloat16" if gain >= WORTHWHILE else "float32"
        reasons.append(f"{precision}: bfloat16 trains at {gain:.2f} times the rate of float32")
    # float64 was not measured; what holds for float32 is nearest.
    known = precision if precision in ("float32", "bfloat16") else "float32"
    gain = _best(steps, known, together=True) / _best(steps, known, together=False)
    side_by_side = gain >= 1.0
    most = max(1, content["description"]["memory_bytes"] // WORKER_BYTES)
    workers = min(len(cores()), most) if side_by_side else 1
    threads = 1 if side_by_side else len(cores())
    reasons.append(f"{workers} at a time: one thread each gives {gain:.2f} times the rate of one")
    path, reason = _path(content["measured"], known, context, threads)
    numerics = Numerics(precision=precision, attention=path, threads=threads)  # type: ignore[arg-type]
    return Choice(numerics, workers, [*reasons, reason])


def too_large(what: str, found: Tree, room: int, train: Tree) -> str:
    """One line for a cell that memory cannot hold: what is needed, what there is, what helps.

    found: of `train.foresight.weigh`; room: bytes; train: the cell's settings.
    """
    gib = 1 << 30
    needed = f"{what} needs about {found['peak_bytes'] / gib:.1f} GiB of {room / gib:.1f} GiB"
    if found["checkpoint"] > 0.8 * room:
        return f"memory: {needed}, for its weights alone; give a smaller dims.width or dims.depth"
    share = max(2, 2 ** (found["peak_bytes"] // room).bit_length())
    if train["batch"] // train["accumulate"] >= share:
        pieces = train["accumulate"] * share
        return f"memory: {needed}; train.accumulate={pieces} takes a step in pieces"
    return f"memory: {needed}; give a shorter dims.context or a smaller dims.width"


def _best(steps: list[Tree], precision: str, together: bool | None = None) -> float:
    """Most steps a second on the whole machine, over attention paths; side by side or with all
    threads in one process, if asked."""
    rows = [row for row in steps if row["precision"] == precision]
    widest = max(max(row["processes"], row["threads"]) for row in rows)
    by_way = {
        True: [row for row in rows if row["processes"] == widest],
        False: [row for row in rows if row["threads"] == widest],
        None: rows,
    }
    return max(row["steps_per_second"] for row in by_way[together])


def _path(measured: Tree, precision: str, context: int, threads: int) -> tuple[str, str]:
    """The faster attention path at the measured context that is nearest (in logarithms)."""
    rows = [row for row in measured["attention"] if row["precision"] == precision]
    row = min(
        rows,
        key=lambda row: (
            row["threads"] != threads,
            abs(math.log(row["context"] / context)),
        ),
    )
    gain = row["fused"] / row["explicit"]
    return row["better"], (
        f"{row['better']} attention: explicit runs at {gain:.2f} times the rate of fused "
        f"at context {row['context']}"
    )


def _version(package: str) -> str | None:
    with suppress(metadata.PackageNotFoundError):
        return metadata.version(package)
    return None


def _flags() -> frozenset[str]:
    with suppress(OSError):
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        found = re.search(r"^(?:flags|Features)\s*:\s*(.*)$", text, re.MULTILINE)
        return frozenset(found.group(1).split()) if found else frozenset()
    return frozenset()


def _processor() -> str:
    with suppress(OSError):
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        found = re.search(r"^model name\s*:\s*(.*)$", text, re.MULTILINE)
        if found:
            return found.group(1).strip()
    if sys.platform == "darwin":
        import subprocess

        with suppress(OSError, subprocess.SubprocessError):
            asked = ["sysctl", "-n", "machdep.cpu.brand_string"]
            return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    return platform.processor() or platform.machine() or "unknown"


def _quota() -> float:
    """Processors' worth of time a Linux container may use (cgroup v2); infinite without a limit."""
    with suppress(OSError, ValueError):
        most, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        if most != "max":
            return int(most) / int(period)
    return math.inf


def _memory() -> int:
    """Bytes of memory this process may use."""
    total = math.inf
    with suppress(OSError, ValueError, AttributeError):
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError):
        total = min(total, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return int(total) if math.isfinite(total) else WORKER_BYTES
