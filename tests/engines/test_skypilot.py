"""The SkyPilot task: valid YAML, documented keys alone, and a script that a shell can read."""

import subprocess
from pathlib import Path

import pytest
import yaml
from tests.study.small import known_machine
from tests.train.tiny import SIZES, text_file

from partbench.cli.main import main
from partbench.engines.skypilot import task

KEYS = {
    "name", "workdir", "num_nodes", "resources", "envs", "secrets", "volumes", "file_mounts",
    "setup", "run", "config", "service",
}  # fmt: skip
RESOURCES = {
    "infra", "accelerators", "accelerator_args", "cpus", "memory", "instance_type", "use_spot",
    "disk_size", "disk_tier", "network_tier", "image_id", "ports", "labels", "autostop", "any_of",
    "ordered", "job_recovery",
}  # fmt: skip
STORAGE = {"name", "source", "store", "mode"}
"""The fields of SkyPilot's page "SkyPilot YAML" and, for a bucket, of "Cloud Buckets"."""

COMMAND = """partbench compare --swap 'ffn={part="swiglu", ratio=4.0}' --margin '10 %'"""


def test_the_task_uses_documented_keys_and_says_what_is_meant():
    text = task("ffn=_part_swiglu-0a1b", "0a1b2c3d4e5f6071", COMMAND, 8, "sky.yaml", "0.1.0")
    tree = yaml.safe_load(text)
    assert set(tree) <= KEYS
    assert set(tree["resources"]) <= RESOURCES
    assert all(set(bucket) <= STORAGE for bucket in tree["file_mounts"].values())
    assert tree["name"] == "partbench-ffn-part-swiglu-0a1b"
    assert tree["resources"] == {"cpus": "8+", "use_spot": True}
    assert tree["file_mounts"] == {
        "/partbench": {"name": "partbench-0a1b2c3d4e5f", "mode": "MOUNT"}
    }
    assert tree["setup"].strip() == 'pip install "partbench==0.1.0"'
    assert f"  {COMMAND} || code=$?\n".strip() in tree["run"]
    read = subprocess.run(["bash", "-n"], input=tree["run"], text=True, capture_output=True)
    assert read.returncode == 0, read.stderr


def test_the_run_script_keeps_what_was_made_and_hands_on_the_exit_code(tmp_path):
    """With a command of a shell's in the place of the study's, and a folder as the bucket."""
    bucket, home = tmp_path / "bucket", tmp_path / "user"
    (bucket / "home" / "ledger").mkdir(parents=True)
    (bucket / "home" / "ledger" / "old").write_text("before")
    (tmp_path / "work").mkdir()
    command = "eval 'test -e \"$PARTBENCH_HOME/ledger/old\"; echo new > runs/report; (exit 3)'"
    run = yaml.safe_load(task("x", "0" * 16, command, 8, "f", "0"))["run"]
    script = run.replace("/partbench/", f"{bucket}/")
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path / "work", env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, timeout=20,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert (bucket / "runs" / "report").read_text() == "new\n"
    assert (bucket / "home" / "ledger" / "old").read_text() == "before"


def test_plan_writes_the_task(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PARTBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    text_file(tmp_path)
    known_machine()
    sets = [word for path, value in SIZES.items() for word in ("--set", f"{path}={value}")]
    words = ["plan", "--swap", "ffn=swiglu", *sets, "--set", "task.corpus=text.txt"]
    monkeypatch.setattr("sys.argv", ["partbench", *words, "--skypilot", "sky.yaml"])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    assert "sky jobs launch sky.yaml" in capsys.readouterr().out
    tree = yaml.safe_load(Path("sky.yaml").read_text())
    assert "partbench compare --swap ffn=swiglu --set dims.depth=1" in tree["run"]
