"""Trackers are handed what cells write, once and in order, and never come near a run."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.train.tiny import cell, outcome, text_file

from partbench.cli import track
from partbench.core.errors import ConfigError
from partbench.exchange import trackers
from partbench.exchange.trackers import Run
from partbench.exchange.trackers import follow as following
from partbench.study.plan import Job


class Kept:
    """Keeps what it is told."""

    made: list["Kept"] = []

    def __init__(self, run: Run) -> None:
        self.run, self.rows, self.ended = run, [], None
        type(self).made.append(self)

    def log(self, step: int, values: dict[str, float]) -> None:
        """One step."""
        self.rows.append((step, values))

    def end(self, status: str, summary: dict[str, float]) -> None:
        """The end."""
        self.ended = (status, summary)


@pytest.fixture
def kept(monkeypatch) -> type[Kept]:
    """A tracker without a package."""
    monkeypatch.setattr(Kept, "made", [])
    return Kept


def metrics(folder: Path, first: int, last: int) -> None:
    """Append some steps."""
    with (folder / "metrics.jsonl").open("a") as file:
        for step in range(first, last):
            file.write(json.dumps({"step": step, "loss": 5.0 - step, "rate": float("nan")}) + "\n")


def line(folder: Path, id: str = "a" * 64) -> str:
    """A run as the study tells it."""
    return json.dumps({"id": id, "study": "s", "arm": "base", "seed": 1,
                       "folder": str(folder), "config": {}}) + "\n"  # fmt: skip


def test_steps_are_handed_on_once_and_the_record_ends_the_run(tmp_path, kept):
    metrics(tmp_path, 0, 3)
    (tmp_path / "metrics.jsonl").open("a").write('{"step": 3, "lo')
    record = {"status": "finished", "score": 2.5, "steps": 3, "seconds_wall": None}
    (tmp_path / "record.json").write_text(json.dumps(record))
    following.follow([line(tmp_path), line(tmp_path)], kept)
    (one,) = kept.made
    assert one.rows == [(0, {"loss": 5.0}), (1, {"loss": 4.0}), (2, {"loss": 3.0})]
    assert one.ended == ("finished", {"score": 2.5, "steps": 3.0})


def test_a_run_that_is_taken_up_again_is_not_told_twice(tmp_path, kept):
    run = Run("a", "s", "base", 1, str(tmp_path), {})
    followed = following.Followed(run, following.CellFiles(run))
    metrics(tmp_path, 0, 4)
    assert not followed.look(kept, False)
    (tmp_path / "metrics.jsonl").write_text("")
    assert not followed.look(kept, False)
    metrics(tmp_path, 0, 2)
    metrics(tmp_path, 2, 6)
    assert followed.look(kept, True)
    assert [step for step, _ in kept.made[0].rows] == [0, 1, 2, 3, 4, 5]
    assert kept.made[0].ended == ("stopped", {})


def test_a_run_that_never_began_is_told_to_nobody(tmp_path, kept):
    following.follow([line(tmp_path / "nowhere")], kept)
    assert kept.made == []


def test_a_tracker_that_is_not_there_is_one_line_that_names_the_extra(monkeypatch):
    with pytest.raises(ConfigError, match="did you mean 'wandb'"):
        trackers.check("wanbd")
    monkeypatch.setattr(trackers.importlib.util, "find_spec", lambda name: None)
    for name in trackers.TRACKERS:
        with pytest.raises(ConfigError, match=rf"pip install 'partbench\[{name}\]'"):
            trackers.check(name)


def test_every_tracker_has_a_file_and_an_extra():
    import tomllib

    root = Path(__file__).resolve().parents[2]
    extras = tomllib.loads((root / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    for name in trackers.TRACKERS:
        assert Path(trackers.__file__).with_name(f"{name}.py").exists()
        assert name in extras


def begun(monkeypatch, tmp_path: Path, script: str) -> tuple[track.Tracking, list[str]]:
    """A tracking whose process is a script, and what it says."""
    said: list[str] = []
    monkeypatch.setattr(track, "check", lambda name: None)
    monkeypatch.setattr(track, "PATIENCE_SECONDS", 0.5)
    real = subprocess.Popen
    monkeypatch.setattr(
        track.subprocess,
        "Popen",
        lambda command, **how: real([sys.executable, "-c", script], **how),
    )
    return track.Tracking("wandb", said.append), said


@pytest.mark.slow
@pytest.mark.parametrize("script", ["import time; time.sleep(600)", "raise SystemExit(3)"])
def test_one_that_hangs_or_fails_costs_a_line_and_holds_up_nobody(monkeypatch, tmp_path, script):
    tracking, said = begun(monkeypatch, tmp_path, script)
    first = cell(text_file(tmp_path), 0)
    for seed in range(400):  # more than a pipe holds
        job = Job("base", seed, first.with_seed(seed))
        tracking.follow(job, "s", tmp_path / str(seed), tmp_path)
    tracking.close()
    assert len(said) == 1
    assert "no run was touched" in said[0]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_tracked_cell_has_the_same_bits_and_tensorboard_its_curve(tmp_path, monkeypatch):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    monkeypatch.setenv("PARTBENCH_HOME", str(tmp_path / "home"))
    spec = tmp_path / "spec.json"
    made = cell(text_file(tmp_path))
    spec.write_text(made.to_json())
    for name, more in (("plain", []), ("tracked", ["--track", "tensorboard"])):
        command = [sys.executable, "-m", "partbench", "cell", str(spec), "--out"]
        done = subprocess.run([*command, str(tmp_path / name), *more], capture_output=True)
        assert done.returncode == 0, done.stderr
        assert done.stderr == b""
    plain = outcome(tmp_path / "plain")
    (events,) = (tmp_path / "tracked" / "tensorboard").rglob("events.*")
    rows = [(event.step, value.tag, value.tensor.float_val[0] if value.HasField("tensor")
             else value.simple_value)
            for event in EventFileLoader(str(events)).Load()
            for value in event.summary.value]  # fmt: skip
    losses = [value for _, tag, value in rows if tag == "loss"]
    assert losses == pytest.approx([row["loss"] for row in plain["metrics"]])
    assert [value for _, tag, value in rows if tag == "end/score"] == pytest.approx(
        [plain["record"]["score"]]
    )
    tracked = outcome(tmp_path / "tracked")
    tracked["files"] = [f for f in tracked["files"] if f not in ("logs", "tensorboard")]
    assert tracked == plain


def one_run(name: str, tmp_path: Path) -> None:
    """A finished run, followed to its end by a tracker that is installed."""
    pytest.importorskip(name, reason=f"{name} is not installed")
    folder = tmp_path / "cell"
    folder.mkdir()
    metrics(folder, 0, 3)
    (folder / "record.json").write_text(json.dumps({"status": "finished", "score": 2.5}))
    script = ("import sys; from pathlib import Path; from partbench.exchange.trackers.follow import"
              f" main; main({name!r}, Path({str(tmp_path)!r}))")  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", script], input=line(folder), capture_output=True, text=True,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_wandb_keeps_a_run_without_a_network(tmp_path, monkeypatch):
    for name in ("WANDB_MODE", "WANDB_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    one_run("wandb", tmp_path)
    assert list((tmp_path / "wandb").glob("offline-run-*/run-*.wandb"))


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_mlflow_keeps_a_run_in_files(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    one_run("mlflow", tmp_path)
    (losses,) = (tmp_path / "mlruns").glob("*/*/metrics/loss")
    assert [float(row.split()[1]) for row in losses.read_text().splitlines()] == [5.0, 4.0, 3.0]


@pytest.mark.slow
def test_trackio_keeps_a_run_on_this_machine(tmp_path, monkeypatch):
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "kept"))
    one_run("trackio", tmp_path)
    assert list((tmp_path / "kept").glob("s*.db"))


def test_lines_of_another_kind_end_the_follower_loudly():
    with pytest.raises(ValueError):
        following.follow(io.StringIO("no run\n"), lambda run: None)
