"""What the command line asks to audit: from words to a part in its slot.

A class in a file says by its methods which slot it is for; they are read, not run. Raises
ConfigError (the nearest right word) for what does not exist or is not for a model.
"""

import ast
from pathlib import Path
from typing import Any

from partbench.core.config import parse_assignment
from partbench.core.errors import ConfigError, nearest, unknown
from partbench.core.menu import SLOTS, find, names
from partbench.testing.subject import BUILT, Subject

AUDITED = (*BUILT, "router", "init", "optimizer")
BESIDE: dict[str, dict[str, Any]] = {"router": {"ffn": "mixture_of_experts"}}
"""What must stand beside a part for it to be used at all."""
SIGNS: tuple[tuple[str, set[str]], ...] = (
    ("residual", {"read", "write"}),
    ("model", {"score", "flops"}),
    ("task", {"batch", "evaluation"}),
    ("head", {"forward", "score"}),
    ("position", {"heads", "scores"}),
    ("mixer", {"forward", "begin", "step"}),
    ("optimizer", {"build"}),
    ("schedule", {"multiplier"}),
    ("init", {"value"}),
)
"""Methods that only one slot's contract has, the first that fits."""
ARGUMENTS = {("x", "flow"): "ffn", ("tokens",): "embedding", ("x",): "norm"}
"""Of a class that has nothing but a forward: by what it takes."""


def asked(what: str, slot: str | None, sets: list[str]) -> Subject:
    """The subject of `partbench audit WHAT --slot .. --set ..`."""
    given, settings, name = slot, {}, what
    if "=" in what and ":" not in what.partition("=")[0]:
        given, value = parse_assignment(what, "audit")
        given = given.removeprefix("model.")
        if isinstance(value, dict):
            settings = {key: item for key, item in value.items() if key != "part"}
            value = value.get("part")
        if not isinstance(value, str):
            raise ConfigError(f"audit {what!r}: name one part, e.g. mixer=attention")
        name = value
    if given is not None and given not in SLOTS:
        raise unknown("slot", given, "audit", SLOTS)
    chosen = given or _slot_of(name)
    find(chosen, name, f"audit {chosen}")
    if chosen not in AUDITED:
        raise ConfigError(
            f"audit: a {chosen} has no model to look into; "
            f'use partbench.testing.check_part("{chosen}", "{name}")'
        )
    beside = BESIDE.get(chosen, {}) | dict(parse_assignment(text, "--set") for text in sets)
    return Subject(chosen, name, settings, beside)


def _slot_of(name: str) -> str:
    if ":" in name:
        return _slot_of_class(*name.rsplit(":", 1))
    slots = [slot for slot in SLOTS if name in names(slot)]
    if len(slots) == 1:
        return slots[0]
    if slots:
        choices = " or ".join(f"{slot}={name}" for slot in slots)
        raise ConfigError(f"audit: '{name}' is in several slots; write {choices}")
    every = {part for slot in SLOTS for part in names(slot)}
    raise ConfigError(f"audit: no part called '{name}'; {nearest(name, every)}")


def _slot_of_class(file: str, attribute: str) -> str:
    find("norm", f"{file}:{attribute}", "audit")  # that the file and the class are there
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    nodes = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == attribute]
    methods = {m.name: m for n in nodes for m in n.body if isinstance(m, ast.FunctionDef)}
    for slot, signs in SIGNS:
        if signs <= methods.keys():
            return slot
    if "forward" in methods:
        words = tuple(item.arg for item in methods["forward"].args.args[1:])
        if words in ARGUMENTS:
            return ARGUMENTS[words]
        if words == ("scores",):
            raise ConfigError(
                f"audit: {attribute} may be a probability or a router; add --slot probability"
            )
    raise ConfigError(
        f"audit: the methods of {attribute} do not say which slot it is for; add --slot, one of: "
        f"{', '.join(AUDITED)}"
    )
