"""The transfer scorecard: does a laptop's verdict foretell what a swap did at a billion parameters?

call      better, worse, or equal (equivalent within the margin); none where it is inconclusive
hit       the call is the published outcome; no call is a miss
rate      hits of all, with the exact interval of stats/shares.py

One half of the swaps chooses between the presets (the higher hit rate, the cheaper at a tie), the
other half judges the one that was chosen. declared.json holds the hash of swaps and studies, made
before any cell ran. Whatever is published may be wrong, or about another recipe: a miss is a
disagreement.
"""

import hashlib
import json
import time
from functools import cache
from pathlib import Path
from typing import Any

from partbench.claims import rebuild, records
from partbench.claims.claim import Claim, Run
from partbench.claims.places import study_file
from partbench.core.config import read_toml
from partbench.core.errors import InputError
from partbench.core.files import write_json
from partbench.stats.shares import Share, share

HERE = Path(__file__).parent
SWAPS, DECLARED = HERE / "swaps.toml", HERE / "declared.json"
NAME, CHOOSE, JUDGE = "scorecard", "choose", "judge"
PRESETS = {"quick, a quarter of its tokens": "_shorter", "quick": ""}
"""Candidates, the cheapest first -> what the names of their studies end with."""
CALLS = {"better": "better", "worse": "worse", "equivalent": "equal"}
OUTCOMES = ("better", "worse", "equal")
Tree = dict[str, Any]


@cache
def swaps() -> tuple[Tree, ...]:
    """Every swap: name, edit, outcome, figure, scale, source, checked, half."""
    return tuple(read_toml(SWAPS)["swap"])


def study_name(half: str, preset: str) -> str:
    """The study that calls one half of the swaps in one preset."""
    return f"{NAME}_{half}{PRESETS[preset]}"


def as_claim() -> Claim:
    """Its studies as a claim's runs, so that they run and are kept like all others."""
    names = [study_name(half, preset) for preset in PRESETS for half in (CHOOSE, JUDGE)]
    return Claim(
        id=NAME, sentence="A laptop's verdict foretells the outcome at scale.",
        source="this project", refuted="no more hits than the commonest outcome has", settle="",
        one_gpu="", many="", run=tuple(Run(name=n, study=f"{n}.toml") for n in names),
    )  # fmt: skip


def fingerprint() -> str:
    """SHA-256 over the swaps and the studies that call them."""
    files = [SWAPS, *(study_file(run.study) for run in as_claim().run)]
    texts = {path.name: path.read_text(encoding="utf-8") for path in files}
    return hashlib.sha256(json.dumps(texts, sort_keys=True).encode()).hexdigest()


def declare(results: Path) -> None:
    """Write the hash down; InputError where a call is on record already."""
    if any(_report(results, run.name) for run in as_claim().run):
        raise InputError(
            "scorecard: calls are on record; what they were about can no longer change"
        )
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    write_json(DECLARED, {"sha256": fingerprint(), "declared_at": now, "swaps": len(swaps())})


def declared() -> Tree:
    """The hash, when it was made, and of how many swaps."""
    return json.loads(DECLARED.read_text(encoding="utf-8"))


def calls(results: Path, half: str, preset: str) -> dict[str, Tree] | None:
    """Swap -> the call with its interval, from the committed cells; None where it was not run."""
    folder = results / study_name(half, preset)
    if not _report(results, folder.name):
        return None
    kept = records.read(folder)
    made = rebuild.verdicts(kept)
    return {
        name: {"call": CALLS.get(verdict.get("word") or "", "none")}
        | {key: verdict.get(key) for key in ("difference", "low", "high", "pairs")}
        for name, verdict in made.items()
    }


def rate(made: dict[str, Tree], half: str) -> Share:
    """How often the calls of a half are the published outcomes."""
    known = {swap["name"]: swap["outcome"] for swap in swaps() if swap["half"] == half}
    hits = sum(made[name]["call"] == outcome for name, outcome in known.items())
    return share(hits, len(known))


def commonest(half: str) -> tuple[str, Share]:
    """The commonest published outcome of a half, and how often saying always that would be right.

    What a rate of hits has to be held against.
    """
    known = [swap["outcome"] for swap in swaps() if swap["half"] == half]
    outcome = max(OUTCOMES, key=known.count)
    return outcome, share(known.count(outcome), len(known))


def chosen(results: Path) -> tuple[str | None, dict[str, Share]]:
    """The preset that the first half chooses, and the rate of each; None until all have run."""
    rates = {}
    for preset in PRESETS:
        made = calls(results, CHOOSE, preset)
        if made is not None:
            rates[preset] = rate(made, CHOOSE)
    if len(rates) < len(PRESETS):
        return None, rates
    best = max(found.value for found in rates.values())
    return next(preset for preset in PRESETS if rates[preset].value == best), rates


def _report(results: Path, name: str) -> bool:
    return (results / name / records.REPORT).exists()
