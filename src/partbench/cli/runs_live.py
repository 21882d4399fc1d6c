"""What a person sees while commands run: one live line on a terminal, plain lines in a pipe."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from partbench.cli.live import Live
from partbench.study.outside.driver import Job
from partbench.study.outside.question import Question
from partbench.study.outside.runs import Run

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

Tree = dict[str, Any]


class RunsLive:
    """Listens to the driver of outside commands (`study.outside.driver.Listener`).

    `follow` is told of every run that is about to start, with the name of its arm.
    """

    def __init__(
        self,
        question: Question,
        at_once: int,
        follow: Callable[[Run, str], None] = lambda run, arm: None,
    ) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self.question = question
        self.at_once = at_once
        self.follow = follow
        self.console = Console(stderr=True, highlight=False, emoji=False)
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f} %"),
            _left(self),
            console=self.console,
            disable=not self.console.is_terminal,
            transient=True,
        )
        self.task = self.bar.add_task("starting", total=1.0)
        self.began = time.monotonic()
        self.said: set[tuple[Any, ...]] = set()
        self.names: dict[str, str] = {}
        self.waiting: dict[str, None] = {}
        self.under_way: dict[str, float] = {}
        self.seconds: dict[str, list[float]] = {name: [] for name in question.names}
        self.wanted = 0

    def __enter__(self) -> "RunsLive":
        self.bar.start()
        return self

    def __exit__(self, *reason: object) -> None:
        self.bar.stop()

    def line(self, text: str) -> None:
        """One line above the live one, with the time since the start."""
        clock = _clock(time.monotonic() - self.began)
        self.console.print(f"{clock}  {text}", markup=False, soft_wrap=True)

    def declared(self, question: Question, folder: Path, seen: bool) -> None:
        """The commands and their names."""
        self.line(f"{'goes on' if seen else 'declared'}: {question.text}  [{question.id[:8]}]")
        for name in question.names:
            self.line(f"  {name}: {question.command(name).text}")
        self.line(f"  code: {question.source.text}")

    def planned(self, look: int, jobs: list[Job], missing: list[Job]) -> None:
        """How many runs the next look needs."""
        self.names = {run.id: name for name, _, run in jobs}
        self.waiting = {run.id: None for *_, run in missing}
        self.wanted = len(missing)
        looks, known = self.question.looks, len(jobs) - len(missing)
        self.line(
            f"look {look + 1} of {len(looks)} at {looks[look]} pairs: {len(jobs)} runs"
            + (f", {known} known already" if known else "")
            + (f", {self.at_once} at once" if self.at_once > 1 else "")
        )
        self._note()

    def starting(self, run: Run) -> None:
        """A run begins."""
        self.waiting.pop(run.id, None)
        self.under_way[run.id] = time.monotonic()
        self.follow(run, self.names[run.id])
        self._note()

    def ended(self, run: Run, seconds: float | None) -> None:
        """A run ended; its seconds tell how long the others will take."""
        self.waiting.pop(run.id, None)
        self.under_way.pop(run.id, None)
        if seconds is not None:
            self.seconds[self.names[run.id]].append(seconds)
        self._note()

    def looked(self, report: Tree) -> None:
        """New pairs as they come; a verdict where a look was reached; notes at the end."""
        for arm in report["arms"]:
            for pair in arm["pairs"]:
                self._once(f"  pair {pair['seed']} {arm['name']}: {_pair(pair)}")
            found = arm["verdict"]
            if found["word"]:
                value, low, high = found["difference"], found["low"], found["high"]
                self._once(
                    f"  look {found['look']}: {arm['name']} {found['word']}, difference "
                    f"{value:+.4g} [{low:+.4g}, {high:+.4g}]"
                )

    def _once(self, text: str) -> None:
        if (text,) not in self.said:
            self.said.add((text,))
            self.line(text)

    def _note(self) -> None:
        done = self.wanted - len(self.waiting) - len(self.under_way)
        share = done / max(1, self.wanted)
        self.bar.update(self.task, description=f"runs {done}/{self.wanted}", completed=share)

    def left(self) -> str:
        """How long this look will still take, or how long its first run has taken."""
        seconds = self._seconds_left()
        if seconds is not None:
            return f"about {_clock(seconds)} left to this look"
        began = min(list(self.under_way.values()), default=None)
        return "" if began is None else f"the first run takes {_clock(time.monotonic() - began)}"

    def _seconds_left(self) -> float | None:
        """Mean seconds of a name's runs so far, for all that are left, shared by the places."""
        known = [s for row in self.seconds.values() for s in row]
        if not known:
            return None
        usual = {name: sum(row) / len(row) for name, row in self.seconds.items() if row}
        mean, now = sum(known) / len(known), time.monotonic()
        left = sum(usual.get(self.names[id], mean) for id in list(self.waiting))
        for id, began in list(self.under_way.items()):
            left += max(0.0, usual.get(self.names[id], mean) - (now - began))
        return left / self.at_once

    say = staticmethod(Live.say)


def _left(live: RunsLive) -> "ProgressColumn":
    """A column that is drawn anew while runs are under way: they say nothing themselves."""
    from rich.progress import ProgressColumn, Task
    from rich.text import Text

    class Left(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(live.left())

    return Left()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _pair(pair: Tree) -> str:
    if pair["difference"] is None:
        return f"{pair['status']}: {pair['reason']}"
    base, arm, difference = pair["base"], pair["arm"], pair["difference"]
    return f"base {base:.4g}  arm {arm:.4g}  difference {difference:+.4g}"
