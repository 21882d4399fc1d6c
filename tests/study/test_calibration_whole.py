"""A tiny calibration from start to end: bank, whole studies, resampled ones, figures, page."""

import json
from pathlib import Path

import pytest
from tests.study.small import Here, made_up_costs
from tests.train.tiny import SIZES

from partbench.report.calibration import page
from partbench.study import costs
from partbench.study.calibration.asked import Asked, Sizes
from partbench.study.calibration.run import Calibration
from partbench.study.ledger import Ledger
from partbench.study.run import Interrupted

SMALL = Sizes(
    blocks=2, tuned_blocks=1, tuning_seeds=2, studies=40, points=8, whole=1, bad=1, resamples=10
)


class Told:
    """Remembers the stages."""

    def __init__(self) -> None:
        self.stages: list[str] = []

    def begin(self, what: str, total: int) -> None:
        """A stage."""
        self.stages.append(what)

    def advance(self, by: int = 1) -> None:
        """Some more."""


def never(folder: Path) -> Here:
    raise AssertionError("nothing is left to be trained")


def calibration(text: Path, folder: str, start=Here, seconds: float | None = None) -> Calibration:
    edits = {
        **SIZES, "dims.num_heads": 1, "task.corpus": str(text), "task.folds": 2, "train.steps": 20,
    }  # fmt: skip
    asked = Asked(edits=edits, looks=(2, 3), careful=(2, 3), several=2, sizes=SMALL)
    here = Path(folder)
    return Calibration(asked, here, here, Ledger(), start, Told(), seconds)


@pytest.mark.slow
def test_a_tiny_calibration_runs_whole_and_its_numbers_follow_from_its_records(
    text, here, monkeypatch
):
    monkeypatch.setattr(costs, "measure", lambda study, folder: made_up_costs(study))

    def stop_at_the_sixth(folder: Path) -> None:
        if len(here.ran) == 5:
            raise KeyboardInterrupt

    with monkeypatch.context() as stopping:
        stopping.setattr(here, "before", staticmethod(stop_at_the_sixth))
        with pytest.raises(KeyboardInterrupt):
            calibration(text, "calibration").run()
    assert len(Path("calibration/cells.jsonl").read_text().splitlines()) == 5
    with pytest.raises(Interrupted):
        calibration(text, "calibration", seconds=0).run()
    found = calibration(text, "calibration").run()
    assert len(here.ran) == len(set(here.ran))  # the slices trained nothing twice

    lines = Path("calibration/cells.jsonl").read_text().splitlines()
    assert found["bank"]["cells"] == len(lines) == len({json.loads(r)["id"] for r in lines})
    rows = [json.loads(line) for line in lines]
    scores = {(row["arm"], row["seed"]): row["score"] for row in rows if "score" in row}
    effects = [scores["slower", seed] - scores["base", seed] for seed in range(1, 5)]
    told = next(row for row in found["power"] if row["arm"] == "slower")
    assert told["effect"] == pytest.approx(sum(effects) / 4)
    for row in [*found["false_alarms"], *found["normal_numbers"]]:
        assert row["twin_differs"] == 0 or "margin" in row["name"]
        assert sum(row["words"].values()) == pytest.approx(1)

    wholes = [json.loads(r) for r in Path("calibration/whole.jsonl").read_text().splitlines()]
    assert [row["kind"] for row in wholes] == ["A/A", "bad tuning", "dead part"]
    assert "edge of the grid" in wholes[1]["reason"]
    assert wholes[1]["word"] is None
    assert wholes[2]["reason"].startswith("dead part: norm")
    assert wholes[2]["word"] is None
    # Two tuning seeds make one tuning, since a study takes two at every rate.
    assert found["bad_tuning"][0]["edge"] == found["bad_tuning"][0]["tunings"] == 1

    # With the ledger alone the bank is found again, stage by stage.
    bank_alone = calibration(text, "anew", start=never)
    bank_alone._fill()
    assert bank_alone.bank.digest() == found["bank"]["digest"]

    # Elsewhere, with the two files of records alone: nothing is trained, every number is the same.
    monkeypatch.setenv("PARTBENCH_HOME", str(Path("elsewhere").absolute()))
    Path("copy").mkdir()
    for name in ("cells.jsonl", "whole.jsonl"):
        Path("copy", name).write_bytes(Path("calibration", name).read_bytes())
    again = calibration(text, "copy", start=never).run()
    made = {"made": None}
    assert again | made == found | made

    written = page(found)
    flat = found["false_alarms"][0]
    assert f"{100 * flat['rate']:.2f} % of {flat['judged']:,}" in written
    assert "None" not in written
    assert "nan" not in written
