"""What tests of outside commands share: the toy trainer, questions about it, a quiet driver."""

import sys
from pathlib import Path

from partbench.core.files import write_json
from partbench.report.tree import finite
from partbench.study.outside import command, source
from partbench.study.outside.driver import Driver
from partbench.study.outside.metric import parse
from partbench.study.outside.question import Question
from partbench.study.outside.runs import Runs

TOY = f"{sys.executable} -I -S {Path(__file__).with_name('toy.py')} --seed {{seed}}"


class Quiet:
    """Listens and remembers."""

    def __init__(self) -> None:
        self.began: list[int] = []
        self.known: list[int] = []

    def declared(self, question, folder, seen) -> None:
        """Nothing to remember."""

    def planned(self, look, jobs, missing) -> None:
        """How much was known."""
        self.known.append(len(jobs) - len(missing))

    def starting(self, run) -> None:
        """A run begins."""
        self.began.append(run.seed)

    def ended(self, run, seconds) -> None:
        """Nothing to remember."""

    def looked(self, report) -> None:
        """Nothing to remember."""


def ask(*options: str, metric: tuple = ("val_loss", None, None), **settings) -> Question:
    """A study of the toy trainer: the base, and an arm with each text of options."""
    base = settings.pop("base", "")
    commands = [command.parse(f"{TOY} {text}") for text in (base, *options)]
    settings = {"margin": 0.01, "looks": (4, 6)} | settings
    found = parse(*metric)
    return Question(
        commands=tuple(commands), names=("base", *command.arm_names(commands, [])),
        metric=found, source=source.look(commands, [], [found.file]), **settings,
    )  # fmt: skip


def drive(question: Question, at_once: int = 1, **settings) -> dict:
    return driver(question, at_once, **settings).run(put_down)


def driver(question: Question, at_once: int = 1, folder: str = "study", **settings) -> Driver:
    listener = settings.pop("listener", Quiet())
    return Driver(question, Path(folder), Runs(), at_once, listener, **settings)


def started() -> list[str]:
    path = Path("started.txt")
    return path.read_text().splitlines() if path.exists() else []


def put_down(report: dict, folder: Path) -> Path:
    """In the place of the pages, which take a second to draw."""
    write_json(folder / "report.json", finite(report))
    return folder / "report.json"
