"""Kill a cell with SIGKILL at every file operation, and at random instants, until it is done.

    python tests/train/killing.py SPEC FOLDER MODE        MODE: operations or instants

Children are forked from a process that has torch loaded already, so that a kill costs little.
Prints one line of JSON: how many were killed and how often a checkpoint was taken up.
"""

import importlib
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from partbench.core.cell import CHECKPOINT, RECORD, Cell
from partbench.train import loop, record

OPERATIONS = ("fsync", "replace", "chmod", "unlink")


def child(cell: Cell, folder: Path, last: int | None) -> None:
    """Run the cell; die at the file operation number `last`, before it is done."""
    count = 0

    def guarded(genuine):
        def call(*arguments, **settings):
            nonlocal count
            if count == last:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1
            return genuine(*arguments, **settings)

        return call

    for name in OPERATIONS:
        setattr(os, name, guarded(getattr(os, name)))
    loop.CHECKPOINT_SECONDS = -1.0  # a checkpoint after every step
    record.run_cell(cell, folder)


def start(cell: Cell, folder: Path, last: int | None) -> int:
    """Fork a child that runs the cell; its process id."""
    process = os.fork()
    if process == 0:
        try:
            child(cell, folder, last)
        finally:
            os._exit(0)
    return process


def killed_at_every_operation(cell: Cell, folder: Path) -> dict[str, int]:
    """Die at operation 0 of what is left to do, then 1, 2 ..., in turn until it is done."""
    killed = taken_up = 0
    while not (folder / RECORD).exists():
        taken_up += (folder / CHECKPOINT).exists()
        # Up to 24 operations a try: enough for some checkpoints, too few for the whole run.
        _, status = os.waitpid(start(cell, folder, killed % 25), 0)
        killed += os.WIFSIGNALED(status)
    return {"killed": killed, "taken_up": taken_up}


def killed_at_random_instants(cell: Cell, folder: Path) -> dict[str, int]:
    """Die after a random time, on average a little longer each try, until it is done."""
    drawn = random.Random(cell.id)
    killed = taken_up = 0
    while not (folder / RECORD).exists():
        taken_up += (folder / CHECKPOINT).exists()
        process = start(cell, folder, None)
        time.sleep(drawn.uniform(0.0, 0.2 + 0.01 * killed))
        os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        killed += os.WIFSIGNALED(status)
    return {"killed": killed, "taken_up": taken_up}


if __name__ == "__main__":
    importlib.import_module("torch._dynamo")  # what the first step of an optimiser would load

    spec, where, mode = sys.argv[1:]
    kill = killed_at_every_operation if mode == "operations" else killed_at_random_instants
    print(json.dumps(kill(Cell.read(Path(spec)), Path(where))))
