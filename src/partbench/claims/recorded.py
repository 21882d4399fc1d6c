"""What the committed records say of every claim, kept in recorded.json; never written by hand.

`derived` reads results/ and judges anew; a test holds that recorded.json is what it gives. So the
list of claims needs no records, and whoever has them can make it again to the same numbers.
"""

import dataclasses
import json
import math
from functools import cache
from pathlib import Path
from typing import Any

from partbench.claims import measures, rebuild, records, status
from partbench.claims.claim import Check, Claim, Run
from partbench.core.errors import InputError
from partbench.report.quantities import short_count

FILE = Path(__file__).with_name("recorded.json")
Tree = dict[str, Any]


@cache
def recorded() -> Tree:
    """Id -> what was recorded of the claim."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def derived(claim: Claim, results: Path) -> Tree:
    """What the records under `results` say of a claim: status, tests, scale, date, machine, cost.

    InputError where a record is damaged, ConfigError where a test asks for what is not in one.
    """
    kept = {run.name: _opened(run, results) for run in claim.run}
    tests = [_tested(test, kept[test.run]) for test in claim.test]
    outcomes = [test["outcome"] for test in tests]
    known = [record for record in kept.values() if record is not None]
    pairs = [(run, kept[run.name]) for run in claim.run]
    scales = [_scale(run, record) for run, record in pairs if record is not None]
    return {
        "status": status.status(claim, outcomes),
        "tested": status.tested(claim, outcomes) if known else "",
        "tests": tests,
        "missing": [name for name, record in kept.items() if record is None],
        "scale": "; ".join(dict.fromkeys(scales)),
        "recorded": bool(known),
        "date": max((_date(record) for record in known), default=""),
        "machine": next(filter(None, map(_machine, known)), ""),
        "core_hours": _hours(known),
        "at_least": _hours(known) is not None and None in _seconds(known),
    }


def damage(claim: Claim, results: Path) -> list[str]:
    """Where the claim's committed verdicts cannot be made anew to the same numbers."""
    found = []
    for run in claim.run:
        record = _opened(run, results)
        if isinstance(record, records.Kept):
            found += [f"{run.name}: {line}" for line in rebuild.differences(record)]
    return found


def _opened(run: Run, results: Path) -> records.Kept | Tree | None:
    """A run's record: a study's folder, or the JSON of a command; None where there is none."""
    if run.kept:
        path = results.parent / run.kept
        return records.read_json(path) if path.exists() else None
    if (results / run.name / records.REPORT).exists():
        return records.read(results / run.name)
    for path in (results / f"{run.name}.json", results / run.name / records.TRANSFER):
        if path.exists():
            return records.read_json(path)
    return None


def _tested(test: Check, record: records.Kept | Tree | None) -> Tree:
    if record is None:
        return {"outcome": status.OPEN} | _plain(measures.NOTHING)
    if isinstance(record, records.Kept):
        grade = record.report["grade"]
        if bool(test.value):
            raise InputError(f"{test.run}: a study; the test '{test.says}' needs an arm")
        found = measures.of_study(test, record, _words(record))
    else:
        grade, found = "", measures.of_record(test, record.get("found", record))
    if status.below(test, grade):
        found = dataclasses.replace(found, reason=f"a {grade}; this asks for {test.grade}")
    return {"outcome": status.outcome(test, found, grade)} | _plain(found)


def _words(kept: records.Kept) -> Tree:
    """The verdicts made anew; what was measured of seconds stands in the report alone."""
    made = rebuild.verdicts(kept)
    told = {arm["name"]: arm["verdict"] for arm in kept.report["arms"]}
    return {name: told[name] | {k: v for k, v in new.items() if k != "seconds" or kept.costs}
            for name, new in made.items()}  # fmt: skip


def _plain(found: measures.Measure) -> Tree:
    tree = dataclasses.asdict(found)
    return {
        k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in tree.items()
    }


def _scale(run: Run, record: records.Kept | Tree) -> str:
    """Parameters, tokens a run, and the corpus; of a command what its claim says."""
    smaller = " (run at a smaller scale)" if run.smaller else ""
    if not isinstance(record, records.Kept) or "task" not in record.report["base"]["config"]:
        return run.scale + smaller
    base, config = record.report["base"], record.report["base"]["config"]
    sizes, task = config["train"], config["task"]
    seen = sizes["steps"] * sizes["batch"]
    if task["part"] == "images":
        told = f"{short_count(seen)} pictures"
    else:
        told = f"{short_count(seen * config['dims']['context'])} tokens"
    where = Path(str(task.get("corpus", task["part"]))).name
    parameters = base["costs"]["parameters"]
    size = f"{short_count(parameters)} parameters, " if parameters else ""
    return f"{size}{told} a run of {where}{smaller}"


def _date(record: records.Kept | Tree) -> str:
    tree = record.report if isinstance(record, records.Kept) else record
    return (tree.get("finished_at") or "")[:10]


def _machine(record: records.Kept | Tree) -> str:
    tree = record.report["provenance"] if isinstance(record, records.Kept) else record
    machine = tree.get("machine") or {}
    if "processor" not in machine:
        return ""
    return f"{machine['cores']} cores, {machine['processor']}"


def _hours(known: list[records.Kept | Tree]) -> float | None:
    """Core-hours of all runs that say theirs; None where none does."""
    seconds = [each for each in _seconds(known) if each is not None]
    return sum(seconds) / 3600 if seconds else None


def _seconds(known: list[records.Kept | Tree]) -> list[float | None]:
    told: list[float | None] = []
    for record in known:
        if isinstance(record, records.Kept):
            totals = record.report["totals"]  # commands run one at a time, on a thread each
            told.append(totals.get("core_seconds", totals.get("seconds")))
        else:
            told.append(record.get("core_seconds"))
    return told
