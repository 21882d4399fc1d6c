"""What bad input gets: one line that says what, where and the nearest right word; exit code 2;
nothing made, nothing changed."""

import json
from pathlib import Path

import pytest
from tests.train.tiny import SIZES

from partbench.cli.main import main

TINY = [word for path, value in SIZES.items() for word in ("--set", f"{path}={value}")]
TEXT = ["--set", "task.corpus=text.txt"]
COMPARE = ["compare", "--swap", "ffn=swiglu", *TINY, *TEXT]
STUDY = 'set = { "task.corpus" = "text.txt" }\n[arms.gated]\nmodel.ffn = "swiglu"\n'


def refused(said, *words: str) -> None:
    """One line, exit code 2, nothing on stdout, and each of `words` in it."""
    assert said.code == 2, said
    assert said.out == ""
    assert said.err.startswith("partbench: ")
    assert said.err.count("\n") == 1, said.err
    assert said.err.endswith("\n")
    assert "Traceback" not in said.err
    for word in words:
        assert word in said.err


MISTAKES = {
    "no command": (["compar"], ["compare"]),
    "option": ([*COMPARE, "--margn", "1"], ["--margn", "--margin"]),
    "option without value": (["compare", "--swap"], ["--swap", "requires an argument"]),
    "nothing to compare": (["compare"], ["--swap slot=part"]),
    "part": (["compare", "--swap", "ffn=swigloo"], ["swigloo", "'swiglu'"]),
    "slot": (["compare", "--swap", "fnn=swiglu"], ["fnn", "'ffn'"]),
    "slot nobody uses": ([*COMPARE, "--swap", "router=sigmoid"], ["router", "mixture_of_experts"]),
    "slot to list": (["parts", "residul"], ["residul", "'residual'"]),
    "setting": (["compare", "--swap", "ffn.rato=3"], ["rato", "'ratio'"]),
    "setting of training": ([*COMPARE, "--set", "train.stps=3"], ["stps", "'steps'"]),
    "setting of dims": ([*COMPARE, "--set", "dims.widht=32"], ["widht", "'width'"]),
    "section": ([*COMPARE, "--set", "trian.steps=3"], ["trian", "'train'"]),
    "preset": ([*COMPARE, "--base", "quik"], ["quik", "'quick'"]),
    "swap without value": (["compare", "--swap", "ffn"], ["--swap", "slot=part"]),
    "set without value": ([*COMPARE, "--set", "train.steps="], ["--set", "path=value"]),
    "type: words for a number": ([*COMPARE, "--set", "train.steps=many"], ["train.steps", "many"]),
    "type: a fraction of a step": ([*COMPARE, "--set", "train.steps=2.5"], ["train.steps", "2.5"]),
    "type: a table for a number": ([*COMPARE, "--set", "train.steps={a=1}"], ["train.steps"]),
    "type: a number for a part": (["compare", "--swap", "ffn=3"], ["ffn", "3"]),
    "type: a number for a table": ([*COMPARE, "--set", "dims=3"], ["dims", "3"]),
    "type: truth": ([*COMPARE, "--set", "ffn.bias=yes"], ["bias", "yes"]),
    "type: one of a few": (["compare", "--swap", "ffn.activation=gloo"], ["activation", "gloo"]),
    "below the range": ([*COMPARE, "--set", "train.steps=0"], ["train.steps", "0"]),
    "no head width": ([*COMPARE, "--set", "dims.head_width=0"], ["dims.head_width"]),
    "too deep": ([*COMPARE, "--set", "ffn.ratio.x=1"], ["ratio"]),
    "heads": ([*COMPARE, "--set", "dims.num_heads=3"], ["num_heads", "nearest"]),
    "micro-batches": ([*COMPARE, "--set", "train.accumulate=3"], ["accumulate", "nearest"]),
    "looks: none": ([*COMPARE, "--looks", "0"], ["looks"]),
    "looks: empty": ([*COMPARE, "--looks", ""], ["looks"]),
    "looks: one pair": ([*COMPARE, "--looks", "1"], ["looks"]),
    "looks: falling": ([*COMPARE, "--looks", "6,4"], ["looks", "rising"]),
    "looks: below zero": ([*COMPARE, "--looks=-4,6"], ["looks"]),
    "looks: words": ([*COMPARE, "--looks", "four"], ["--looks four", "4,6,8,12"]),
    "margin: below zero": ([*COMPARE, "--margin", "-0.02"], ["margin", "-0.02"]),
    "margin: zero": ([*COMPARE, "--margin", "0"], ["margin", "0"]),
    "margin: words": ([*COMPARE, "--margin", "small"], ["margin", "small"]),
    "margin: nan": ([*COMPARE, "--margin", "nan"], ["margin", "nan"]),
    "margin: endless": ([*COMPARE, "--margin", "inf"], ["margin", "inf"]),
    "margin: minus per cent": ([*COMPARE, "--margin", "-5 %"], ["margin"]),
    "time": ([*COMPARE, "--for", "soon"], ["--for soon", "100m"]),
    "corpus missing": ([*COMPARE, "--set", "task.corpus=texd.txt"], ["texd.txt", "text.txt"]),
    "corpus is a number": ([*COMPARE, "--set", "task.corpus=7"], ["task.corpus", "7"]),
    "folds": ([*COMPARE, "--set", "task.folds=1"], ["folds"]),
    "evaluation": ([*COMPARE, "--set", "task.evaluation_tokens=3"], ["evaluation_tokens"]),
    "part file missing": (["compare", "--swap", "ffn=mine.py:MLP"], ["mine.py"]),
    "part class missing": (["compare", "--swap", "ffn=part.py:MPL"], ["MPL", "'MLP'"]),
    "part is no Python": (["compare", "--swap", "ffn=text.txt:MLP"], ["text.txt", "Python"]),
    "part takes anything": (["compare", "--swap", "ffn=part.py:Any"], ["Any", "kwargs"]),
    "engine": ([*COMPARE, "--engine", "sluurm"], ["--engine", "sluurm", "'slurm'"]),
    "ranks: words": ([*COMPARE, "--ranks", "two"], ["--ranks two", "4:sharded"]),
    "ranks: none": ([*COMPARE, "--ranks", "0"], ["ranks", "0"]),
    "ranks: batch": ([*COMPARE, "--ranks", "3"], ["train.batch", "3 ranks", "nearest"]),
    "study missing": (["compare", "missing.toml"], ["missing.toml", "no such file"]),
    "study is a folder": (["compare", "."], ["directory"]),
    "study and swap": (["compare", "good.toml", "--swap", "ffn=mlp"], ["good.toml", "--swap"]),
    "study and base": (["compare", "good.toml", "--base", "gpt2"], ["good.toml", "--base"]),
    "two studies": (["compare", "good.toml", "good.toml"], ["good.toml"]),
    "report: no folder": (["report", "nowhere"], ["nowhere", "report.json"]),
    "report: no study": (["report", "."], ["report.json"]),
    "report: half a file": (["report", "half"], ["report.json", "cannot be read"]),
    "report: something else": (["report", "other"], ["report.json", "not a report"]),
    "report: a list": (["report", "list"], ["report.json", "not a report"]),
    "sample: no such cell": (["sample", "abcdef"], ["abcdef"]),
    "sample: no id": (["sample", "../../etc"], ["../../etc"]),
    "sample: letters missing": (["sample"], ["cell"]),
    "cell: missing": (["cell", "nowhere.json"], ["nowhere.json"]),
    "cell: no spec": (["cell", "good.toml"], ["good.toml", "not a cell spec"]),
    "cell: a list": (["cell", "list/report.json"], ["not a cell spec"]),
    "plan: part": (["plan", "--swap", "ffn=swigloo"], ["'swiglu'"]),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line_and_changes_nothing(name, partbench, everything, work):
    (work / "good.toml").write_text(STUDY)
    (work / "part.py").write_text(
        "class MLP:\n    def __init__(self, dims, *, ratio: float = 4.0): ...\n"
        "class Any:\n    def __init__(self, dims, **kwargs): ...\n"
    )
    for folder, content in (("half", '{"name": '), ("other", "{}"), ("list", "[]")):
        (work / folder).mkdir()
        (work / folder / "report.json").write_text(content)
    words, expected = MISTAKES[name]
    before = everything()
    refused(partbench(*words), *expected)
    assert everything() == before


STUDIES = {
    "syntax": ("arms = [", ["not valid TOML"]),
    "binary": ("\0\1", ["not valid TOML"]),
    "empty": ("", ["an arm"]),
    "no arms": ("question = 'Why?'\n", ["an arm"]),
    "key": ("margni = 0.1\n" + STUDY, ["margni", "'margin'"]),
    "arms are words": ("arms = 'gated'\n", ["[arms.gated]"]),
    "an arm is a word": ("[arms]\ngated = 'swiglu'\n", ["[arms.gated]"]),
    "arm called base": ("[arms.base]\nmodel.ffn = 'swiglu'\n", ["base", "taken"]),
    "arm's section": ("[arms.a]\nmodle.ffn = 'swiglu'\n", ["modle", "'model'"]),
    "arm's part": ("[arms.a]\nmodel.ffn = 'swigloo'\n", ["'swiglu'"]),
    "set is a number": ("set = 5\n[arms.a]\nffn = 'swiglu'\n", ["set", "5"]),
    "base is a number": ("base = 5\n[arms.a]\nffn = 'swiglu'\n", ["base", "5"]),
    "base missing": ("base = 'my.toml'\n[arms.a]\nffn = 'swiglu'\n", ["my.toml", "no such file"]),
    "question is a number": ("question = 5\n[arms.a]\nffn = 'swiglu'\n", ["question", "5"]),
    "careful is a word": ("careful = 'no'\n[arms.a]\nffn = 'swiglu'\n", ["careful", "no"]),
    "looks is a number": ("looks = 4\n[arms.a]\nffn = 'swiglu'\n", ["looks", "[4, 6, 8, 12]"]),
    "looks are fractions": ("looks = [4.5]\n[arms.a]\nffn = 'swiglu'\n", ["looks"]),
    "looks is empty": ("looks = []\n[arms.a]\nffn = 'swiglu'\n", ["looks"]),
    "margin is a list": ("margin = [1]\n[arms.a]\nffn = 'swiglu'\n", ["margin", "[1]"]),
    "margin is a table": ("margin = {}\n[arms.a]\nffn = 'swiglu'\n", ["margin"]),
    "margin is negative": ("margin = -0.1\n[arms.a]\nffn = 'swiglu'\n", ["margin", "-0.1"]),
    "margin is nan": ("margin = nan\n[arms.a]\nffn = 'swiglu'\n", ["margin", "nan"]),
    "alpha is large": ("alpha = 0.9\n[arms.a]\nffn = 'swiglu'\n", ["alpha", "0.9"]),
    "alpha is a word": ("alpha = 'x'\n[arms.a]\nffn = 'swiglu'\n", ["alpha", "'x'"]),
    "alpha is nan": ("alpha = nan\n[arms.a]\nffn = 'swiglu'\n", ["alpha"]),
    "seed is a fraction": ("first_seed = 1.5\n[arms.a]\nffn = 'swiglu'\n", ["first_seed", "1.5"]),
    "seed is negative": ("first_seed = -1\n[arms.a]\nffn = 'swiglu'\n", ["first_seed", "-1"]),
    "rate is nan": ("set = { 'optimizer.rate' = nan }\n[arms.a]\nffn = 'swiglu'\n", ["rate"]),
    "a date": ("set = { 'train.steps' = 2020-01-01 }\n[arms.a]\nffn = 'swiglu'\n", ["2020"]),
}


@pytest.mark.parametrize("name", STUDIES)
def test_a_wrong_study_file_is_one_line_and_changes_nothing(name, partbench, everything, work):
    content, expected = STUDIES[name]
    (work / "x.toml").write_text(content)
    before = everything()
    refused(partbench("compare", "x.toml"), *expected)
    assert everything() == before


CORPORA = {
    "empty": (b"", ["empty"]),
    "binary": (b"\x89PNG\r\n\x1a\n\0\0" * 500, ["not UTF-8 text", "byte 0"]),
    "zeros": (b"text\0" * 500, ["not UTF-8 text", "byte 4"]),
    "short": (b"eight by", ["8 tokens", "need 36"]),
    "shorter than a fold": (b"x" * 35, ["35 tokens", "need 36"]),
}


@pytest.mark.parametrize("name", CORPORA)
def test_a_text_that_cannot_work_is_one_line_and_changes_nothing(name, partbench, everything, work):
    content, expected = CORPORA[name]
    (work / "text.txt").write_bytes(content)
    before = everything()
    refused(partbench(*COMPARE), "text.txt", *expected)
    assert everything() == before


def test_an_empty_folder_is_no_corpus(partbench, everything, work):
    (work / "texts").mkdir()
    before = everything()
    refused(partbench(*COMPARE, "--set", "task.corpus=texts"), "texts", "no files")
    assert everything() == before


@pytest.mark.parametrize("wrong", [["--margin", "-1"], ["--looks", "0"], ["--swap", "ffn=swigloo"]])
def test_a_mistake_is_told_before_the_machine_is_measured(wrong, partbench, tmp_path, monkeypatch):
    (tmp_path / "home" / "machine.json").unlink()
    monkeypatch.setattr("partbench.cli.doctor.examine", lambda quick: pytest.fail("measured"))
    refused(partbench(*COMPARE, *wrong))


def test_no_verb_shows_all_verbs(partbench):
    said = partbench()
    assert said.code == 2
    for verb in ("compare", "plan", "report", "parts", "sample", "doctor"):
        assert verb in said.err


def test_a_home_that_cannot_be_written_is_one_line(partbench, monkeypatch, work):
    (work / "file").write_text("in the way")
    monkeypatch.setenv("PARTBENCH_HOME", str(work / "file" / "home"))
    refused(partbench(*COMPARE), "PARTBENCH_HOME")


def test_a_bug_of_ours_is_a_traceback_and_no_one_line(monkeypatch):
    """What nobody foresaw must not look like a user's mistake."""
    monkeypatch.setattr("sys.argv", ["partbench", "parts"])
    monkeypatch.setattr("partbench.cli.parts.menu.names", lambda slot: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main()


def test_the_json_of_bad_input_is_nothing(partbench):
    said = partbench(*COMPARE, "--json", "--margin", "-1")
    refused(said, "margin")
    with pytest.raises(json.JSONDecodeError):
        json.loads(said.out)


def test_messages_name_files_as_they_were_given(partbench, work):
    (work / "deep").mkdir()
    (work / "deep" / "x.toml").write_text("margni = 1\n" + STUDY)
    refused(partbench("compare", str(Path("deep") / "x.toml")), "deep/x.toml: margni")
