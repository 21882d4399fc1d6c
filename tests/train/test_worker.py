"""The long-lived worker as engines start it: same bits, saves when asked, survives its parts."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.train.tiny import cell, outcome

from partbench.core.cell import CHECKPOINT, METRICS, RECORD, SPEC, Cell

OUTSIDE = Path(__file__).with_name("outside_parts.py")
COMMAND = [sys.executable, "-P", "-m", "partbench"]
pytestmark = pytest.mark.slow


def prepared(folder: Path, run: Cell) -> Path:
    """A cell's folder with its spec."""
    folder.mkdir()
    (folder / SPEC).write_text(run.to_json())
    return folder


def worker() -> "subprocess.Popen[str]":
    """A worker that waits for folders."""
    return subprocess.Popen(
        [*COMMAND, "worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, bufsize=1,
    )  # fmt: skip


def hear(process: "subprocess.Popen[str]", word: str) -> dict:
    """The next event called `word`."""
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == word:
            return event
    raise AssertionError(process.communicate())


def test_a_cell_in_a_used_worker_equals_the_cell_alone(text, tmp_path):
    runs = {
        "before": cell(text, seed=2, residual="hyper_connections", precision="bfloat16"),
        "failing": cell(text, ffn=f"{OUTSIDE}:Raises"),
        "after": cell(text, ffn=f"{OUTSIDE}:Dropping"),
    }
    process = worker()
    for name, run in runs.items():
        process.stdin.write(f"{prepared(tmp_path / name, run)}\n")
    process.stdin.close()
    told = [json.loads(line) for line in process.stdout]
    assert process.wait() == 0, process.stderr.read()
    process.stdout.close()
    process.stderr.close()
    statuses = [event["status"] for event in told if event["event"] == "done"]
    assert statuses == ["finished", "failed", "finished"]
    alone = prepared(tmp_path / "alone", runs["after"])
    done = subprocess.run(
        [*COMMAND, "cell", str(alone / SPEC), "--out", str(alone)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["status"] == "finished"
    assert outcome(tmp_path / "after") == outcome(alone)


@pytest.mark.parametrize("how", ["asked", "the driver is gone"])
def test_a_worker_saves_and_ends_when_it_is_told_or_its_driver_dies(how, text, tmp_path):
    run = cell(text, train__steps=20_000)
    folder = prepared(tmp_path / "cell", run)
    process = worker()
    process.stdin.write(f"{folder}\n")
    hear(process, "step")
    if how == "asked":
        process.send_signal(signal.SIGTERM)
    else:
        process.stdout.close()  # its next word finds nobody
    assert process.wait(60) == 143
    assert (folder / CHECKPOINT).exists()
    assert not (folder / RECORD).exists()
    assert not (folder / "traceback.txt").exists()
    assert (folder / METRICS).read_text().count("\n") > 0
    process.stdin.close()
    process.stderr.close()
    if how == "asked":
        process.stdout.close()


def test_a_dead_drivers_worker_saves(text, tmp_path):
    """kill -9 of the parent: on Linux the worker hears of it at once."""
    folder = prepared(tmp_path / "cell", cell(text, train__steps=1_000_000))
    script = (
        "import subprocess, sys, time\n"
        f"p = subprocess.Popen({[*COMMAND, 'worker']!r}, stdin=subprocess.PIPE, text=True,\n"
        "    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)\n"
        f"p.stdin.write({str(folder)!r} + '\\n'); p.stdin.flush(); p.stdout.readline()\n"
        "print(p.pid, flush=True); time.sleep(100)\n"
    )
    driver = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    pid = int(driver.stdout.readline())
    driver.kill()
    driver.wait()
    driver.stdout.close()
    waited = 0
    while Path(f"/proc/{pid}").exists() and waited < 600:
        subprocess.run(["sleep", "0.05"], check=True)
        waited += 1
    assert not Path(f"/proc/{pid}").exists()
    assert (folder / CHECKPOINT).exists()
    assert not (folder / RECORD).exists()


def test_what_a_part_prints_never_mixes_with_events(text, tmp_path):
    mine = tmp_path / "loud.py"
    mine.write_text(
        OUTSIDE.read_text().replace(
            "        return self.down(self.up(x).relu())",
            "        print('not json', flush=True)\n        return self.down(self.up(x).relu())",
        )
    )
    folder = prepared(tmp_path / "cell", cell(text, ffn=f"{mine}:Dropping"))
    process = worker()
    heard, said = process.communicate(f"{folder}\n", timeout=100)
    assert [json.loads(line)["event"] for line in heard.splitlines()][-1] == "done"
    assert "not json" in said
    assert json.loads((folder / RECORD).read_text())["status"] == "finished"
