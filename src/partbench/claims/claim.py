"""A claim: a published sentence, the runs that bear on it, and the tests that decide it.

    id, sentence, source        what was said, and where
    refuted, settle             what would refute it; what it would take to settle it at scale
    one_gpu, many               the same question as a command for one GPU, and for many
    untestable, instead         why the published figure cannot be tested here, and what was
    waits                       why no test of it can be written yet
    needs                       files from outside that its runs read, as paths
    [[run]]                     name of a record under results/, and a study or a command
    [[test]]                    a number of a record that has to be lower, higher or equal

A test of the role `claim` is a part of the sentence; one of the role `control` asks whether
something simpler explains it, or whether the test could have failed at all; one `beside` is shown
and decides nothing. status.py says how they become a status.
"""

import dataclasses
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from partbench.core.config import read_toml
from partbench.core.errors import ConfigError, unknown

CATALOGUE = Path(__file__).with_name("catalogue")
HOLDS = ("lower", "higher", "no lower", "no higher", "equal")
ROLES = ("claim", "control", "beside")
GRADES = ("screen", "tuned", "laddered")


@dataclass(frozen=True, kw_only=True)
class Run:
    """What makes a record: a study file, or a command that prints JSON or takes `--out`.

    name: of the record under results/. hours and scale: of one core, and what a run is, told for
    commands; plans and records tell those of studies. A command with `{out}` writes there itself;
    any other's output is the record. smaller: what was made smaller than was asked for, so that it
    runs here within the hour. kept: where the record is, if another command makes it.
    """

    name: str
    study: str = ""
    command: str = ""
    hours: float = 0.0
    scale: str = ""
    smaller: str = ""
    kept: str = ""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One number of a record and what it has to be.

    Of a study: the difference `arm` - `against` in `measure`: `score`, `seconds` (the score at
    equal seconds), `time_ratio`, or a place in the cells' records such as `probes.sizes.slope`.
    Of any other record: `value`, a place in it, less `minus` or over `over`.
    holds: lower or higher than `than`, not lower or not higher by `margin`, or equal to it within
    `margin`, which is the study's own unless given. size: of the number's absolute value. exact:
    decides without an interval: a count, or a ratio so far from `than` that the spread of rounds is
    no question. grade: of the verdict, at least.
    """

    says: str
    run: str
    holds: str
    role: str = "claim"
    arm: str = ""
    against: str = "base"
    measure: str = "score"
    size: bool = False
    value: str = ""
    minus: str = ""
    over: str = ""
    exact: bool = False
    than: float = 0.0
    margin: float | None = None
    grade: str = "screen"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement with all that is needed to test it; see the head of this file."""

    id: str
    sentence: str
    source: str
    refuted: str
    settle: str
    one_gpu: str
    many: str
    untestable: str = ""
    instead: str = ""
    waits: str = ""
    needs: tuple[str, ...] = ()
    run: tuple[Run, ...] = ()
    test: tuple[Check, ...] = ()


def read(path: Path) -> Claim:
    """The claim in a file; ConfigError says what is wrong in it and where."""
    tree = read_toml(path)
    runs = tuple(_made(Run, row, f"{path.name}: run") for row in tree.pop("run", []))
    tests = tuple(_made(Check, row, f"{path.name}: test") for row in tree.pop("test", []))
    needs = tuple(tree.pop("needs", []))
    claim = _made(Claim, tree | {"needs": needs, "run": runs, "test": tests}, path.name)
    names = [run.name for run in runs]
    for run in runs:
        if bool(run.study) == bool(run.command):
            raise ConfigError(f"{path.name}: run {run.name}: give either a study or a command")
        if run.command and not run.scale:
            raise ConfigError(f"{path.name}: run {run.name}: say the scale of this command")
    for test in tests:
        for key, known in (("holds", HOLDS), ("role", ROLES), ("grade", GRADES), ("run", names)):
            if getattr(test, key) not in known:
                raise unknown(key, getattr(test, key), f"{path.name}: test: {key}", known)
        if bool(test.arm) == bool(test.value):
            raise ConfigError(f"{path.name}: test '{test.says}': give either an arm or a value")
    if bool(claim.waits) == bool(tests):
        raise ConfigError(f"{path.name}: give tests, or say in `waits` why there are none")
    if bool(claim.untestable) != bool(claim.instead):
        raise ConfigError(f"{path.name}: untestable and instead: give both or neither")
    if tests and not any(test.role == "control" for test in tests) and not claim.untestable:
        raise ConfigError(f"{path.name}: nothing is supported without a control; give a test one")
    return claim


@cache
def catalogue() -> dict[str, Claim]:
    """Every claim by its id, in the order of their ids."""
    claims = [read(path) for path in sorted(CATALOGUE.glob("*.toml"))]
    return {claim.id: claim for claim in claims}


def find(id: str) -> Claim:
    """The claim of this id, in capitals or not; ConfigError names the nearest."""
    by_letters = {name.lower(): claim for name, claim in catalogue().items()}
    if id.lower() not in by_letters:
        raise unknown("claim", id, "claims", list(catalogue()))
    return by_letters[id.lower()]


def _made(kind: type, row: dict[str, Any], place: str) -> Any:
    fields = {item.name: item for item in dataclasses.fields(kind)}
    for key in row:
        if key not in fields:
            raise unknown("key", key, f"{place}: {key}", list(fields))
    for name, item in fields.items():
        if item.default is dataclasses.MISSING and name not in row:
            raise ConfigError(f"{place}: {name} is missing")
    return kind(**row)
