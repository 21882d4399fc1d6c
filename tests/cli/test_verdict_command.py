"""`partbench verdict` and `compare --from` through the real command line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.test_bad_input import refused
from tests.structure.tree import ROOT

EXAMPLE = ROOT / "examples" / "own_trainer" / "train.py"
TOY = f"{sys.executable} -I -S {ROOT / 'tests/study/outside/toy.py'} --seed {{seed}}"
ASK = ["verdict", TOY, f"{TOY} --shift 0.1", "--metric", "val_loss", "--margin", "0.01"]
CSV = "arm,seed,score\n" + "".join(
    f"base,{s},{2.3 + 0.01 * (s % 3)}\nidea,{s},{2.2 + 0.01 * (s % 3) + 0.001 * (s % 2)}\n"
    for s in range(1, 9)
)

MISTAKES = {
    "one command": (["verdict", TOY, "--metric", "x", "--margin", "1"], ["two commands"]),
    "no command": (["verdict"], ["COMMAND"]),
    "no seed": (["verdict", "sh a", "sh b", "--metric", "x", "--margin", "1"], ["sh a", "{seed}"]),
    "no program": (
        ["verdict", "pyton t.py {seed}", "sh {seed}", "--metric", "x", "--margin", "1"],
        ["'pyton'"],
    ),
    "same command": (["verdict", TOY, TOY, *ASK[3:]], ["the same command"]),
    "a shell's work": (["verdict", f"{TOY} | tee x", *ASK[2:]], ["'|' needs a shell"]),
    "no metric": (ASK[:3] + ASK[5:], ["--metric", "--metric-json", "--metric-csv"]),
    "two metrics": ([*ASK, "--metric-json", "a.b"], ["say once"]),
    "metric without a group": ([*ASK[:4], "loss=[0-9]+", *ASK[5:]], ["no group", "--metric"]),
    "no margin": (ASK[:5], ["--margin is missing", "val_loss", "0.01"]),
    "margin in per cent": ([*ASK[:6], "5 %"], ["--margin 5 %", "val_loss"]),
    "margin zero": ([*ASK[:6], "0"], ["above zero"]),
    "margin nan": ([*ASK[:6], "nan"], ["above zero"]),
    "looks": ([*ASK, "--looks", "6,4"], ["--looks 6,4", "rising"]),
    "looks in words": ([*ASK, "--looks", "four"], ["4,6,8,12"]),
    "none at once": ([*ASK, "--at-once", "0"], ["--at-once"]),
    "names": ([*ASK, "--name", "a", "--name", "b"], ["2 names for 1 arms"]),
    "watch": ([*ASK, "--watch", "dat.bin"], ["dat.bin"]),
    "time": ([*ASK, "--for", "soon"], ["--for soon"]),
    "one file for all": (
        [*ASK[:3], "--metric-csv", "m.csv:loss", *ASK[5:], "--at-once", "2"],
        ["{out}/m.csv", "--at-once 1"],
    ),
    "no such tracker": ([*ASK, "--track", "wanbd"], ["wanbd", "did you mean 'wandb'"]),
    "from nothing": (["compare", "--from", "none.csv", "--margin", "1"], ["none.csv"]),
    "from without margin": (["compare", "--from", "runs.csv"], ["--margin is missing", "score"]),
    "from and a swap": (["compare", "--from", "runs.csv", "--swap", "ffn=mlp"], ["--from"]),
    "columns without from": (["compare", "--columns", "arm=x"], ["--from"]),
    "wrong column": (
        ["compare", "--from", "runs.csv", "--margin", "1", "--columns", "score=scoer"],
        ["did you mean 'score'"],
    ),
    "wrong base": (
        ["compare", "--from", "runs.csv", "--margin", "1", "--base", "bas"],
        ["did you mean 'base'"],
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line_and_changes_nothing(name, partbench, everything, work):
    (work / "runs.csv").write_text(CSV)
    words, expected = MISTAKES[name]
    before = everything()
    refused(partbench(*words), *expected)
    assert everything() == before


def test_no_run_is_started_before_all_is_checked(partbench, work):
    partbench(*ASK[:6], "0")
    assert not (work / "started.txt").exists()


@pytest.mark.slow
def test_a_table_of_runs_gets_a_verdict_a_page_and_a_code(partbench, work):
    (work / "runs.csv").write_text(CSV)
    said = partbench("compare", "--from", "runs.csv", "--margin", "0.01", "--exit-code")
    assert said.code == 0, said.err
    assert said.out.startswith("idea against the base: better by 0.0")
    assert "No looks were declared" in said.out
    folder = next((work / "runs").iterdir())
    assert {p.name for p in folder.iterdir()} == {"report.html", "report.md", "report.json"}
    report = json.loads((folder / "report.json").read_text())
    assert report["reproduce"] == ["partbench compare --from runs.csv --margin 0.01"]
    worse = ["--base", "idea", "--exit-code", "--json", "--looks", "8"]
    said = partbench("compare", "--from", "runs.csv", "--margin", "0.01", *worse)
    assert said.code == 10
    assert json.loads(said.out)["arms"][0]["verdict"]["word"] == "worse"


@pytest.mark.slow
def test_markdown_goes_to_a_file_or_to_stdout(partbench, work):
    (work / "runs.csv").write_text(CSV)
    ask = ["compare", "--from", "runs.csv", "--margin", "0.01"]
    said = partbench(*ask, "--markdown", "-")
    assert said.out.startswith("`idea` against the base: **better**")
    beside = partbench(*ask, "--markdown", "verdict.md")
    assert (work / "verdict.md").read_text() == said.out
    assert beside.out.startswith("idea against the base: better")
    folder = next((work / "runs").iterdir())
    again = partbench("report", str(folder), "--pull-request")
    assert again.out == said.out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "code"),
    [(["--higher"], 0), ([], 10), (["--margin", "1"], 11), (["--looks", "2"], 10)],
)
def test_the_exit_code_is_the_verdict(options, code, partbench):
    said = partbench(*ASK, *options, "--exit-code", "--json")
    assert said.code == code, said.err
    assert json.loads(said.out)["status"] == "complete"
    assert "pair 1 --shift 0.1: base" in said.err


@pytest.mark.slow
def test_a_failed_arm_ends_with_1_and_a_wrong_metric_with_2(partbench):
    fails = f"{TOY} --shift 0.1 --fail-at 2"
    said = partbench("verdict", TOY, fails, "--metric", "val_loss", "--margin", "0.01")
    assert said.code == 1
    assert "no verdict" in said.out
    assert "failed: exit code 1: RuntimeError: out of memory" in said.err
    said = partbench(*ASK[:4], "val_lss", *ASK[5:], "--out", "other")
    assert said.code == 2
    assert said.out == ""
    assert said.err.splitlines()[-1].startswith("partbench: --metric 'val_lss': matched nothing;")
    assert "try --metric 'val_loss'" in said.err


@pytest.mark.slow
def test_the_example_is_a_trainer_that_needs_nothing_of_ours(partbench, work):
    """As its docstring says it; and from what is installed, in under two seconds a run."""
    (work / "train.py").write_text(EXAMPLE.read_text())
    assert "partbench" not in EXAMPLE.read_text().split('"""')[2]
    python = f"{sys.executable} train.py --seed {{seed}}"
    said = partbench(
        "verdict", python, f"{python} --momentum", "--metric", "val_loss", "--margin", "0.01",
        "--at-once", "2", "--markdown", "verdict.md",
    )  # fmt: skip
    assert said.code == 0, said.err
    assert said.out.startswith("--momentum against the base: better by ")
    assert "4 pairs, correlation ." in said.out
    assert (work / "verdict.md").read_text().startswith("`--momentum` against the base")
    report = json.loads(next((work / "runs").glob("*/report.json")).read_text())
    again = json.loads(
        partbench(
            "verdict", python, f"{python} --momentum", "--metric", "val_loss=([0-9.]+)",
            "--margin", "0.01", "--json",
        ).out
    )  # fmt: skip
    assert again["totals"]["cells_reused"] == 8, "another way to read the number runs nothing"
    assert again["arms"][0]["pairs"] == report["arms"][0]["pairs"]


@pytest.mark.slow
def test_a_tracker_gets_the_curve_of_every_run_and_changes_no_verdict(partbench, work):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    plain = partbench(*ASK, "--out", "plain", "--json", "--looks", "2")
    more = ["--first-seed", "2", "--out", "tracked", "--json", "--looks", "2"]
    said = partbench(*ASK, *more, "--track", "tensorboard")
    assert said.code == plain.code == 0, said.err
    report = json.loads(said.out)
    scores = {
        f"{name}/seed-{pair['seed']}": pair[side]
        for arm in report["arms"]
        for pair in arm["pairs"]
        for name, side in (("base", "base"), (arm["name"], "arm"))
    }
    found = {}
    for path in (work / "tracked" / "tensorboard").rglob("events.*"):
        rows = [
            (value.tag, event.step, value.tensor.float_val[0])
            for event in EventFileLoader(str(path)).Load()
            for value in event.summary.value
        ]
        name = "/".join(path.parent.relative_to(work / "tracked" / "tensorboard").parts)
        found[name.rpartition("-")[0]] = rows
    fresh = {name: score for name, score in scores.items() if name.endswith("seed-3")}
    assert found.keys() == fresh.keys(), "what the first study ran is not handed on again"
    for name, score in fresh.items():
        assert ("val_loss", 1, 9.0) in found[name]
        assert ("val_loss", 2, pytest.approx(score)) in found[name]
        assert ("end/score", 0, pytest.approx(score)) in found[name]


@pytest.mark.slow
def test_the_verbs_never_import_torch(work):
    (work / "runs.csv").write_text(CSV)
    commands = [ASK, ["compare", "--from", "runs.csv", "--margin", "0.01"]]
    script = (
        "import contextlib, io, sys\nfrom partbench.cli.main import main\n"
        f"for words in {commands!r}:\n"
        "    sys.argv = ['partbench', *words]\n"
        "    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "        main()\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(list(Path("runs").glob("*/report.html"))) == 2


@pytest.mark.slow
def test_a_study_whose_folder_git_tracks_is_still_the_same(partbench, work):
    def git(*words: str) -> None:
        who = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run([*who, *words], check=True, capture_output=True)

    git("init")
    (work / ".gitignore").write_text("started.txt\n")
    git("add", ".gitignore")
    assert partbench(*ASK, "--looks", "2").code == 0
    git("add", "runs")
    git("commit", "-m", "the report too")
    said = partbench(*ASK, "--looks", "2")
    assert said.code == 0, said.err
    assert "goes on: " in said.err
    assert len((work / "started.txt").read_text().splitlines()) == 4
