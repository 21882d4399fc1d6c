"""`partbench probe`: a cell, its checkpoint, folders of ours and of others, one's own probe."""

import json
import shutil
from contextlib import suppress

import pytest
from tests.cli.test_exchange_verbs import finished

from partbench.core.cell import CHECKPOINT, RECORD, SPEC, WEIGHTS, Cell
from partbench.train.loop import Stopped
from partbench.train.record import run_cell

MINE = '''"""How many numbers does the model hold?"""

from typing import NamedTuple

from partbench.core.errors import InputError


class Held(NamedTuple):
    numbers: float


def held(look):
    return Held(float(sum(weight.numel() for weight in look.model.parameters())))


def refuses(look):
    raise InputError("probe: mine has no answer")
'''


def test_a_cell_is_seen_as_it_was_while_it_trained(partbench, ledger):
    id = finished(ledger)
    record = json.loads((ledger.root / id[:2] / id / RECORD).read_text())
    said = partbench("probe", id[:8], "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    for probe, fields in record["probes"].items():
        for field, value in fields.items():
            if (probe, field) != ("tensors", "update"):  # of a step, which nobody takes here
                assert found["probes"][probe][field] == pytest.approx(value, rel=1e-4), probe
    assert set(found["silent"]) == {"gain", "collapse"}
    assert all(seconds >= 0 for seconds in found["seconds"].values())
    assert found["share_of_run"] == pytest.approx(
        record["seconds"]["probe"] / record["seconds"]["train"]
    )


def test_what_is_printed_names_the_question_the_numbers_and_the_cost(partbench, ledger):
    said = partbench("probe", finished(ledger)[:8], "--probe", "tensors", "--probe", "gain").out
    assert said.startswith("4 sequences of 8 targets, loss ")
    assert "\ntensors: How large is each parameter, its gradient, and its last step? (" in said
    assert "  gradient " in said
    assert "\ngain: no answer: this residual part has one stream" in said
    assert "all of this took " in said
    assert "while the cell trained, looking took " in said


def test_the_checkpoint_of_a_cell_under_way_is_looked_at(partbench, ledger, tmp_path):
    id = finished(ledger)
    folder = tmp_path / "cut"
    folder.mkdir()
    cell = Cell.read(ledger.root / id[:2] / id / SPEC)
    record = None
    with suppress(Stopped):
        record = run_cell(cell, folder, lambda step, steps, loss: step == 1)
    assert record is None, f"it was not stopped: {record['status']}, {record['reason']}"
    assert (folder / CHECKPOINT).exists()
    said = partbench("probe", str(folder), "--probe", "sizes", "--json")
    assert said.code == 0, said.err
    assert json.loads(said.out)["share_of_run"] is None
    whole = partbench("probe", id[:8], "--probe", "sizes", "--json")
    assert json.loads(said.out)["probes"] != json.loads(whole.out)["probes"]


def test_folders_of_ours_and_of_hugging_faces_say_the_same(partbench, ledger, work):
    id = finished(ledger, '"swiglu"')
    partbench("export", id, "--out", "ours")
    partbench("export", id, "--to", "llama", "--out", "theirs")
    found = []
    for folder in ("ours", "theirs"):
        said = partbench("probe", folder, "--text", "text.txt", "--json")
        assert said.code == 0, said.err
        found.append(json.loads(said.out)["probes"])
    assert found[0].keys() == found[1].keys() >= {"frequencies", "sharpness", "attention"}
    for probe in ("sizes", "attention", "calibration", "frequencies"):
        for field, value in found[0][probe].items():
            assert found[1][probe][field] == pytest.approx(value, rel=1e-4), probe


def test_a_probe_of_ones_own_is_a_function_in_a_file(partbench, ledger, work):
    (work / "mine.py").write_text(MINE)
    id = finished(ledger)
    said = partbench("probe", id[:8], "--probe", "mine.py:held")
    assert "mine.py:held: How many numbers does the model hold? (" in said.out
    assert "  numbers " in said.out
    record = json.loads((ledger.root / id[:2] / id / RECORD).read_text())
    number = json.loads(partbench("probe", id[:8], "--probe", "mine.py:held", "--json").out)
    held = number["probes"]["mine.py:held"]["numbers"]
    assert held == sum(record["parameters"].values())


MISTAKES = {
    "no such probe": (["--probe", "sharpnes"], "did you mean 'sharpness'?"),
    "no such file": (["--probe", "your.py:held"], "there is no file"),
    "no such function": (["--probe", "mine.py:hold"], "did you mean 'held'?"),
    "no sequences": (["--sequences", "0"], "--sequences 0 is below 1"),
    "a text for a cell": (["--text", "text.txt"], "its own held-out sequences"),
    "it has no answer": (["--probe", "mine.py:refuses"], "mine has no answer"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line(partbench, ledger, work, mistake):
    (work / "mine.py").write_text(MINE)
    words, wanted = MISTAKES[mistake]
    said = partbench("probe", finished(ledger)[:8], *words)
    assert said.code == 2
    assert said.err.count("\n") == 1
    assert wanted in said.err


def test_a_cell_without_weights_says_so(partbench, ledger, tmp_path):
    id = finished(ledger)
    shutil.copytree(ledger.root / id[:2] / id, tmp_path / "bare")
    (tmp_path / "bare" / WEIGHTS).unlink()
    said = partbench("probe", str(tmp_path / "bare"))
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "neither trained weights nor a checkpoint" in said.err
