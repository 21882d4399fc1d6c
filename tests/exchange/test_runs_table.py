"""Tables of runs are read by their headings; what is not clear is asked, never guessed."""

import json
import math

import pytest

from partbench.core.errors import DataError
from partbench.exchange.runs_table import parse_columns, read


@pytest.fixture
def table(tmp_path):
    """Read a text as a file, with columns."""

    def make(text: str, columns: str | None = None, name: str = "runs.csv"):
        path = tmp_path / name
        path.write_text(text)
        return read(path, parse_columns(columns))

    return make


def test_a_plain_table(table):
    found = table("arm,seed,score,seconds\nbase,1,2.5,10\ngated,1,nan,\n")
    assert found.kind == "a table"
    assert found.arms() == ["base", "gated"]
    first, second = found.runs
    assert (first.seed, first.score, first.seconds, first.tokens) == ("1", 2.5, 10.0, None)
    assert math.isnan(second.score)
    assert second.seconds is None


@pytest.mark.parametrize("mark", [";", "\t"])
def test_other_separators_and_a_byte_order_mark(table, mark):
    text = "\ufeffarm,seed,val_loss\nbase,1.0,2.5\n".replace(",", mark)
    found = table(text)
    assert found.unit == "val_loss"
    assert found.runs[0].seed == "1"


def test_columns_can_be_named(table):
    found = table("who,when,loss,acc\na,1,2,3\n", "arm=who,score=acc")
    assert found.columns == {"arm": "who", "score": "acc"}
    assert found.runs[0].seed is None


WANDB = (
    '"Name","State","Notes","User","Tags","Created","Runtime","Sweep","Group","seed","val/loss"\n'
    '"glad-1","finished","-","me","","2026-01-01T00:00:00.000Z","61","","base","1","2.5"\n'
    '"sad-2","crashed","-","me","","2026-01-01T00:00:00.000Z","7","","idea","1","4.5"\n'
)


def test_a_runs_table_of_wandb(table):
    found = table(WANDB)
    assert "runs table exported from Weights & Biases" in found.kind
    assert found.columns == {
        "arm": "Group", "seed": "seed", "score": "val/loss", "seconds": "Runtime",
    }  # fmt: skip
    assert found.runs[0].seconds == 61.0
    assert found.runs[1].score is None, "the last value of a crashed run is no result"


def test_a_runs_own_name_is_never_taken_for_an_arm(table):
    with pytest.raises(DataError, match="which column is the arm"):
        table(WANDB.replace('"Group"', '"Host"'))


def test_a_chart_of_wandb(table):
    found = table(
        '"Step","base-seed1 - val_loss","base-seed1 - val_loss__MIN","base-seed1 - val_loss__MAX",'
        '"idea_s2 - val_loss","idea_s2 - val_loss__MIN","idea_s2 - val_loss__MAX",'
        '"idea_s2 - _step"\n'
        '"1","3.5","3","4","3.25","3","4","1"\n"2","2.5","2","3","","",""\n'
    )
    assert [(r.arm, r.seed, r.score) for r in found.runs] == [
        ("base", "1", 2.5), ("idea", "2", 3.25),
    ]  # fmt: skip
    assert found.unit == "val_loss"


@pytest.mark.parametrize("lines", [False, True])
def test_runs_of_wandb_as_json(table, lines):
    runs = [
        {"name": "x", "state": "finished", "config": {"seed": {"value": 3, "desc": None},
         "variant": "base"}, "summary": {"eval/loss": 2.5, "_runtime": 60.5}},
        {"name": "y", "state": "running", "config": {"seed": 4, "variant": "idea"},
         "summary": json.dumps({"eval/loss": 2.0})},
    ]  # fmt: skip
    text = "\n".join(map(json.dumps, runs)) if lines else json.dumps({"runs": runs})
    found = table(text, name="runs.json")
    assert [(r.arm, r.seed, r.score, r.seconds) for r in found.runs] == [
        ("base", "3", 2.5, 60.5), ("idea", "4", None, None),
    ]  # fmt: skip


def test_runs_of_mlflow(table):
    found = table(
        "run_id,status,metrics.val_loss,params.seed,tags.variant\nq,FINISHED,2.5,1,base\n"
    )
    assert found.columns["score"] == "metrics.val_loss"
    assert (found.runs[0].arm, found.runs[0].seed, found.runs[0].score) == ("base", "1", 2.5)


def test_a_guessed_column_that_holds_no_numbers_is_left_alone(table):
    assert table("arm,score,time\nbase,1,12:30\n").runs[0].seconds is None
    with pytest.raises(DataError, match="'12:30', which is not a number"):
        table("arm,score,time\nbase,1,12:30\n", "seconds=time")


@pytest.mark.parametrize(
    ("text", "columns", "word"),
    [
        ("", None, "no table"),
        ("arm,score\n", None, "no table"),
        ("just one line of words\nand another\n", None, "no table"),
        ("x,score\na,1\n", None, "which column is the arm"),
        ("arm,x\na,1\n", None, "which column is the score"),
        ("arm,score\na,1\n", "score=scor", "did you mean 'score'"),
        ("arm,score\na,1\n", "sore=score", "did you mean 'score'"),
        ("arm,score\na,1\n", "arm", "arm=COLUMN"),
        ("arm,score\na,good\n", None, "score is 'good', which is not a number"),
        ("arm,score\n,1\n", None, "belongs to no arm"),
        ("arm,seed,score\na,1,2\na,1,3\n", None, "seed 1 twice"),
        ("[1, 2]", None, "one object a run"),
        ("{torn", None, "not valid JSON"),
        ("[]", None, "no runs"),
    ],
)
def test_what_cannot_be_read_is_one_line(table, text, columns, word):
    with pytest.raises(DataError) as error:
        table(text, columns)
    assert word in str(error.value)
    assert "\n" not in str(error.value)


def test_a_run_that_was_tried_again_after_a_crash_is_no_twin(table):
    assert len(table("arm,seed,score,state\na,1,,failed\na,1,3,finished\n").runs) == 2


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read(tmp_path / "none.csv")
