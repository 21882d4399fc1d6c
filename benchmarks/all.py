"""Every target in turn, the page and the pictures: `benchmarks/RESULTS.md`.

    python benchmarks/all.py [--only decoding ...] [--again] [--page] [--folder benchmarks]

Each target's answer is kept in results/NAME.json as soon as it is there, so that what was stopped
goes on: a target that has an answer of this machine is left alone unless `--only` names it or
`--again` is given. The page is written anew after every target, from those answers alone (`--page`
does nothing else). Nothing else may compute meanwhile.
"""

import argparse
import datetime
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from drawing import picture
from lines import Line
from targets import RESULTS, TARGETS, Target

from partbench.core.files import write_json, write_whole
from partbench.measure import machine

HERE = Path(__file__).parent
TEXT_WORDS, TEXT_TOKENS = 16384, 5_000_000
Row = dict[str, Any]


def main() -> None:
    """Parse the command line, run what is wanted, write the page."""
    made = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    made.add_argument("--only", nargs="+", choices=TARGETS, help="these, measured anew")
    made.add_argument("--again", action="store_true", help="all of them anew")
    made.add_argument("--page", action="store_true", help="measure nothing; write the page")
    made.add_argument("--folder", type=Path, default=HERE, help="of results, pictures and page")
    chosen = made.parse_args()
    results = chosen.folder / RESULTS.name
    wanted = chosen.only or [n for n in TARGETS if chosen.again or not known(results, n)]
    lost = []
    for name in [] if chosen.page else wanted:
        print(f"{name}: about {TARGETS[name].minutes:g} minutes", file=sys.stderr, flush=True)
        answer = measured(TARGETS[name], results)
        if answer is None:
            lost.append(name)
            continue
        write_json(results / f"{name}.json", answer)
        write_page(chosen.folder)
    write_page(chosen.folder)
    print(chosen.folder / "RESULTS.md")
    if lost:
        sys.exit(f"not measured: {', '.join(lost)}")


def known(results: Path, name: str) -> bool:
    """Whether there is an answer of this machine."""
    path = results / f"{name}.json"
    return path.exists() and machine.key(json.loads(path.read_text())["machine"]) == machine.key(
        machine.describe()
    )


def measured(target: Target, results: Path) -> Row | None:
    """The answer of a target's command, with its date and how long it took; None if it failed."""
    began = time.perf_counter()
    results.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        script, *options = target.words
        if script == "near_shallow.py":
            options += ["--text", str(drawn_text(Path(folder))), "--words", str(TEXT_WORDS)]
        command = [sys.executable, str(HERE / script), *options, "--json"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        return None
    answer: Row = json.loads(done.stdout)
    if script == "near_shallow.py":
        answer["words"] = TEXT_WORDS
    if script == "residual.py":
        answer["copy_rate"] = copy_rate()
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return {**answer, "date": today, "seconds_taken": time.perf_counter() - began}


def copy_rate() -> float:
    """Bytes a second that all cores copy together: for floors."""
    from partbench.measure import kernels
    from partbench.measure.workers import Worker

    cores = len(machine.cores())
    command = [sys.executable, "-m", "partbench", "worker", "--doctor"]
    from partbench.study.spec import base_config

    config = base_config("quick").resolved
    with Worker(command, {"config": config}) as worker:
        return kernels.COPY_BYTES / min(worker.block("copy", threads=cores)(12))


def drawn_text(folder: Path) -> Path:
    """Five million words of Zipf's law from a vocabulary of 16k: the size that the goal names."""
    import numpy as np

    draw = np.random.default_rng(0)
    ranks = np.arange(1, TEXT_WORDS)
    shares = 1 / (ranks + 2.7)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    names = np.array(["".join(letters[[n // 676 % 26, n // 26 % 26, n % 26]]) for n in ranks])
    path = folder / "zipf.txt"
    with path.open("w") as file:
        for _ in range(TEXT_TOKENS // 100_000):
            file.write(" ".join(names[draw.choice(len(ranks), 100_000, p=shares / shares.sum())]))
            file.write(" ")
    return path


def write_page(folder: Path) -> None:
    """RESULTS.md and a picture a target from the answers there are."""
    rows: dict[str, tuple[Target, Row, list[Row]]] = {}
    for name, target in TARGETS.items():
        path = folder / RESULTS.name / f"{name}.json"
        if path.exists():
            answer = json.loads(path.read_text())
            rows[name] = (target, answer, target.read(answer))
            drawn = picture(rows[name][2], answer.get("curves", []))
            write_whole(folder / "pictures" / f"{name}.svg", drawn)
    write_whole(folder / "RESULTS.md", page(rows))


def page(rows: dict[str, tuple[Target, Row, list[Row]]]) -> str:
    """The whole page."""
    lines = [line for _, _, found in rows.values() for line in found if line["goal"] is not None]
    met = sum(line["met"] for line in lines)
    said = [
        "# What was measured",
        "",
        "Written by `make bench` (`python benchmarks/all.py`); no number was entered by hand.",
        "What is compared took turns in one run; intervals are 95 % ones, or quartiles where a",
        "figure is a median. Goals that are missed say why.",
        "",
        f"{met} of {len(lines)} goals are met.",
        "",
    ]
    for name, (target, answer, found) in rows.items():
        here = answer["machine"]
        number = f"Target {target.number}: " if target.number < 10 else ""
        said += [
            f"## {number}{target.title}",
            "",
            f"`python benchmarks/{' '.join(map(relative, target.words))}`, {answer['date']}, "
            f"{answer['seconds_taken'] / 60:.1f} minutes. {here['processor']}, "
            f"{here['cores']} cores, torch {here['torch']}.",
            "",
            "| measured | goal | | of | taken from |",
            "|---|---|---|---|---|",
            *(cells(line) for line in found),
            "",
        ]
        for line in found:
            why = target.why(line, answer) if line["met"] is False else ""
            if why:
                said += [f"*Missed*, {line['what']}: {why}.", ""]
        said += [f"![{target.title}](pictures/{name}.svg)", ""]
    return "\n".join(said).rstrip() + "\n"


def relative(word: str) -> str:
    """A word of a command as one types it: no folder of this machine."""
    return word.replace(f"{HERE}/", "benchmarks/")


def cells(tree: Row) -> str:
    """A line as a row of the table."""
    line = Line(**{key: value for key, value in tree.items() if key != "met"})
    word = {True: "met", False: "**missed**", None: ""}[line.met]
    return f"| {line.figure} | {line.wish} | {word} | {line.what} | {line.said} |"


if __name__ == "__main__":
    main()
