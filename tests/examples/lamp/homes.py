"""A lamp in a test: its learner in the same process, its words in a list, its thread ended."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lamp.bulb import Bulb
from lamp.journal import NAME, Event, read
from lamp.learner_process import Pupil
from lamp.loop import Lamp
from lamp.mind import Mind
from lamp.recorder import Ended


class Taught:
    """An apprentice that has learnt before it answers."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.path, self.place = folder / NAME, 0
        self.pupil = Pupil()
        self.mind = Mind.empty()

    def tell(self, place: int) -> None:
        events = list(read(self.path, self.place, place))
        self.place = place
        if self.pupil.feed(event for event, _ in events):
            self.mind = self.pupil.learner.mind()

    def wait(self, seconds: float | None) -> bool:
        return True

    def close(self) -> None:
        pass


@contextmanager
def living(folder: Path, bulb: str | None = None) -> Iterator[Lamp]:
    """A lamp that runs; on leaving it has done all that was put to it."""
    said: list[str] = []
    lamp = Lamp(folder, Bulb(bulb, said.append), said.append, 5.0, teach=Taught)  # type: ignore[arg-type]
    lamp.said = said  # type: ignore[attr-defined]
    thread = threading.Thread(target=lamp.run)
    thread.start()
    try:
        yield lamp
    finally:
        lamp.put(Ended("", stop=True))
        thread.join(timeout=30)
    assert not thread.is_alive()


def until(true: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for something; AssertionError where it does not come."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.01)


def journal_of(folder: Path) -> list[Event]:
    return [event for event, _ in read(folder / NAME)]


def labels_of(folder: Path) -> dict[str, str]:
    """The last tag of every line that has one."""
    texts: dict[int, str] = {}
    found: dict[str, str] = {}
    for event in journal_of(folder):
        if event["kind"] == "heard":
            texts[event["number"]] = event["text"]
        elif event["kind"] == "labelled":
            found[texts[event["number"]]] = event["tag"]
    return found
