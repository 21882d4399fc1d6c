"""The whole loop in one process: words, switch, bulb, journal, and what was learnt."""

import subprocess
import sys

import pytest
from homes import journal_of, labels_of, living, until
from lamp.bulb import Bulb
from lamp.journal import Journal
from lamp.recorder import Ended, Heard, Switched, Transcriber, understood

from partbench.core.errors import ConfigError, DataError

WISH, END = "it is dark in here", "good night everybody"


def evenings(lamp, number):
    for _ in range(number):
        for said in (Heard(WISH), Switched(True, "test"), Heard("what is for dinner")):
            lamp.put(said)
        for said in (Heard(END), Switched(False, "test")):
            lamp.put(said)


def test_the_lamp_anticipates_what_it_was_taught_by_its_switch(tmp_path):
    with living(tmp_path) as lamp:
        evenings(lamp, 3)
        lamp.put(Heard("so dark in here"))
        lamp.put(Heard("good night all"))
    kinds = [event["kind"] for event in journal_of(tmp_path)]
    assert kinds.count("acted") >= 2
    assert labels_of(tmp_path)["so dark in here"] == "lit"
    assert labels_of(tmp_path)["good night all"] == "dark"
    assert labels_of(tmp_path)["what is for dinner"] == "nothing"
    assert not lamp.operator.lit


def test_a_click_after_a_wrong_act_teaches(tmp_path):
    with living(tmp_path) as lamp:
        evenings(lamp, 3)
        lamp.put(Heard("dark chocolate in here"))
        lamp.put(Switched(False, "test"))
        until(lambda: labels_of(tmp_path).get("dark chocolate in here") == "nothing")
        learnt = lamp.learnt
        until(lambda: lamp.apprentice.mind.forecast("dark chocolate in here").tag == "nothing")
    assert learnt == lamp.learnt == 10
    assert [e["tag"] for e in journal_of(tmp_path) if e["kind"] == "labelled"][-2:] == [
        "lit",
        "nothing",
    ]


def test_what_was_learnt_is_there_after_a_restart(tmp_path):
    with living(tmp_path) as lamp:
        evenings(lamp, 3)
        until(lambda: lamp.learnt >= 9)
    first = lamp.apprentice.mind.written()
    with living(tmp_path) as lamp:
        until(lambda: lamp.apprentice.mind.rows)
        assert lamp.apprentice.mind.written() == first
        assert lamp.learnt == 9


def test_the_bulb_is_run_with_the_newest_state_and_without_a_shell(tmp_path):
    script = "import sys; open(sys.argv[1], 'a').write(sys.argv[2] + ';')"
    command = f'{sys.executable} -c "{script}" "{tmp_path}/a $(b)" {{state}}'
    with living(tmp_path / "home", command) as lamp:
        lamp.put(Switched(True, "test"))
    shown = (tmp_path / "a $(b)").read_text().strip(";").split(";")
    assert shown[-1] == "on"


def test_a_bulb_that_fails_is_named_and_the_switch_works_on(tmp_path):
    with living(tmp_path, "no-such-bulb-anywhere {state}") as lamp:
        lamp.put(Switched(True, "test"))
        until(lambda: lamp.operator.lit)
    assert any("no-such-bulb-anywhere" in line for line in lamp.said)


@pytest.mark.parametrize("command", ["echo on", "echo '{state}"])
def test_a_bulb_command_that_cannot_be_is_refused(command):
    with pytest.raises(ConfigError, match="--bulb"):
        Bulb(command, print)


def test_transcripts_hold_words_and_orders():
    assert understood("  light please \n", "x") == Heard("light please")
    assert understood("", "x") is None
    assert understood("/switch", "x") == Switched(None, "x")
    assert understood("/off", "x") == Switched(False, "x")
    assert understood("/quit", "x") == Ended("", stop=True)
    with pytest.raises(DataError, match="did you mean '/off'"):
        understood("/of", "x")


def test_a_transcriber_is_any_command(tmp_path):
    said = []
    transcriber = Transcriber(f"{sys.executable} -c \"print('one'); print('/nope'); print('two')\"")
    transcriber.listen(said.append, said.append)
    transcriber.close()
    assert Heard("one") in said
    assert Heard("two") in said
    assert any("/nope" in str(line) for line in said)
    assert isinstance(said[-1], Ended)
    assert not said[-1].stop
    with pytest.raises(ConfigError, match="--listen"):
        Transcriber("no-such-transcriber-anywhere")


def test_errors_are_one_line_and_leave_with_two(tmp_path):
    journal = Journal(tmp_path)
    command = [sys.executable, "-m", "lamp", "run", "--store", str(tmp_path), "--no-page"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    journal.close()
    assert done.returncode == 2
    assert done.stderr.startswith("lamp: ")
    assert done.stderr.count("\n") == 1


def test_the_lamps_own_process_needs_no_tensor_library():
    script = (
        "import lamp.run, sys; sys.exit(bool({'torch', 'numpy', 'pydantic'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
