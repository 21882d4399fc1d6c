"""From what a configuration declares to what it means: every default filled in, everything checked.

A slot's table is checked against its part's own signature (the menu); slots of a model or a task
that are not named get the parts in its DEFAULTS; only slots in its TILED may hold a list.
"""

import json
from typing import Any

from partbench.core import dims as dims_module
from partbench.core.errors import ConfigError, unknown
from partbench.core.menu import SLOTS, find
from partbench.core.training import resolve_training

TOP_SLOTS = ("task", "model", "init", "optimizer", "schedule")
TASK_SLOTS = ("tokenizer", "data")
SECTIONS = ("task", "dims", "model", "init", "optimizer", "schedule", "train")
DIMS_SETTINGS = ("depth", "width", "num_heads", "num_kv_heads", "head_width", "context",
                 "transfer", "base_width", "base_depth", "base_head_width")  # fmt: skip
TRANSFERS = ("standard", "mup", "completep")
DEFAULTS = {
    "task": "language",
    "model": "transformer",
    "init": "depth_scaled",
    "optimizer": "adamw",
    "schedule": "linear",
}

Tree = dict[str, Any]


def named(node: Any, name: str = "") -> list[tuple[str, str]]:
    """(slot, part) for every part in a resolved tree."""
    if isinstance(node, list):
        return [pair for item in node for pair in named(item, name)]
    if not isinstance(node, dict):
        return []
    own = [(name, node["part"])] if name in SLOTS and "part" in node else []
    return own + [pair for key, value in node.items() for pair in named(value, key)]


def resolve(declared: Tree) -> Tree:
    """Every section with every setting, defaults filled in, checked; what ids are hashed from."""
    tree: Tree = {}
    for section in SECTIONS:
        value = declared.get(section, {})
        if section == "dims":
            tree["dims"] = _resolve_dims(value)
        elif section == "train":
            tree["train"] = resolve_training(value)
        else:
            tree[section] = _resolve_slot(section, value, section, DEFAULTS[section])
    _check_together(tree)
    return tree


def _resolve_dims(value: Any) -> Tree:
    if not isinstance(value, dict):
        raise ConfigError(f"dims: {value!r} is not a table; write e.g. dims.depth = 4")
    for name, number in value.items():
        if name not in DIMS_SETTINGS:
            raise unknown("setting", name, f"dims.{name}", DIMS_SETTINGS)
        if name == "transfer":
            if number not in TRANSFERS:
                raise unknown("transfer", str(number), "dims.transfer", TRANSFERS)
        elif type(number) is not int:
            raise ConfigError(f"dims.{name}: {number!r} is not a whole number")
    sizes = dims_module.resolve(**{"depth": 4, "context": 64, **value})
    return {name: getattr(sizes, name) for name in DIMS_SETTINGS}


def _resolve_slot(slot: str, value: Any, place: str, default: str, tiled: bool = False) -> Any:
    if isinstance(value, list):
        if not tiled:
            raise ConfigError(
                f"{place}: a list is tiled over depth, which this slot is not; name one part"
            )
        if not value:
            raise ConfigError(f"{place}: an empty list of parts; name at least one")
        return [_resolve_slot(slot, item, f"{place}[{i}]", default) for i, item in enumerate(value)]
    if isinstance(value, str):
        value = {"part": value}
    if not isinstance(value, dict):
        raise ConfigError(f'{place}: {value!r} is not a part; write {slot} = "{default}"')
    name = value.get("part", default)
    if not isinstance(name, str):
        raise ConfigError(f'{place}.part: {name!r} is not a name; write e.g. "{default}"')
    part = find(slot, name, place)
    tree: Tree = {"part": name}
    owner = slot in ("model", "task")
    allowed = ["part", *part.slots, *part.settings] if owner else [*part.settings]
    for key in value:
        if key != "part" and key not in allowed:
            kind = "slot or setting" if owner else "setting"
            raise unknown(kind, key, f"{place}.{key} (part '{name}')", allowed)
    if owner:
        for inner in part.slots:
            fallback = part.constants.get("DEFAULTS", {}).get(inner, "")
            tiled = inner in part.constants.get("TILED", ())
            given = value.get(inner, {})
            tree[inner] = _resolve_slot(inner, given, f"{place}.{inner}", fallback, tiled)
    for setting in part.settings.values():
        where = f"{place}.{setting.name}"
        if setting.name in value:
            tree[setting.name] = setting.check(value[setting.name], where)
        elif setting.required:
            raise ConfigError(f"{where}: part '{name}' needs this setting ({setting.annotation})")
        else:
            tree[setting.name] = setting.check(setting.default, where)
    return json.loads(json.dumps(tree))


def _check_together(tree: Tree) -> None:
    """Parts say what they provide and what they cannot work beside; names are never compared."""
    parts = [find(slot, name) for slot, name in named(tree)]
    filled = {part.slot for part in parts}
    if tree["dims"]["transfer"] != "standard":
        for part in parts:
            follows = "transfer" in part.constants.get("PROVIDES", ())
            if part.slot in ("model", "optimizer") and not follows:
                raise ConfigError(
                    f"dims.transfer = {tree['dims']['transfer']} cannot work with "
                    f"{part.slot}={part.name}: it does not follow width and depth; "
                    f"leave dims.transfer at standard"
                )
    for part in parts:
        for ability in part.constants.get("FORBIDS", ()):
            for other in parts:
                if other is not part and ability in other.constants.get("PROVIDES", ()):
                    raise ConfigError(
                        f"{part.slot}={part.name} cannot work with {other.slot}={other.name}: "
                        f"it forbids '{ability}'"
                    )
        for slot, ability in part.constants.get("NEEDS", {}).items():
            if slot not in filled:
                raise ConfigError(
                    f"{part.slot}={part.name} cannot work with model={tree['model']['part']}: "
                    f"it needs '{ability}' from the {slot}, and this model has no slot {slot}"
                )
            for other in parts:
                if other.slot == slot and ability not in other.constants.get("PROVIDES", ()):
                    raise ConfigError(
                        f"{part.slot}={part.name} cannot work with {other.slot}={other.name}: "
                        f"it needs '{ability}' from the {slot}"
                    )
