"""Seconds and memory of base and arms, from processes that do nothing else; once a study.

Losses come from long-lived workers side by side; times never do (corrections to speed need a quiet
machine). The answer is kept in the study's folder, so that an interrupted study keeps its figures.
"""

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from partbench.core.errors import InputError
from partbench.core.files import write_json, write_whole
from partbench.study.spec import Study
from partbench.train.process import thread_environment

FILE = "costs.json"


def measure(study: Study, folder: Path) -> dict[str, Any]:
    """Arm -> seconds_per_step, ratio and its interval, peak_memory_bytes; measured or remembered.

    A model that is fitted and not trained by steps has None for times. An arm that cannot take a
    step has a `reason` and nothing else, and is measured again another time: its cells will say
    what is wrong with it. Raises InputError where an arm's configuration cannot be built.
    """
    path = folder / FILE
    with suppress(OSError, ValueError):
        return json.loads(path.read_text(encoding="utf-8"))
    specs = folder / "timing"
    files = []
    for place, config in enumerate(study.everyone.values()):
        files.append(specs / f"{place}.json")
        write_whole(files[-1], study.cell(config, study.first_seed).to_json())
    memory = [_start(study, "memory", [file]) for file in files]
    costs = dict(zip(study.everyone, [_finish(process) for process in memory], strict=True))
    sound = [name for name, answer in costs.items() if "reason" not in answer]
    if "base" in sound:
        chosen = [file for name, file in zip(costs, files, strict=True) if name in sound]
        times = _finish(_start(study, "time", chosen))
        for name, time in zip(sound, times.get("cells", [times] * len(sound)), strict=True):
            costs[name] |= time
    if not any("reason" in answer for answer in costs.values()):
        write_json(path, costs)
    return costs


def _start(study: Study, what: str, specs: list[Path]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "partbench", "worker", f"--{what}", *map(str, specs)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=thread_environment(study.numerics.threads),
    )


def _finish(process: "subprocess.Popen[str]") -> Any:
    output, errors = process.communicate()
    if process.returncode != 0:
        last = errors.strip().splitlines()[-1] if errors.strip() else "no message"
        if process.returncode == InputError.exit_code:
            raise InputError(last.removeprefix("partbench: "))
        return {"reason": f"exit code {process.returncode}: {last}"}
    return json.loads(output)
