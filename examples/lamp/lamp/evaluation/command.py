"""`python -m lamp evaluate`: every arm through every dialogue, in a table and a figure."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import mean, median
from typing import Any

from lamp.evaluation import chart
from lamp.evaluation.arms import LampArm, LastTag, Majority
from lamp.evaluation.dialogue import Part
from lamp.evaluation.prequential import GOOD, Course, Trial, course, run
from lamp.evaluation.resident import Arm
from lamp.evaluation.scores import f1, precision, recall
from lamp.learner import Settings
from lamp.tags import DARK, LIT, TAGS
from partbench.core.errors import ConfigError

LAMP = "lamp: warm start, then training"


def arms() -> dict[str, Callable[[], Arm]]:
    """By name; those that need a package that is not installed are left out."""
    from lamp.evaluation.language import Language

    found: dict[str, Callable[[], Arm]] = {
        LAMP: partial(LampArm, Settings()),
        "cold start, same training": partial(LampArm, Settings(warm=False)),
        "warm start alone": partial(LampArm, Settings(steps=0)),
        "SAFFU, fitted on tags": partial(Language, words_too=False),
        "SAFFU, fitted on all words": partial(Language, words_too=True),
    }
    if find_spec("sklearn"):
        from lamp.evaluation.logistic import Logistic

        found["logistic regression"] = Logistic
    return found | {"last tag": LastTag, "majority": Majority}


def evaluate(options: argparse.Namespace) -> None:
    """Print the table; write evaluation.json, curve.svg and curve.png."""
    import torch

    for name, least in (("tokens", 50), ("residents", 1)):
        if getattr(options, name) < least:
            raise ConfigError(
                f"--{name}: {getattr(options, name)} is too few; give {least} or more"
            )
    if not 0 <= options.misspelt <= 1:
        raise ConfigError(f"--misspelt: {options.misspelt} is no share; give 0 to 1")
    torch.set_num_threads(1)
    part: Part = "design" if options.design else "test"
    given = [
        course(part, seed, options.tokens, options.misspelt) for seed in range(options.residents)
    ]
    trials: dict[str, list[Trial]] = {}
    for name, make in arms().items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scikit-learn's, about few lines
            trials[name] = [run(make, one) for one in given]
        print(_row(name, trials[name]), flush=True)
    print(_details(trials[LAMP]))
    lived = _lived(given[0])
    print(_spent(lived))
    options.out.mkdir(parents=True, exist_ok=True)
    found = {
        "part": part,
        "tokens": options.tokens,
        "misspelt": options.misspelt,
        "residents": options.residents,
        "arms": {name: _record(own) for name, own in trials.items()},
        "costs": lived,
    }
    (options.out / "evaluation.json").write_text(json.dumps(found, indent=1) + "\n")
    note = (
        f"{options.residents} residents, {options.tokens} words each, "
        f"{options.misspelt:.0%} of them misspelt; mean, lowest and highest"
    )
    chart.draw({name: _curve(own) for name, own in trials.items()}, note, options.out)
    print(f"written: {options.out}/evaluation.json, curve.svg, curve.png")


def _row(name: str, own: Sequence[Trial]) -> str:
    unseen = [trial.curve[-1] for trial in own]
    heard = mean(f1(trial.heard) for trial in own)
    until = [trial.tokens_until_good for trial in own]
    good = [number for number in until if number is not None]
    words = f"{median(good):.0f} words" if len(good) == len(own) else "never, by all"
    return (
        f"{name:<32} unseen F1 {mean(unseen):.3f} [{min(unseen):.3f}, {max(unseen):.3f}]  "
        f"prequential F1 {heard:.3f}  {GOOD} after {words}"
    )


def _details(own: Sequence[Trial]) -> str:
    """The lamp's confusion, precision and recall, all residents together."""
    table = sum((trial.asked for trial in own), start=type(own[0].asked)())
    rows = [f"\n{LAMP}, unseen templates: meant (down), foreseen (across)"]
    rows.append(" " * 10 + "".join(f"{tag:>10}" for tag in TAGS))
    rows += [f"{tag:<10}" + "".join(f"{table[tag, other]:>10}" for other in TAGS) for tag in TAGS]
    rows += [
        f"{tag}: precision {precision(table, tag):.3f}, recall {recall(table, tag):.3f}"
        for tag in (LIT, DARK)
    ]
    points = _curve(own)
    rows.append("learning curve: " + "  ".join(f"{p['tokens']}: {p['mean']:.3f}" for p in points))
    return "\n".join(rows)


def _curve(own: Sequence[Trial]) -> list[dict[str, float]]:
    points = zip(*(zip(trial.tokens, trial.curve, strict=True) for trial in own), strict=False)
    return [
        {
            "tokens": round(mean(tokens for tokens, _ in point)),
            "mean": round(mean(value for _, value in point), 4),
            "lowest": round(min(value for _, value in point), 4),
            "highest": round(max(value for _, value in point), 4),
        }
        for point in points
    ]


def _record(own: Sequence[Trial]) -> dict[str, Any]:
    seconds = sorted(second for trial in own for second in trial.seconds)
    return {
        "unseen_f1": [round(trial.curve[-1], 4) for trial in own],
        "prequential_f1": [round(f1(trial.heard), 4) for trial in own],
        "tokens_until_good": [trial.tokens_until_good for trial in own],
        "lines": [trial.lines for trial in own],
        "median_prediction_seconds": seconds[len(seconds) // 2],
        "p99_prediction_seconds": seconds[len(seconds) * 99 // 100],
        "curve": _curve(own),
    }


def _lived(given: Course) -> dict[str, Any]:
    """The real lamp on a transcript of this dialogue: its learner's time, then fresh processes."""
    from lamp.evaluation.household import lived

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = lived(given, folder)
        command = [sys.executable, "-m", "lamp", "costs", str(folder)]
        places = [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")]
        path = os.pathsep.join(filter(None, places))
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONPATH": path},
        )
        return found | json.loads(done.stdout)


def _spent(lived: Mapping[str, float]) -> str:
    mb = {name: lived[name] / 1e6 for name in ("resident_bytes", "learner_bytes", "journal_bytes")}
    return (
        f"\na prediction: median {1e3 * lived['median_seconds']:.3f} ms, 99th of a hundred "
        f"{1e3 * lived['p99_seconds']:.3f} ms, longest {1e3 * lived['longest_seconds']:.3f} ms\n"
        f"learning a label: table anew in {1e3 * lived['table_seconds']:.0f} ms at the end\n"
        f"memory: the lamp's process {mb['resident_bytes']:.1f} MB; its learner's process "
        f"{mb['learner_bytes']:.1f} MB; {lived['marks']} marks, journal "
        f"{mb['journal_bytes']:.2f} MB"
    )
