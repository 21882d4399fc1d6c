"""Workers driven from outside: asked, answered, ended, and noticed when they die."""

import sys

import pytest

from partbench.core.errors import CellError
from partbench.measure.timing import interleave
from partbench.measure.workers import Worker, beside

ECHO = """
import json, os, sys, types
torch = types.ModuleType("torch")  # the worker wants threads from it, nothing else
torch.threads = 1
torch.get_num_threads = lambda: torch.threads
torch.set_num_threads = lambda count: setattr(torch, "threads", count)
sys.modules["torch"] = torch
from partbench.measure import workers
settings = workers.settings()
def block(steps):
    print("libraries may print")
    if settings.get("dies"):
        os._exit(3)
    return [settings["seconds"] * torch.threads] * steps
workers.serve({"A": block}, {"taken": settings})
"""
COMMAND = [sys.executable, "-c", ECHO]


@pytest.fixture(scope="module")
def pair():
    with Worker(COMMAND, {"seconds": 1.0}) as first, Worker(COMMAND, {"seconds": 3.0}) as second:
        yield first, second


def test_a_worker_says_what_it_has_and_finds_its_settings(pair):
    assert pair[0].facts == {"names": ["A"], "taken": {"seconds": 1.0}}


def test_a_worker_is_a_block_and_takes_the_threads_it_is_told(pair):
    timings = interleave(
        {"one": pair[0].block("A"), "two": pair[0].block("A", threads=2)}, rounds=2, steps=3
    )
    assert timings.seconds == {"one": [[1.0] * 3] * 2, "two": [[2.0] * 3] * 2}


def test_side_by_side_gives_the_mean_of_each_step(pair):
    assert beside(pair, "A")(2) == [2.0, 2.0]


def test_a_worker_that_dies_is_an_error_with_its_code():
    with Worker(COMMAND, {"dies": True}) as worker:
        worker.ask("A", 1)
        with pytest.raises(CellError, match="code 3"):
            worker.read()
