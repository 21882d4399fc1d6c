"""Several settings at once, by optuna's sampler, for base and arm alike; then a study file.

    python examples/search_with_optuna/search.py --swap ffn=swiglu --trials 12 --out found.toml
    partbench compare found.toml

`[tune]` searches one setting on a grid and is part of the verdict's rules. This is for more than
one: base and arm each get as many trials, on the same seeds, which no pair is judged on, and each
goes into the study with the values it was best at. What the search cost is in the ledger as any
other run. The verdict's errors stay controlled, since its pairs are new; but it compares what the
search found, so give it trials enough: with few, the luckier search wins.
"""

import argparse
import statistics
from pathlib import Path
from typing import Any

import optuna

from partbench.api import Study
from partbench.core.config import Config
from partbench.core.rng import TUNING_SEEDS
from partbench.engines.local import Local
from partbench.study.ledger import Ledger

RANGES = {"optimizer.rate": (0.25, 4.0), "optimizer.weight_decay": (0.25, 4.0)}
"""Multiples of what an arm declares, searched in the logarithm."""


def main() -> None:
    """Search, then write the study."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--swap", required=True, help="slot=part")
    parser.add_argument("--trials", type=int, default=12, help="for each of base and arm")
    parser.add_argument("--seeds", type=int, default=2, help="runs of a trial")
    parser.add_argument("--steps", type=int, help="of a run; the study's too")
    parser.add_argument("--out", type=Path, default=Path("found.toml"))
    asked = parser.parse_args()
    edits = {"train.steps": asked.steps} if asked.steps else {}
    study = Study(swap=asked.swap, edits=edits).declared
    searches = {
        name: optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
        for name in study.everyone
    }
    ledger, first = Ledger(), study.first_seed + TUNING_SEEDS
    with Local(2, study.numerics.threads, asked.out.with_suffix(".logs")) as engine:
        for number in range(asked.trials):
            open_trials = {name: search.ask() for name, search in searches.items()}
            cells = {
                name: [
                    study.cell(changed(study.everyone[name], trial), first + seed)
                    for seed in range(asked.seeds)
                ]
                for name, trial in open_trials.items()
            }
            missing = [c for row in cells.values() for c in row if ledger.finished(c) is None]
            engine.run([ledger.prepare(cell) for cell in missing], lambda event: None)
            for name, trial in open_trials.items():
                scores = [score(ledger.finished(cell)) for cell in cells[name]]
                searches[name].tell(trial, statistics.fmean(scores))
                print(
                    f"trial {number + 1} of {asked.trials}, {name}: {statistics.fmean(scores):.4f}"
                )
    asked.out.write_text(written(asked.swap, edits, study.everyone, searches), encoding="utf-8")
    print(f"written: {asked.out}")


def changed(config: Config, trial: Any) -> Config:
    """The configuration with the trial's multiples."""
    return config.edit(
        {path: value(config, path, trial.suggest_float(path, *ends, log=True))
         for path, ends in RANGES.items()}
    )  # fmt: skip


def value(config: Config, path: str, multiple: float) -> float:
    """A setting's declared value times `multiple`."""
    section, name = path.split(".")
    return float(config.resolved[section][name]) * multiple


def score(record: dict[str, Any] | None) -> float:
    """A run's score; one that diverged or failed is worse than any."""
    finished = record is not None and record["status"] == "finished"
    return float(record["score"]) if record and finished else 1e9


def written(swap: str, edits: dict[str, Any], everyone: Any, searches: Any) -> str:
    """The study file: base and arm, each with the values it was best at."""
    slot, part = swap.split("=", 1)
    tables = {"base": "[set]", swap: "[arms.swapped]"}
    text = (
        f'question = "Is {swap} better, each at the values its own search found?"\nbase = "quick"\n'
    )
    for name, config in everyone.items():
        found = searches[name].best_params
        text += f"\n{tables[name]}\n"
        if name != "base":
            text += f'{slot} = "{part}"\n'
        rows = {path: value(config, path, found[path]) for path in RANGES}
        rows |= edits if name == "base" else {}
        text += "".join(f"{path} = {number:.6g}\n" for path, number in rows.items())
    return text


if __name__ == "__main__":
    main()
