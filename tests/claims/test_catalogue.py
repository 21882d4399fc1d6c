"""Every claim is a file that can be read, whose studies resolve and whose models can be built."""

import itertools
import shlex
from pathlib import Path

import pytest
from tests.structure.tree import ROOT

from partbench.claims.claim import CATALOGUE, catalogue, find, read
from partbench.claims.places import study_file
from partbench.claims.scorecard import as_claim
from partbench.core.config import Config, parse_assignment, read_toml
from partbench.core.errors import ConfigError
from partbench.core.numerics import Numerics
from partbench.core.picture import Picture
from partbench.study.spec import base_config

CLAIMS = list(catalogue().values())
LISTED = """A1a A1b A1c A1d A2a A2b A2c A3a A3b A3c A5a A5b B1a B1b B1c B1d B2a B2b B2c B2d B2e B3a
B3b B3c B4a B4b B5a B5b B7a C1a C1b C1c C2a C3a D1a D1b D1c D1d D1e D1f E1a E1b E1c E1d E1e E1f E3a
E3b E3c E4a E4b E4c E4d""".split()
"""All claims that the project's texts make, those of `early experiment` (two videos) left out."""
GOOD = """id = "Z1"
sentence = "s"
source = "s"
refuted = "r"
settle = "t"
one_gpu = "g"
many = "m"
[[run]]
name = "quick"
study = "quick.toml"
[[test]]
says = "it is lower"
run = "quick"
holds = "lower"
arm = "a"
[[test]]
says = "and than the control"
run = "quick"
holds = "lower"
role = "control"
arm = "a"
against = "b"
"""


RUNS = [run for claim in [*CLAIMS, as_claim()] for run in claim.run if run.study]
STUDIES = sorted({run.study for run in RUNS})


def everyone(name: str) -> dict[str, Config]:
    """Base and arms of a study, without opening its corpus, which may be elsewhere."""
    path = study_file(name)
    tree = read_toml(path)
    base = base_config(tree.get("base", "quick"), path.parent).edit(tree.get("set", {}))
    return {"base": base} | {arm: base.edit(edit) for arm, edit in tree["arms"].items()}


def test_every_claim_is_there_and_in_a_file_of_its_name() -> None:
    assert sorted(catalogue()) == sorted(LISTED)
    assert {path.stem for path in CATALOGUE.glob("*.toml")} == {name.lower() for name in LISTED}
    assert find("a1A").id == "A1a"
    with pytest.raises(ConfigError, match="A1"):
        find("A1")


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_of_a_claim_resolves_and_its_arms_exist(name: str) -> None:
    arms = everyone(name)
    for config in arms.values():
        _ = config.resolved
    for claim in CLAIMS:
        runs = {run.name for run in claim.run if run.study == name}
        asked = {(test.arm, test.against) for test in claim.test if test.run in runs}
        for arm, against in asked:
            assert arm in arms, f"{claim.id}: {name} has no arm {arm}"
            assert against in arms, f"{claim.id}: {name} has no arm {against}"


def test_studies_of_claims_say_what_they_ask_and_their_arms_differ() -> None:
    for path in sorted((ROOT / "studies" / "claims").glob("*.toml")):
        assert path.read_text().startswith("# "), f"{path.name}: say in a comment what it asks"
        assert read_toml(path)["question"].endswith("?"), path.name
        base, *arms = everyone(path.name).values()
        assert all(base.diff(arm) for arm in arms), f"{path.name}: an arm is the base"


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_models_of_every_study_can_be_built_on_meta(name: str) -> None:
    import torch

    from partbench.models.build import assemble

    picture = Picture(channels=3, height=32, width=32)
    for arm, config in everyone(name).items():
        tree = config.resolved
        drawn = tree["model"].get("embedding", {}).get("vectors") in ("random", "shuffled")
        with torch.device("cpu" if drawn else "meta"):  # drawn vectors are looked at when built
            model = assemble(tree, vocab=1024, seed=1, numerics=Numerics(), picture=picture)
        assert sum(p.numel() for p in model.parameters()) > 0 or "fit" in type(model).PHASES, arm


SMALL = {"dims.depth": 2, "dims.width": 16, "dims.context": 16, "train.steps": 4, "train.batch": 4}
WHOLE = ("score", "seconds", "time_ratio")
"""What is asked of the verdict and the costs, and of no record alone."""


def asked_of_records() -> list[tuple[str, str, str]]:
    """Study, arm and place, for every number that a test wants out of cells' records."""
    studies = {run.name: run.study for run in RUNS}
    rows = {
        (studies[test.run], test.arm, test.measure)
        for claim in CLAIMS for test in claim.test
        if test.arm and test.measure not in WHOLE and test.run in studies
    }  # fmt: skip
    return sorted({row[2]: row for row in sorted(rows)}.values())


@pytest.mark.slow
@pytest.mark.parametrize(("name", "arm", "place"), asked_of_records())
def test_what_a_test_asks_of_a_record_is_in_one(name, arm, place, tmp_path: Path) -> None:
    """Each place once, in the record of a tiny cell of an arm that is asked for it."""
    from partbench.claims.select import numbers
    from partbench.study.addressed import cell_of
    from partbench.train.record import run_cell

    config = everyone(name)[arm]
    part = config.resolved["task"]["part"]
    small = {
        "language": SMALL | {"task.tokenizer": "bytes", "task.evaluation_tokens": 64},
        "images": {"train.steps": 40},
        "symbolic": {"train.steps": 4, "task.evaluation_problems": 2, "dims.width": 16},
    }[part]
    record = run_cell(cell_of(config.edit(small), 1, Numerics()), tmp_path)
    assert record["status"] == "finished", record["reason"]
    assert numbers(record, place)


@pytest.mark.parametrize("claim", CLAIMS, ids=[claim.id for claim in CLAIMS])
def test_commands_for_larger_machines_can_be_read(claim) -> None:
    for command in (claim.one_gpu, claim.many):
        words = shlex.split(command)
        if words[0] == "python":
            assert words[1] == "-m" or (ROOT / words[1]).is_file(), command
            continue
        assert words[:2] in (["partbench", "compare"], ["partbench", "check"]), command
        files = [word for word in words if word.endswith(".toml")]
        assert all((ROOT / name).is_file() for name in files), command
    for run in claim.run:
        if run.command and "lamp" not in run.command:
            scripts = [w for w in shlex.split(run.command) if w.startswith(("bench", "examples"))]
            assert all((ROOT / name).is_file() for name in scripts), run.command


@pytest.mark.slow
def test_swaps_of_commands_for_larger_machines_resolve() -> None:
    commands = {command for claim in CLAIMS for command in (claim.one_gpu, claim.many)}
    for command in sorted(commands):
        words = shlex.split(command)
        if words[:2] != ["partbench", "compare"] or words[2].endswith(".toml"):
            continue
        given: dict[str, list[str]] = {"--swap": [], "--set": [], "--base": []}
        for option, value in itertools.pairwise(words):
            if option in given:
                given[option].append(value)
        base = base_config(given["--base"][0])
        base = base.edit(dict(parse_assignment(text, "--set") for text in given["--set"]))
        for text in given["--swap"]:
            arm = base.edit(dict([parse_assignment(text, "--swap")]))
            assert base.diff(arm), command


def test_nothing_is_supported_without_a_control() -> None:
    for claim in CLAIMS:
        roles = {test.role for test in claim.test}
        assert claim.waits or "control" in roles or claim.untestable, claim.id


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("holds = ", "hold = "), "did you mean 'holds'"),
        (('holds = "lower"', 'holds = "lowest"'), "did you mean 'lower'"),
        (('run = "quick"', 'run = "quack"'), "did you mean 'quick'"),
        (('role = "control"', 'role = "claim"'), "without a control"),
        (('study = "quick.toml"', ""), "either a study or a command"),
        (('study = "quick.toml"', 'command = "python x.py"'), "say the scale of this command"),
        (('arm = "a"', 'arm = "a"\nvalue = "x"'), "either an arm or a value"),
        (('settle = "t"', ""), "settle is missing"),
        (('many = "m"', 'many = "m"\nuntestable = "u"'), "both or neither"),
        (('many = "m"', 'many = "m"\nwaits = "w"'), "give tests, or say"),
    ],
)
def test_a_mistake_in_a_file_is_told_in_one_line(change, said, tmp_path: Path) -> None:
    path = tmp_path / "z1.toml"
    path.write_text(GOOD)
    assert read(path).id == "Z1"
    path.write_text(GOOD.replace(*change))
    with pytest.raises(ConfigError, match=said) as error:
        read(path)
    assert "\n" not in str(error.value)


def test_a_study_that_is_not_there_is_told_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"did you mean 'residuals\.toml'"):
        study_file("residual.toml")
