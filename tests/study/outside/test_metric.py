"""The number is the one that was meant, or the user is told which one is there."""

import math

import pytest

from partbench.core.errors import ConfigError
from partbench.study.outside.metric import parse, read
from partbench.study.outside.numbers import first_group, last_line, named_numbers


def text(pattern: str, output: str):
    return read(parse(pattern, None, None), output, None)


def in_json(key: str, output: str, content: str | None = None):
    return read(parse(None, key, None), output, content)


def in_csv(key: str, content: str | None):
    return read(parse(None, None, key), "", content)


@pytest.mark.parametrize("pattern", ["val_loss", "val_loss=([0-9.]+)", "val_loss=(?P<x>[0-9.]+)"])
def test_the_last_match_is_the_result(pattern):
    assert text(pattern, "val_loss=2.5\nval_loss=2.25\ntrain_val_loss_x=9").value == 2.25


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("val_loss=1.5", 1.5),
        ("val_loss: 1.5", 1.5),
        ('{"val_loss": 1.5}', 1.5),
        ("val_loss 1.5e-3", 1.5e-3),
        ("val_loss = -2", -2.0),
        ("val_loss .5,", 0.5),
        ("epoch 3 | val_loss 1.5 | acc 0.9", 1.5),
        ("\x1b[32mval_loss\x1b[0m=\x1b[1m1.5\x1b[0m", 1.5),
        ("10%\rval_loss=3\r20%\rval_loss=1.5\r", 1.5),
        ("val_loss=1.5.", 1.5),
    ],
)
def test_a_name_alone_finds_its_number_in_many_forms(line, value):
    assert text("val_loss", line).value == value


def test_a_name_is_not_the_end_of_another():
    assert text("loss", "val_loss=1.5").value is None
    assert text("val/loss", "val/loss: 3").value == 3.0


@pytest.mark.parametrize("lost", ["nan", "NaN", "inf", "-inf", "Infinity"])
def test_a_run_that_diverged_after_good_values_is_not_given_its_last_good_one(lost):
    for pattern in ("val_loss=([0-9.]+)", "val_loss", r"val_loss=(\d+\.\d+)"):
        assert not math.isfinite(text(pattern, f"val_loss=2.5\nval_loss={lost}\n").value)
    assert text("val_loss=([0-9.]+)", f"val_loss={lost}\nval_loss=2.5").value == 2.5


def test_a_pattern_that_cuts_a_number_short_is_told_so():
    found = text("val_loss=([0-9.]+)", "val_loss=9.5e-05")
    assert found.value is None
    assert "'9.5' of '9.5e-05'" in found.trouble
    assert "--metric val_loss" in found.trouble
    assert text(r"loss.*?(\d+)", "loss=12.75").value is None
    assert text(r"loss: ([-+.0-9eE]+)", "loss: 9.5e-05").value == 9.5e-05


def test_what_does_not_match_names_the_best_candidate():
    found = text("val_lss=([0-9.]+)", "step=3 train=1.25\nval_loss=2.5 lr=0.1")
    assert found.value is None
    assert "val_loss = 2.5: try --metric 'val_loss'" in found.trouble
    assert "the last line is: done" in text("loss", "done\n\n").trouble
    assert "printed nothing" in text("loss", "").trouble


def test_a_match_that_is_no_number_is_told():
    assert "'good', which is not a number" in text(r"loss=(\w+)", "loss=good").trouble


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ((None, None, None), "--metric"),
        (("a", "b", None), "say once"),
        (("  ", None, None), "say once"),
        (("val_loss=[0-9.]+", None, None), "no group"),
        (("val_loss=([0-9", None, None), "not a regular expression"),
        ((None, None, "loss"), "FILE:column"),
        ((None, None, ":loss"), "FILE:column"),
    ],
)
def test_a_metric_that_cannot_be_is_refused(given, word):
    with pytest.raises(ConfigError, match=word.replace("(", r"\(")):
        parse(*given)


def test_json_on_the_last_line():
    output = 'hello {\n{"val": {"loss": 3}}\n{"val": {"loss": 2.5}, "eval/acc": 1}\nbye\n'
    assert in_json("val.loss", output).value == 2.5
    assert in_json("eval/acc", output).value == 1.0
    assert in_json("val.los", output).value is None
    assert "did you mean 'val.loss'" in in_json("val.los", output).trouble
    assert "no JSON" in in_json("val.loss", "nothing").trouble


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ('{"a": {"b.c": [1, {"d": 2.5}]}}', 2.5),
        ('{"a": {"b.c": [1, {"d": "2.5"}]}}', 2.5),
        ('{"a": {"b.c": [1, {"d": 9}]}}\n{"a": {"b.c": [1, {"d": 2.5}]}}\n', 2.5),
        ('{"a": {"b.c": [1, {"d": 2.5}]}}\n{"other": 1}\n{"torn', 2.5),
    ],
)
def test_json_files_and_json_lines(content, value):
    assert in_json("log.json:a.b.c.1.d", "", content).value == value


def test_json_that_is_no_number():
    for content, word in (('{"x": null}', "null"), ('{"x": true}', "true"), ('{"x": {}}', "{}")):
        assert word in in_json("f.json:x", "", content).trouble
    assert math.isnan(in_json("f.json:x", "", '{"x": NaN}').value)
    assert "was not written" in in_json("f.json:x", "", None).trouble


def test_csv_columns():
    content = "step, loss,acc\n1,3.0,\n2,2.5,0.5\n3,2.75,\n"
    assert in_csv("f.csv:loss", content).value == 2.75
    assert in_csv("f.csv:loss:min", content).value == 2.5
    assert in_csv("f.csv:loss:max", content).value == 3.0
    assert in_csv("f.csv:acc", content).value == 0.5
    assert "did you mean 'loss'" in in_csv("f.csv:los", content).trouble
    assert math.isnan(in_csv("f.csv:loss", "loss\n2\nnan\n").value)
    assert in_csv("f.csv:loss:min", "loss\n2\nnan\n").value == 2.0
    assert "no row" in in_csv("f.csv:loss", "loss\n\n").trouble
    assert "'x', which is not a number" in in_csv("f.csv:loss", "loss\nx\n").trouble


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("val_loss=([0-9.]+)", "val_loss"),
        ("val_loss", "val_loss"),
        (r"^\s*final loss:\s*(\S+)", "loss"),
        (r"(\d+)$", "the metric"),
    ],
)
def test_the_unit_is_called_after_the_pattern(pattern, name):
    assert parse(pattern, None, None).name == name


@pytest.mark.parametrize(
    ("pattern", "group"),
    [
        ("a=(b)", "(b)"),
        (r"\(x\) a=([(0-9)]+)", "([(0-9)]+)"),
        ("(?:a|b)=(?P<n>(1|2))c", "(?P<n>(1|2))"),
        ("[]()](x)", "(x)"),
        ("(?i:a)", None),
    ],
)
def test_the_first_group_is_found_in_the_source(pattern, group):
    found = first_group(pattern)
    assert (found and pattern[slice(*found)]) == group


def test_the_last_lines_are_read_as_they_look():
    assert last_line("one\ntwo\r\x1b[31mthree\x1b[0m\n\n") == "three"
    assert named_numbers("a=1 b=2\na=3") == {"b": "2", "a": "3"}
