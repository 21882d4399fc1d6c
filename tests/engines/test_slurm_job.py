"""What runs on a Slurm node, with workers that do as they are told and no Slurm at all."""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from partbench.core.cell import RECORD
from partbench.engines import slurm
from partbench.engines.slurm import DIED, STOP, Job, own_id

FAKE = Path(__file__).with_name("fake_worker.py")
pytestmark = pytest.mark.timeout(30)


@pytest.fixture(autouse=True)
def node(tmp_path, monkeypatch):
    """Fake workers; handlers put back; calls of Slurm's commands noted."""
    shell = tmp_path / "python"
    shell.write_text(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} -S -E {FAKE}\n")
    shell.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(shell))
    monkeypatch.setenv("PARTBENCH_CORES", "")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    said: list[list[str]] = []
    monkeypatch.setattr(slurm.subprocess, "run", lambda words, **rest: said.append(words))
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR2)}
    yield said
    for number, handler in before.items():
        signal.signal(number, handler)


def folders(tmp_path: Path, *orders: str) -> list[Path]:
    made = [tmp_path / f"cell{number}" for number in range(len(orders))]
    for folder, order in zip(made, orders, strict=True):
        folder.mkdir()
        (folder / "do").write_text(order)
    return made


def tries(folder: Path) -> list[str]:
    path = folder / "tries"
    return path.read_text().splitlines() if path.exists() else []


def test_one_worker_takes_the_folders_in_turn_and_knows_what_is_done(tmp_path, node):
    made = folders(tmp_path, "-", "-", "-")
    (made[1] / RECORD).write_text("{}")
    assert Job(made, 1, tmp_path / STOP)() == "done"
    assert [len(tries(folder)) for folder in made] == [1, 0, 1]
    assert tries(made[0]) == tries(made[2])
    assert node == []


def test_a_worker_that_dies_says_where_and_the_rest_goes_on(tmp_path):
    made = folders(tmp_path, "-", "die", "-")
    assert Job(made, 1, tmp_path / STOP)() == "done"
    assert [len(tries(folder)) for folder in made] == [1, 1, 1]
    assert (made[1] / DIED).read_text() == "-9"
    assert not any((made[place] / DIED).exists() for place in (0, 2))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR2])
@pytest.mark.parametrize("stopped", [False, True])
def test_a_job_that_is_asked_to_end_saves_and_queues_again(number, stopped, tmp_path, node):
    made = folders(tmp_path, "wait", "-")
    job = Job(made, 1, tmp_path / STOP)
    if stopped:  # the driver cancels: it leaves a file first
        signaller = f"touch {tmp_path / STOP};"
    else:
        signaller = ""
    line = f"while ! test -e {made[0]}/tries; do sleep 0.01; done; {signaller}"
    subprocess.Popen(["sh", "-c", f"{line} kill -{int(number)} {os.getpid()}"])
    assert job() == ("stopped" if stopped else "requeued")
    assert (made[0] / "saved").exists()
    assert not (made[0] / DIED).exists()
    assert tries(made[1]) == []
    assert node == ([] if stopped else [["scontrol", "requeue", "7"]])


def test_a_job_of_an_array_has_the_name_that_squeue_gives_it():
    assert own_id({"SLURM_JOB_ID": "12"}) == "12"
    array = {"SLURM_ARRAY_JOB_ID": "9", "SLURM_ARRAY_TASK_ID": "3", "SLURM_JOB_ID": "12"}
    assert own_id(array) == "9_3"
