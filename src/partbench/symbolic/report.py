"""What the checker says of a text."""

from dataclasses import dataclass

from partbench.symbolic.refute import WORST, Answer


@dataclass(frozen=True)
class Verdict:
    """Of one statement. place: its number, with a dot for each block it is in (`3.2`)."""

    place: str
    statement: str
    status: str
    reason: str = ""


@dataclass(frozen=True)
class Report:
    """Of a whole text. goal: whether it was reached."""

    verdicts: tuple[Verdict, ...]
    goal: Answer

    @property
    def status(self) -> str:
        """The worst of all verdicts, the goal's among them."""
        every = [self.goal.status, *(verdict.status for verdict in self.verdicts)]
        return max(every, key=WORST.index)
