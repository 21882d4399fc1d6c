"""The training part as it is.

Source: this file; what every other part of the slot is compared with.
"""

from partbench.data.stretch import Source


class Whole:
    """Every place of the training part is as likely as any other. Cost: none."""

    def prepare(self, training: Source) -> list[Source]:
        """What was given."""
        return [training]
