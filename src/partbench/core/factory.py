"""From a part's card on the menu to the thing itself: import its class, fill its `__init__`.

Parameters before the `*` are filled by name from what the lab has (`dims`, `numerics`) and what
the caller hands on (`layer`, `norm`, `embedding`, ...); settings come from the configuration.
"""

import importlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from partbench.core import outside
from partbench.core.errors import ConfigError
from partbench.core.menu import PACKAGE, Part, find


def load(part: Part) -> Any:
    """The class itself. This is where an outsider's file is run, because the user named it."""
    if not part.outside:
        relative = part.path.relative_to(PACKAGE).with_suffix("")
        module = importlib.import_module(".".join(("partbench", *relative.parts)))
        return getattr(module, part.attribute)
    try:
        module = outside.load(f"partbench_outside_{part.source_hash()[:16]}", part.path)
    except Exception as error:
        raise ConfigError(
            f"{part.slot}={part.name}: running the file failed: {type(error).__name__}: {error}"
        ) from error
    return getattr(module, part.attribute)


Around = Callable[[str], AbstractContextManager[Any]]


class Factory:
    """Builds the parts of one slot; a list of choices is tiled over `layer`.

    lab: what is given to any part that asks by name. around: the context in which each part is
    made, by its place ("ffn 3").
    """

    def __init__(
        self, slot: str, choices: Any, lab: dict[str, Any], around: Around = nullcontext
    ) -> None:
        self.lab = lab
        self.around = around
        self.choices = []
        for choice in choices if isinstance(choices, list) else [choices]:
            part = find(slot, choice["part"])
            settings = {name: choice[name] for name in part.settings}
            self.choices.append((part, load(part), settings))

    def __len__(self) -> int:
        """How many choices are tiled over depth."""
        return len(self.choices)

    def __call__(self, layer: int = 0, **given: Any) -> Any:
        """One part for `layer`; ConfigError where it asks for what nobody gives."""
        part, kind, settings = self.choices[layer % len(self.choices)]
        available = {**self.lab, **given, "layer": layer}
        missing = [name for name in part.given if name not in available]
        if missing:
            raise ConfigError(
                f"{part.slot}={part.name}: its __init__ asks the lab for '{missing[0]}'; "
                f"before the `*` there is: {', '.join(sorted(available))}"
            )
        with self.around(f"{part.slot} {layer}"):
            return kind(*(available[name] for name in part.given), **settings)
