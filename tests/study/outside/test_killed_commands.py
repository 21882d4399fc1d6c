"""Signals, kills and neighbours: what ended is never lost, nothing runs twice, nothing is left."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.study.outside.asking import TOY, driver, put_down, started

from partbench.study.outside import command, source
from partbench.study.outside.metric import parse
from partbench.study.outside.question import Question
from partbench.study.run import Interrupted

pytestmark = pytest.mark.slow


def test_children_are_asked_to_end_and_reaped():
    script = "import os, signal, time\nopen('pid', 'w').write(str(os.getpid()))\n"
    script += "signal.signal(signal.SIGTERM, lambda *_: (open('term', 'w').write('x'), exit()))\n"
    Path("t.py").write_text(f"{script}time.sleep(60)")
    commands = [command.parse(f"{sys.executable} t.py {{seed}} {n}") for n in (1, 2)]
    question = Question(
        commands=tuple(commands), names=("base", "x"), metric=parse("val_loss", None, None),
        margin=1.0, source=source.look(commands),
    )  # fmt: skip
    study = driver(question)
    study._over = lambda: Path("pid").exists()  # type: ignore[method-assign]
    with pytest.raises(Interrupted):
        study.run(put_down)
    assert Path("term").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(int(Path("pid").read_text()), 0)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs PR_SET_PDEATHSIG")
def test_a_kill_of_the_driver_loses_nothing_that_ended_and_leaves_no_orphan():
    words = [sys.executable, "-m", "partbench", "verdict", f"{TOY} --sleep 0.15",
             f"{TOY} --sleep 0.15 --shift 0.5", "--metric", "val_loss", "--margin", "0.01",
             "--looks", "4,6"]  # fmt: skip
    kills = 3
    for _ in range(kills):
        before = len(started())
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while len(started()) < before + 2:  # the first of these runs has ended
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "goes on: " in done.stderr
    assert "worse by 0.5" in done.stdout
    limit = time.monotonic() + 5
    while (left := orphans()) and time.monotonic() < limit:
        time.sleep(0.05)
    assert not left
    assert 8 <= len(started()) <= 8 + kills, "only what a kill interrupted ran again"


def start(*words: str) -> "subprocess.Popen[str]":
    """`partbench verdict` of slow toys, in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "partbench", "verdict", f"{TOY} --sleep 0.2",
         f"{TOY} --sleep 0.2 --shift 0.5", "--metric", "val_loss", "--margin", "0.01", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def test_two_studies_at_once_run_nothing_twice():
    both = [start("--out", f"study{n}", "--at-once", "2") for n in range(2)]
    said = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert len(started()) == 8
    assert said[0][0].partition(";")[0] == said[1][0].partition(";")[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_with_130_and_says_how_to_go_on(number):
    process = start()
    while len(started()) < 2:
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, number)
    said, told = process.communicate()
    assert process.returncode == 130
    assert said == ""
    assert "the same command goes on" in told
    assert "Traceback" not in told
    assert not orphans()


def orphans() -> list[str]:
    """Toy trainers that still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_text().split("\0")
            if any(word.endswith("outside/toy.py") for word in words):
                if os.readlink(path.with_name("cwd")) == os.getcwd():
                    found.append(" ".join(words))
        except OSError:
            continue
    return found
