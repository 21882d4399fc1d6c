"""What is compared: the lamp's own learner and its two halves, and what knows nothing of words."""

from lamp.learner import Learner, Settings
from lamp.mind import Forecast, Mind
from lamp.tags import NOTHING, Tag

EAGER, EVERY = 60, 5
"""A table after each of the first labels, then after every fifth: a run of hours into minutes."""


class LampArm:
    """The lamp's learner."""

    def __init__(self, settings: Settings) -> None:
        self.learner, self.mind, self.labels = Learner(settings), Mind.empty(), 0

    def forecast(self, text: str) -> Forecast:
        """From the newest table."""
        return self.mind.forecast(text)

    def learn(self, number: int, text: str, tag: Tag) -> None:
        """Sums at once; the table anew when it is its turn."""
        self.learner.learn(number, text, tag)
        self.labels += 1
        if self.labels <= EAGER or self.labels % EVERY == 0:
            self.mind = self.learner.mind()


class Majority:
    """Always the commonest, which is nothing."""

    def forecast(self, text: str) -> Forecast:
        """Nothing, for certain."""
        return Forecast(NOTHING, 1.0)

    def learn(self, number: int, text: str, tag: Tag) -> None:
        """There is nothing to learn."""


class LastTag:
    """What the line before meant."""

    def __init__(self) -> None:
        self.tag: Tag = NOTHING

    def forecast(self, text: str) -> Forecast:
        """The last tag; never sure enough to act."""
        return Forecast(self.tag, 0.5)

    def learn(self, number: int, text: str, tag: Tag) -> None:
        """Remember the tag."""
        self.tag = tag
