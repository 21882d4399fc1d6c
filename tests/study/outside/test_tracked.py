"""A tracker hears every number of a command's metric, whole and once, and how the run ended."""

import json
import os
import time
from pathlib import Path

import pytest

from partbench.exchange.trackers import Run
from partbench.exchange.trackers.follow import Followed
from partbench.study.outside import metric
from partbench.study.outside.tracked import CommandFiles

TEXT = {"kind": "text", "key": "loss", "file": "", "pick": "last"}


def files(folder: Path, how: dict = TEXT, file: str = "", since: float = 0.0) -> CommandFiles:
    reading = {"metric": how, "file": file, "since": since}
    return CommandFiles(Run("a" * 64, "s", "base", 1, str(folder), {}, reading))


def test_numbers_come_as_they_are_printed_and_half_a_line_waits(tmp_path):
    reader, output = files(tmp_path), tmp_path / "output.txt"
    assert reader.rows() == []
    output.write_text("step 1 loss=3.5\nstep 2 loss=3.2")
    assert reader.rows() == [{"step": 1, "loss": 3.5}]
    output.write_text("step 1 loss=3.5\nstep 2 loss=3.25\n")
    assert reader.rows() == [{"step": 2, "loss": 3.25}]
    assert reader.rows() == []
    output.write_text("step 1 loss=3.5\nstep 2 loss=3.25\nloss=3.125")
    assert reader.rows() == []
    record = {"status": "finished", "seconds": 2.0}
    (tmp_path / "record.json").write_text(json.dumps(record))
    assert reader.record() == {"status": "finished", "seconds": 2.0, "score": 3.125}
    assert reader.rows() == [{"step": 3, "loss": 3.125}]


def test_what_an_earlier_attempt_left_is_not_this_run(tmp_path):
    for name, text in (("output.txt", "loss=9\n"), ("record.json", '{"status": "failed"}')):
        (tmp_path / name).write_text(text)
        os.utime(tmp_path / name, (time.time() - 60,) * 2)
    reader = files(tmp_path, since=time.time() - 1)
    assert reader.record() is None
    assert reader.rows() == []


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({"kind": "csv", "key": "loss"}, "step,loss\n1,4.5\n2,\n3,4.25\n"),
        ({"kind": "json", "key": "val.loss"},
         '{"val": {"loss": 4.5}}\n{"step": 2}\n{"val": {"loss": 4.25}}\n'),
    ],
)  # fmt: skip
def test_files_give_a_curve_too(how, text, tmp_path):
    (tmp_path / "log").write_text(text)
    whole = {**TEXT, **how, "file": "{out}/log"}
    reader = files(tmp_path, whole, str(tmp_path / "log"))
    name = metric.Metric(**whole).name
    assert [row[name] for row in reader.rows()] == [4.5, 4.25]


def test_a_number_that_is_none_is_left_to_the_verdict(tmp_path):
    """The curve has what is a number; a run that ends in nan ends as its record says."""
    (tmp_path / "output.txt").write_text("loss=2.5\nloss=nan\n")
    (tmp_path / "record.json").write_text('{"status": "finished", "seconds": 1.0}')
    told: list = []

    class Kept:
        def log(self, step: int, values: dict[str, float]) -> None:
            told.append((step, values))

        def end(self, status: str, summary: dict[str, float]) -> None:
            told.append((status, summary))

    reader = files(tmp_path)
    assert Followed(reader_run(tmp_path), reader).look(lambda run: Kept(), False)
    assert told == [(1, {"loss": 2.5}), ("finished", {"seconds": 1.0})]


def reader_run(folder: Path) -> Run:
    return Run("a" * 64, "s", "base", 1, str(folder), {})
