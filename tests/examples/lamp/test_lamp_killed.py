"""Killed at any instant the lamp loses one line at most, and learns on to the same bits."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from itertools import islice
from pathlib import Path

import pytest
from homes import journal_of, until
from lamp.evaluation.dialogue import Home
from lamp.journal import Journal
from lamp.learner_process import Pupil
from lamp.mind import TABLE, Mind
from processes import Running, children

pytestmark = pytest.mark.slow
KILLS = 5


def script(number: int) -> list[str]:
    """Lines, and the switch after those that mean something."""
    said, lit = [], False
    for sentence in islice(Home("design", 3).heard(), number):
        said.append(sentence.text)
        if sentence.tag != "nothing" and (sentence.tag == "lit") != lit:
            lit = not lit
            said.append("/on" if lit else "/off")
    return said


def fresh_table(folder: Path) -> bytes:
    """What a learner that was never killed makes of the journal."""
    pupil = Pupil()
    pupil.feed(journal_of(folder))
    return pupil.learner.mind().written()


@pytest.mark.timeout(600)
def test_kills_at_random_instants_lose_at_most_the_line_in_flight(tmp_path):
    draw, ahead, answered = random.Random(5), script(6000), []
    kept: list[dict] = []
    for _ in range(KILLS):
        lamp = Running(tmp_path, "--no-page")
        if draw.random() < 0.8:  # the others are killed while they start
            while ahead[0].startswith("/"):  # orders are not answered
                lamp.say(ahead.pop(0))
            lamp.say(ahead[0])
            lamp.hears(f"{ahead[0]}  [")  # the learner is up: from here a line takes milliseconds
            answered.append(ahead.pop(0))
        threading.Timer(draw.uniform(0.0, 0.4), lamp.kill).start()
        try:
            while ahead:
                lamp.say(ahead[0])
                if not ahead[0].startswith("/"):
                    lamp.hears(f"{ahead[0]}  [")
                    answered.append(ahead[0])
                ahead.pop(0)
        except (AssertionError, OSError):
            pass
        lamp.process.wait()
        Journal(tmp_path, patience=60.0).close()  # cuts a torn end off, as the next start would
        now = journal_of(tmp_path)
        assert now[: len(kept)] == kept, "what was written is never written again"
        kept = now
        heard = [event["text"] for event in now if event["kind"] == "heard"]
        assert heard[: len(answered)] == answered
        assert len(heard) <= len(answered) + 1
        labels = {event["number"] for event in now if event["kind"] in ("labelled", "passed")}
        starts = sum(event["kind"] == "began" for event in now)
        assert len(set(range(len(heard))) - labels) <= starts, "one line a kill, at most"
        if len(heard) > len(answered):  # in flight: written, not answered
            answered.append(ahead.pop(0))
    assert len(answered) > KILLS
    lamp = Running(tmp_path, "--no-page")
    lamp.say("that is all")
    lamp.hears("that is all  [")
    lamp.finish()
    assert (tmp_path / TABLE).read_bytes() == fresh_table(tmp_path)


@pytest.mark.timeout(300)
def test_a_learner_that_is_killed_is_started_again_and_knows_all(tmp_path):
    lamp = Running(tmp_path, "--no-page")
    for at, line in enumerate(["it is dark in here", "/on", "good night", "/off", "what is this"]):
        lamp.say(line)
        if not line.startswith("/"):
            lamp.hears(line)
        if at in (1, 3):
            until(lambda: children(lamp.process.pid))
            (learner,) = children(lamp.process.pid)
            os.kill(learner, signal.SIGKILL)
    lamp.finish()
    assert lamp.process.returncode == 0
    assert (tmp_path / TABLE).read_bytes() == fresh_table(tmp_path)


@pytest.mark.timeout(300)
def test_without_a_learner_the_switch_still_works(tmp_path):
    """A folder where a table cannot be written stands for a learner that always dies."""
    (tmp_path / TABLE).mkdir()
    lamp = Running(tmp_path, "--no-page", "--bulb", "echo {state}")
    lamp.hears("learner: died three times")
    for line, state in (("/on", "bulb: on"), ("/off", "bulb: off")):
        lamp.say(line)
        lamp.hears(state)
    lamp.finish()
    assert lamp.process.returncode == 0


@pytest.mark.timeout(300)
def test_one_command_listens_switches_and_shows_a_bulb(tmp_path):
    """A transcriber that is a command; the demonstration of the README."""
    lines = ["it is dark in here", "/on", "good night", "/off"] * 3 + ["so dark in here"]
    transcriber = f"{sys.executable} -c \"print('''{chr(10).join(lines)}''')\""
    lamp = Running(tmp_path, "--no-page", "--listen", transcriber, "--bulb", "echo {state}")
    lamp.hears("listen: the transcriber ended with 0")
    until(lambda: any(e.get("text") == lines[-1] for e in journal_of(tmp_path)))
    lamp.process.send_signal(signal.SIGINT)
    assert lamp.process.wait(timeout=120) == 0
    texts = [event["text"] for event in journal_of(tmp_path) if event["kind"] == "heard"]
    assert texts == [line for line in lines if not line.startswith("/")]
    assert sum(event["kind"] == "switched" for event in journal_of(tmp_path)) >= 2


@pytest.mark.timeout(600)
def test_the_evaluation_runs_and_words_beat_no_words(tmp_path):
    command = [sys.executable, "-m", "lamp", "evaluate", "--design", "--residents", "1"]
    done = subprocess.run(
        [*command, "--tokens", "700", "--out", str(tmp_path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "curve.svg").read_text().startswith("<svg")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    found = json.loads((tmp_path / "evaluation.json").read_text())
    f1 = {name: arm["unseen_f1"][0] for name, arm in found["arms"].items()}
    lamp = f1["lamp: warm start, then training"]
    assert lamp > 0.6
    assert lamp > f1["majority"] == 0.0
    assert lamp > f1["last tag"]
    assert found["costs"]["resident_bytes"] < 50e6
    assert Mind.read(tmp_path / "nothing") is None
