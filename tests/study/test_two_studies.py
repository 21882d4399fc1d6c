"""Two studies on one ledger at once, in processes of their own: every training is counted."""

import json
import os
import time
from pathlib import Path

import pytest
from tests.study import kill_script
from tests.study.kill_script import Study, kill

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="needs /proc"),
]
COUNTING = '''"""A schedule that notes every training from its first step. Source: this test."""
import os
from pathlib import Path


class Counting:
    """m = 1."""

    def multiplier(self, step, steps):
        if step == 0:
            with Path(__file__).with_name("begun").open("a") as file:
                file.write(f"{os.getpid()}\\n")
        return 1.0
'''


def two(folder: Path, steps: int) -> list[Study]:
    """Two studies of one base and different arms on one ledger; neither measures costs."""
    kill_script.text_file(folder)
    part = folder / "counting.py"
    part.write_text(COUNTING)
    (folder / "begun").touch()
    studies = []
    for name, arms in (("one", ["ffn=swiglu"]), ("two", ["norm=layernorm"])):
        study = Study(folder, name, steps=steps, arms=arms)
        study.words += ["--set", f'schedule={{part="{part}:Counting"}}']
        study.know_costs(arms)
        studies.append(study)
    studies[1].environment["PARTBENCH_HOME"] = str(studies[0].home)
    studies[1].home = studies[0].home
    return studies


def begun(folder: Path) -> list[str]:
    """The process of every training that began at its first step."""
    return (folder / "begun").read_text().split()


def test_two_studies_at_once_train_no_cell_twice(tmp_path):
    studies = two(tmp_path, steps=150)
    drivers = [study.start() for study in studies]
    said = [driver.communicate()[0] for driver in drivers]
    assert [driver.returncode for driver in drivers] == [0, 0], said
    used = [{c["id"] for c in study.report()["provenance"]["cells"]} for study in studies]
    assert len(used[0] & used[1]) == 5 + 4  # the base and its curve
    assert len(begun(tmp_path)) == len(used[0] | used[1]) == 5 + 4 + 5 + 5
    totals = [study.report()["totals"] for study in studies]
    assert sum(total["cells"] - total["cells_reused"] for total in totals) == 19
    assert len(set(begun(tmp_path))) > 2, "both studies had workers at work"
    assert not list(studies[0].home.rglob("lock.*"))
    assert not list(studies[0].home.rglob("record.failed"))
    assert all(study.report()["status"] == "complete" for study in studies)


def test_the_other_study_finishes_all_when_one_is_killed(tmp_path):
    """kill -9 of driver and workers in the middle of cells that both studies need."""
    studies = two(tmp_path, steps=200)
    drivers = [study.start() for study in studies]
    ledger = studies[0].home / "ledger"
    while True:
        assert all(driver.poll() is None for driver in drivers)
        family = {str(process) for process in kill_script.family(drivers[0].pid)}
        leases = [json.loads(text) for path in ledger.rglob("lock.*") if (text := _read(path))]
        if any(str(lease["pid"]) in family for lease in leases) and begun(tmp_path):
            break
        time.sleep(0.02)
    kill(drivers[0], everyone=True)
    said, _ = drivers[1].communicate()
    assert drivers[1].returncode == 0, said
    cells = {cell["id"] for cell in studies[1].report()["provenance"]["cells"]}
    assert len(cells) == 5 + 4 + 5
    finished = {path.parent.name for path in ledger.rglob("record.json")}
    assert cells <= finished
    # A cell that was killed before its first checkpoint begins again; no other does.
    assert len(finished) <= len(begun(tmp_path)) <= len(finished) + 2
    studies[0].finish()
    assert studies[0].report()["status"] == "complete"
    bases = [
        [pair["base"] for pair in study.report()["arms"][0]["pairs"]] for study in studies
    ]  # of the same records
    assert bases[0] == bases[1]
    assert not list(ledger.rglob("lock.*"))


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""
