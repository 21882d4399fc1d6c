"""Slots that nobody asks for: swapping one would train the base again without a word.

A model hands some of its slots on to its parts (`HANDED` of its class: norm, probability, router).
Whether a part asks for one is written before the `*` of its `__init__`.
"""

from partbench.core.config import Config
from partbench.core.errors import ConfigError
from partbench.core.menu import find, names


def check(base: Config, arm: str, config: Config) -> None:
    """ConfigError where `config` differs from `base` in a slot that no part of its model uses."""
    mine, theirs = config.resolved["model"], base.resolved["model"]
    model = find("model", mine["part"])
    asked = {slot for part in config.parts() if part.slot != "model" for slot in part.given}
    for slot in model.constants.get("HANDED", ()):
        if slot in asked or slot not in theirs or mine[slot] == theirs[slot]:
            continue
        users = [
            f"{other}={name}"
            for other in model.slots
            for name in names(other)
            if slot in find(other, name).given
        ]
        raise ConfigError(
            f"arm {arm}: no part of its model asks for the slot '{slot}', so it would be trained "
            f"as if nothing were swapped; {', '.join(users[:3])}{' ..' * (len(users) > 3)} would"
        )
