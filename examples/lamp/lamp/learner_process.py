"""The learner as a process of its own: it reads the journal and writes the table.

It is told a place in the journal (one number a line on its standard input), learns what stands
before it, writes the table as a whole file, and answers with that place. It keeps nothing that the
journal does not hold: killed and started again, it makes the same table to the last bit.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from lamp.journal import NAME, Event, read
from lamp.learner import Learner
from lamp.mind import TABLE


class Pupil:
    """Feeds a learner with the events that teach."""

    def __init__(self) -> None:
        self.learner = Learner()
        self.texts: dict[int, str] = {}

    def feed(self, events: Iterable[Event]) -> bool:
        """Whether anything was learnt."""
        learnt = False
        for event in events:
            number = event.get("number", -1)
            if event["kind"] == "heard":
                self.texts[number] = event["text"]
            elif event["kind"] == "labelled":
                self.learner.learn(number, self.texts.pop(number, ""), event["tag"])
                learnt = True
            elif event["kind"] == "passed":
                self.texts.pop(number, None)
        return learnt


def main(folder: Path) -> None:
    """Until standard input ends."""
    import torch

    from partbench.core.files import write_whole

    torch.set_num_threads(1)
    os.nice(5)  # the switch goes first
    pupil, place, first = Pupil(), 0, True
    for told in sys.stdin:
        events = list(read(folder / NAME, place, int(told)))
        place = events[-1][1] if events else place
        if pupil.feed(event for event, _ in events) or first:
            write_whole(folder / TABLE, pupil.learner.mind().written())
        first = False
        print(place, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
