"""`partbench check transfer`, at sizes that take a second or two."""

import json
import math
from collections import Counter

import pytest

TINY = [
    "--widths", "16,32", "--depths", "1,2", "--rates", "3", "--steps", "2", "--seeds", "1",
    "--set", "task.corpus=text.txt", "--set", "task.folds=4", "--set", "task.evaluation_tokens=64",
    "--set", "dims.context=8", "--set", "train.batch=2",
]  # fmt: skip


@pytest.mark.slow
def test_the_coordinate_check_writes_its_page(partbench, work):
    said = partbench("check", "transfer", *TINY, "--no-sweep", "--set", "dims.transfer=mup")
    assert said.code in (0, 1), said.err
    assert "movement over width" in said.out
    assert "mup promises nothing over depth" in said.out
    folder = work / "runs" / "transfer-mup-adamw"
    found = json.loads((folder / "transfer.json").read_text())
    assert (said.code == 0) is found["passed"]
    page = (folder / "transfer.html").read_text()
    assert page.count("<svg") == 2
    assert "dims.transfer = mup" in page


@pytest.mark.slow
def test_the_sweep_is_drawn_and_trains_nothing_twice(partbench, work):
    words = ("check", "transfer", *TINY, "--set", "dims.transfer=completep", "--json")
    first = partbench(*words)
    assert first.code in (0, 1), first.err
    assert "of 9 runs" in first.err  # 2 sizes of 2 axes at 3 rates; the base is in both axes
    found = json.loads(first.out)
    assert {row["check"] for row in found["checks"]} == {"movement", "best rate"}
    for axis, first_size in (("width", 16), ("depth", 1)):
        tried = Counter(row["size"] for row in found["sweep"][axis])
        assert tried[first_size] >= 3
        assert len(tried) == 2
        for size, at in found["best"][axis].items():  # no longer at the edge, or four rates more
            rates = [math.log2(r["rate"]) for r in found["sweep"][axis] if r["size"] == int(size)]
            assert min(rates) < at < max(rates) or tried[int(size)] == 7
    assert all(row["score"] for row in found["sweep"]["depth"])
    page = (work / "runs" / "transfer-completep-adamw" / "transfer.html").read_text()
    assert page.count("<svg") == 4
    again = partbench(*words)
    assert "runs" not in again.err
    assert again.out == first.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--widths", "16"], "--widths 16: give two or more"),
        (["--widths", "a,b"], "--widths a,b: write whole numbers"),
        (["--rates", "2"], "--rates 2: give an odd number"),
        (["--set", "dims.transfer=nup"], "did you mean 'mup'"),
        (["--set", "dims.transfer=mup", "--set", "optimizer=soap"], "does not follow width"),
    ],
)
def test_bad_input_is_one_line(partbench, words, said):
    answer = partbench("check", "transfer", *words)
    assert answer.code == 2
    assert said in answer.err
    assert len(answer.err.strip().splitlines()) == 1
