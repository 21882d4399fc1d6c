"""What is said in a home: sentences of a tag each, from templates that others never see.

Templates are divided whole, by their hash: a third for choosing settings ("design"), the rest for
the figures ("test"). In each, a draw of two thirds is spoken to the lamp and the others are only
asked about, so that no sentence that is asked shares a template with one that was heard.
"""

import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from lamp.evaluation.grammar import Grammar
from lamp.tags import DARK, LIT, NOTHING, Tag

PHRASES = Path(__file__).with_name("phrases.json")
Part = Literal["design", "test"]

SHARES: dict[Tag, float] = {LIT: 0.2, DARK: 0.2, NOTHING: 0.6}
"""How often each is meant. Half of what means nothing speaks of lights or of switching others."""
FEWEST = 3
"""Templates that an intent has in a part, so that some are heard and some are asked."""
POLITE = 0.25
"""Share of sentences with a polite word before or behind."""

NAMES = {
    "area": "kitchen|bedroom|bathroom|living room|hallway|office|garage|garden|nursery|cellar",
    "floor": "ground floor|first|second|upstairs|downstairs|top",
    "light_name": "bedside|desk|ceiling|corner|reading|floor|porch|table",
    "device_name": "television|heater|coffee machine|radio|fan|kettle|dishwasher|humidifier",
    "cover_name": "left curtain|garage door|roller blind|skylight|patio awning",
    "valve_name": "water valve|sprinkler|main valve",
    "lock_name": "front door|back door|gate",
    "scene_name": "movie night|dinner|romantic|party",
    "script_name": "morning routine|bedtime story|leaving home",
    "button_name": "doorbell|restart|coffee",
    "vacuum_name": "robot|hoover|dusty",
    "mower_name": "mower|lawn robot",
    "player_name": "speaker|stereo|television|soundbar",
    "fan_name": "ceiling fan|desk fan|ventilator",
    "climate_name": "thermostat|heating|air conditioner",
    "list_name": "shopping|holiday|chores",
    "person_name": "anna|peter|maria|grandma",
    "zone": "home|work|school",
    "timer_name": "pizza|laundry|egg|tea",
    "timer_command": "open the blinds|start the dishwasher|play some music",
    "shopping_list_item": "milk|bread|tomatoes|coffee",
    "todo_list_item": "call the plumber|water the plants|pay the rent",
}
"""Ours: the templates leave these to each home."""


class Sentence(NamedTuple):
    """What is said, what is meant, and the template it came from."""

    text: str
    tag: Tag
    template: str


@cache
def phrases() -> dict[str, dict[str, list[str]]]:
    """The file of templates."""
    found: dict[str, dict[str, list[str]]] = json.loads(PHRASES.read_text(encoding="utf-8"))
    return found


class Home:
    """Draws sentences of one part. `seed` chooses which templates are heard, and the wording."""

    def __init__(self, part: Part, seed: int) -> None:
        data = phrases()
        own = {name: words.split("|") for name, words in NAMES.items()}
        self.grammar = Grammar(data["rules"], data["lists"] | own, data["ranges"])  # type: ignore[arg-type]
        self.part, self.seed = part, seed
        self.polite: list[str] = list(data["politeness"])
        self.templates = data["templates"]

    def heard(self, seed: int = 0) -> Iterator[Sentence]:
        """What is spoken to the lamp, without end."""
        return self._sentences(True, seed)

    def asked(self, number: int, seed: int = 0) -> list[Sentence]:
        """Sentences of the templates that are never spoken."""
        source = self._sentences(False, seed)
        return [next(source) for _ in range(number)]

    def _sentences(self, heard: bool, seed: int) -> Iterator[Sentence]:
        draw = random.Random(f"{self.part} {self.seed} {heard} {seed}")
        while True:
            (tag,) = draw.choices(list(SHARES), list(SHARES.values()))
            template = draw.choice(self._kept(self._pool(tag, draw), heard))
            text = self.grammar.sentence(template, draw)
            if draw.random() < POLITE:
                polite = draw.choice(self.polite)
                before = polite != "for me" and (polite != "please" or draw.random() < 0.5)
                text = f"{polite} {text}" if before else f"{text} {polite}"
            if text:
                yield Sentence(text, tag, template)

    def _pool(self, tag: Tag, draw: random.Random) -> Sequence[str]:
        """Templates that mean `tag`; of what means nothing, an intent is drawn first."""
        if tag != NOTHING:
            return self.templates[tag]
        intents: dict[str, list[str]] = self.templates[draw.choice(("near", "far"))]  # type: ignore[assignment]
        wide = [name for name, pool in sorted(intents.items()) if len(self._own(pool)) >= FEWEST]
        return intents[draw.choice(wide)]

    def _kept(self, pool: Sequence[str], heard: bool) -> list[str]:
        """Those of this part that are heard, or that are not."""
        order = sorted(self._own(pool), key=lambda t: _hash(f"{self.seed} {t}"))
        cut = -(-2 * len(order) // 3)
        return order[:cut] if heard else order[cut:]

    def _own(self, pool: Sequence[str]) -> list[str]:
        """Those of this part."""
        part = {True: "design", False: "test"}
        return [template for template in pool if part[_hash(template) % 3 == 0] == self.part]


@cache
def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
