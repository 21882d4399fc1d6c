"""One study of 25 cells on every engine, its workers killed at random: the same records."""

import functools
import os
from pathlib import Path
from typing import Any

import pytest
from tests.engines import real_slurm
from tests.engines.killer import Killer, workers
from tests.study.small import Here, Quiet, no_page, swaps, use_costs
from tests.train.tiny import cell, outcome, text_file

from partbench.core.cell import CHECKPOINT, METRICS, RECORD, SPEC
from partbench.engines import slurm, tries
from partbench.engines.local import Local
from partbench.engines.ray import Ray
from partbench.engines.slurm import Slurm
from partbench.study.ledger import Ledger
from partbench.study.run import Driver

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="needs /proc"),
]
ARMS = ["ffn=swiglu", "norm=layernorm"]
KILLS = 3


@pytest.fixture(scope="module")
def text(tmp_path_factory) -> Path:
    return text_file(tmp_path_factory.mktemp("text"))


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A ledger of its own; workers inherit it."""
    monkeypatch.setenv("PARTBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def run(text: Path, folder: Path, start: Any) -> dict[str, Any]:
    """The study on an engine; what every cell left, by its address."""
    study = swaps(text, *ARMS, looks=[7], edits={"train.steps": 10})
    use_costs(folder, study)
    listener = Quiet()
    Driver(study, folder, Ledger(), start, listener).run(no_page)
    assert {said[1] for said in listener.heard if said[0] == "done"} == {"finished"}
    cells = {path.parent.name: outcome(path.parent) for path in Ledger().root.rglob(RECORD)}
    return {
        id: left | {"files": sorted({*left["files"]} - {slurm.DIED})} for id, left in cells.items()
    }


@pytest.fixture(scope="module")
def expected(text, tmp_path_factory) -> dict[str, Any]:
    """The same cells one after the other in this process, undisturbed."""
    folder = tmp_path_factory.mktemp("expected")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PARTBENCH_HOME", str(folder / "home"))
        found = run(text, folder / "study", Here)
    assert len(found) == 25
    return found


def long_cell(text: Path, folder: Path, seed: int) -> Path:
    """A cell that ends when it is told to."""
    folder.mkdir()
    (folder / SPEC).write_text(cell(text, seed=seed, train__steps=1_000_000).to_json())
    return folder


def stop_in_the_middle(engine: Any, folder: Path) -> None:
    """Run a cell until it has begun, then as Ctrl-C does; its checkpoint is there."""
    engine.run([folder], lambda event: None, (folder / METRICS).exists)
    assert (folder / CHECKPOINT).exists()
    assert not (folder / RECORD).exists()


def test_local_workers_killed_at_random_lose_nothing(text, home, tmp_path, expected):
    with Killer(home, KILLS) as killer:
        found = run(text, tmp_path / "study", functools.partial(Local, 2, 1))
    assert len(killer.killed) == KILLS
    assert found == expected


def test_ray_with_two_workers_killed_at_random_loses_nothing(text, home, tmp_path, expected):
    pytest.importorskip("ray", reason="needs the extra `ray`")
    with Killer(home, KILLS) as killer:
        found = run(text, tmp_path / "study", functools.partial(Ray, 2, 1))
    assert len(killer.killed) == KILLS
    assert found == expected
    with Ray(2, 1, tmp_path / "logs") as engine:
        stop_in_the_middle(engine, long_cell(text, tmp_path / "long", 1))
    assert workers(home) == {}


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A Slurm of two processors."""
    if reason := real_slurm.missing():
        pytest.skip(reason)
    pytest.importorskip("submitit", reason="needs the extra `slurm`")
    monkeypatch.setattr(slurm, "POLL_SECONDS", 0.3)
    monkeypatch.setattr(slurm, "JOBS", 5)  # five cells a job: torch is loaded less often
    for module in (slurm, tries):
        monkeypatch.setattr(module, "SHARED_SECONDS", 1.0)
    with real_slurm.Cluster(tmp_path / "slurm", 2) as cluster:
        yield cluster


def test_slurm_jobs_killed_at_random_lose_nothing(text, home, tmp_path, expected, cluster):
    with Killer(home, KILLS) as killer:
        found = run(text, tmp_path / "study", functools.partial(Slurm, 1))
    assert len(killer.killed) == KILLS
    assert found == expected


def test_a_slurm_job_that_is_told_to_end_saves_and_queues_again(text, home, tmp_path, cluster):
    folder = long_cell(text, tmp_path / "long", 1)
    seen: list[str] = []

    def until() -> bool:
        """Preempt it once it has begun; stop once it is at it again."""
        rows = cluster.ask("squeue", "--me", "--noheader", "--format", "%i %T").stdout.split()
        if seen[-1:] != rows[1:]:
            seen.extend(rows[1:])
            if "PENDING" in seen[2:]:  # put back: what it saved is what it goes on from
                assert (folder / CHECKPOINT).exists()
        if len(seen) < 3 and (folder / METRICS).exists() and workers(home.parent):
            cluster.ask("scancel", "--signal=TERM", rows[0])
        return seen.count("RUNNING") == 2 and bool(workers(home.parent))

    with Slurm(1, tmp_path / "logs") as engine:
        engine.run([folder], lambda event: None, until)
    assert [state for state in seen if state != "COMPLETING"][-2:] == ["PENDING", "RUNNING"]
    assert (folder / CHECKPOINT).exists()
    assert not (folder / RECORD).exists()
    assert cluster.ask("squeue", "--noheader").stdout == ""


def test_a_slurm_that_refuses_is_one_line(text, home, tmp_path, cluster, monkeypatch):
    from partbench.core.errors import PartbenchError

    monkeypatch.setenv("SBATCH_PARTITION", "nowhere")
    with Slurm(1, tmp_path / "logs") as engine, pytest.raises(PartbenchError) as said:
        engine.run([long_cell(text, tmp_path / "cell", 1)], lambda event: None)
    assert "--engine slurm: sbatch refused" in str(said.value)
    assert "\n" not in str(said.value)
