"""The local engine with workers that do as they are told: every cell once, whoever dies."""

import os
import shlex
import sys
from pathlib import Path

import pytest

from partbench.engines import local
from partbench.engines.local import Local, cores

FAKE = Path(__file__).with_name("fake_worker.py")
pytestmark = pytest.mark.timeout(30)


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """Two slots of fake workers."""
    shell = tmp_path / "python"
    shell.write_text(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} -S -E {FAKE}\n")
    shell.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(shell))
    with Local(2, 1, tmp_path / "logs") as made:
        yield made


@pytest.fixture
def folders(tmp_path):
    """Make folders from what their workers shall do."""

    def make(*orders: str) -> list[Path]:
        made = []
        for number, order in enumerate(orders):
            made.append(tmp_path / f"cell{number}")
            made[-1].mkdir()
            (made[-1] / "do").write_text(order)
        return made

    return make


def tries(folder: Path) -> list[str]:
    return (folder / "tries").read_text().splitlines()


def ended(events: list[dict]) -> list[tuple[str, str]]:
    return sorted((Path(e["folder"]).name, e["status"]) for e in events if e["event"] == "done")


def test_every_cell_is_run_once_by_two_workers(engine, folders):
    events, made = [], folders(*["-"] * 7)
    engine.run(made, events.append)
    assert ended(events) == [(f"cell{n}", "finished") for n in range(7)]
    assert [event["event"] for event in events].count("step") == 14
    workers = {line for folder in made for line in tries(folder)}
    assert [len(tries(folder)) for folder in made] == [1] * 7
    assert len({line.split()[0] for line in workers}) == 2


def test_events_that_come_together_are_all_heard(engine, folders):
    """The last one too: once it lay in a buffer and the study waited for it for ever."""
    events = []
    engine.run(folders("-"), events.append)
    assert [event["event"] for event in events] == ["step", "step", "done"]


def test_workers_stay_between_runs(engine, folders):
    first, second = folders("-", "-"), []
    engine.run([first[0]], second.append)
    engine.run([first[1]], second.append)
    assert tries(first[0]) == tries(first[1])


def test_a_worker_that_dies_is_replaced_and_its_cell_tried_again(engine, folders):
    events, made = [], folders("die-once", "-", "-")
    engine.run(made, events.append)
    assert ended(events) == [(f"cell{n}", "finished") for n in range(3)]
    assert len(tries(made[0])) == 2
    assert len({line.split()[0] for line in tries(made[0])}) == 2
    assert all(len(tries(folder)) == 1 for folder in made[1:])


def test_a_cell_that_kills_two_workers_is_given_up_and_the_rest_goes_on(engine, folders):
    events, made = [], folders("-", "die", "-", "-")
    engine.run(made, events.append)
    assert ended(events) == [
        ("cell0", "finished"),
        ("cell1", "dead"),
        ("cell2", "finished"),
        ("cell3", "finished"),
    ]
    assert len(tries(made[1])) == 2
    dead = next(event for event in events if event.get("status") == "dead")
    assert dead["code"] == -9


def test_a_worker_that_dies_while_idle_costs_no_cell(engine, folders):
    events, made = [], folders("then-die", "then-die", "-", "-")
    engine.run(made[:1], events.append)
    engine.workers[0].process.wait()
    engine.run(made[1:], events.append)
    assert ended(events) == [(f"cell{n}", "finished") for n in range(4)]


def test_a_stop_lets_busy_workers_save(engine, folders):
    made, events = folders("wait", "wait", "-"), []
    engine.run(made, events.append, lambda: all((f / "tries").exists() for f in made[:2]))
    assert all((folder / "saved").exists() for folder in made[:2])
    assert not (made[2] / "tries").exists()
    assert engine.workers == []
    assert events == []


def test_a_worker_that_will_not_stop_is_killed(engine, folders, monkeypatch):
    monkeypatch.setattr(local, "GRACE_SECONDS", 0.0)
    made = folders("wait")
    seen = []

    def until() -> bool:
        if (made[0] / "tries").exists():
            seen.extend(worker.process for worker in engine.workers)
            os.kill(seen[0].pid, 19)  # SIGSTOP: it hears nothing any more
            return True
        return False

    engine.run(made, lambda event: None, until)
    assert seen[0].returncode == -9


def test_no_more_workers_than_cells(engine, folders):
    engine.run(folders("-"), lambda event: None)
    assert len(engine.workers) == 1


def test_slots_get_cores_of_their_own(monkeypatch):
    monkeypatch.setattr(local.os, "sched_getaffinity", lambda pid: {2, 3, 6, 7}, raising=False)
    assert [cores(slot, 1) for slot in range(4)] == [[2], [3], [6], [7]]
    assert [cores(slot, 2) for slot in range(2)] == [[2, 3], [6, 7]]
    assert cores(0, 9) == [2, 3, 6, 7]
    assert cores(5, 1) == [3]


def test_each_worker_is_told_its_cores(engine, folders):
    made = folders("-", "-")
    engine.run(made, lambda event: None)
    told = {line.split()[1] for folder in made for line in tries(folder)}
    assert told <= {str(core) for core in os.sched_getaffinity(0)}
    assert told
