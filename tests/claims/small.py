"""A catalogue of one tiny claim in a folder of its own, for tests that run, keep and record."""

import json
from pathlib import Path

import pytest
from tests.study.small import COST, RATIO

from partbench.claims import claim, recorded

HEAD = """id = "Z1"
sentence = "A tiny model learns more at a larger rate."
source = "this test"
refuted = "it does not"
settle = "a larger model"
one_gpu = "g"
many = "m"
"""
TEST = """[[test]]
says = "{says}"
run = "{run}"
holds = "{holds}"
role = "{role}"
{what}
"""


def asks(run: str, what: str, *, role: str = "claim", holds: str = "lower") -> str:
    """A test of a claim's file; `what` are its other lines."""
    return TEST.format(says=f"{run} is {holds}", run=run, holds=holds, role=role, what=what)


def ran(name: str, what: str) -> str:
    """A run of a claim's file; `what` are its other lines."""
    return f'[[run]]\nname = "{name}"\n{what}\n'


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """In an empty folder; called with the rest of the file Z1, which is the only claim there is."""
    monkeypatch.setenv("PARTBENCH_HOME", str(tmp_path / "home"))
    (tmp_path / "work" / "results").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(claim, "CATALOGUE", tmp_path / "catalogue")
    monkeypatch.setattr(recorded, "FILE", tmp_path / "recorded.json")

    def forget() -> None:
        claim.catalogue.cache_clear()
        recorded.recorded.cache_clear()

    def write(*pieces: str) -> claim.Claim:
        claim.CATALOGUE.mkdir(exist_ok=True)
        (claim.CATALOGUE / "z1.toml").write_text(HEAD + "".join(pieces))
        nothing = {"status": "open", "tested": "", "tests": [], "missing": [], "recorded": False}
        recorded.FILE.write_text(json.dumps({"Z1": nothing}))
        forget()
        return claim.find("Z1")

    forget()
    yield write
    forget()


def known_costs(folder: Path, *arms: str) -> None:
    """Costs made up beforehand, so that a study times nothing."""
    folder.mkdir(parents=True)
    costs = {name: COST | (RATIO if name != "base" else {}) for name in ("base", *arms)}
    (folder / "costs.json").write_text(json.dumps(costs))
