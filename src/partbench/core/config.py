"""Configurations: a tree of slots and settings, edited by diffs, resolved, checked, fingerprinted.

    base.edit({"ffn": "swiglu"})                    a name replaces the slot whole
    base.edit({"model.ffn": {"part": "swiglu", "ratio": 2.5}})      so does a table with a `part`
    base.edit({"model.ffn": {"ratio": 4.0}})        a table without one edits settings

Sections: task, dims, model (with its slots), init, optimizer, schedule, train. What was declared
and what it resolves to are kept apart: edits act on the first, ids hash the second.
"""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from partbench.core.errors import ConfigError, unknown
from partbench.core.menu import SLOTS, Part, find
from partbench.core.resolve import SECTIONS, TASK_SLOTS, TOP_SLOTS, Tree, named, resolve


class Config:
    """One full configuration. Immutable; `edit` gives a new one.

    `resolved` is the whole tree with every default filled in, `fingerprint` its SHA-256.
    Raises ConfigError (place, nearest right word) for any unknown name, setting or type.
    """

    def __init__(self, declared: Mapping[str, Any]) -> None:
        self.declared: Tree = _plain(declared)
        for section in self.declared:
            if section not in SECTIONS:
                raise unknown("section", section, "configuration", SECTIONS)

    @classmethod
    def from_toml(cls, path: Path) -> "Config":
        """The configuration in a TOML file."""
        return cls(read_toml(path))

    def edit(self, changes: Mapping[str, Any] | None = None, /, **slots: Any) -> "Config":
        """A copy with `changes` (dotted paths or nested tables; slots by their short names)."""
        tree = _plain(self.declared)
        for path, value in {**(changes or {}), **slots}.items():
            self._put(tree, full_path(path), _plain(value))
        return Config(tree)

    @cached_property
    def resolved(self) -> Tree:
        """Every section with every setting, checked."""
        return resolve(self.declared)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the resolved tree, in hexadecimal."""
        return fingerprint(self.resolved)

    def diff(self, other: "Config") -> list[dict[str, Any]]:
        """Where `other` resolves to something else: rows of path, base, arm (None = absent)."""
        mine, theirs = flatten(self.resolved), flatten(other.resolved)
        return [
            {"path": path, "base": mine.get(path), "arm": theirs.get(path)}
            for path in sorted(mine.keys() | theirs.keys())
            if mine.get(path) != theirs.get(path)
        ]

    def parts(self) -> list[Part]:
        """Every part named in the resolved tree, each once."""
        return [find(slot, name) for slot, name in sorted(set(named(self.resolved)))]

    def outside_code(self) -> dict[str, str]:
        """The user's own parts and the SHA-256 of their files and what those import beside them."""
        return {part.name: part.source_hash() for part in self.parts() if part.outside}

    def _put(self, tree: Tree, path: list[str], value: Any) -> None:
        *parents, last = path
        table = tree
        for depth, name in enumerate(parents):
            if name in SLOTS:
                table[name] = self._table(table, name, path[: depth + 1])
            table = table.setdefault(name, {})
            if not isinstance(table, dict):
                where = ".".join(path[: depth + 1])
                raise ConfigError(f"{where}: this is a list of parts; give the whole list anew")
        if isinstance(value, dict) and "part" not in value:
            for key, item in value.items():
                self._put(tree, [*path, key], item)
        else:
            table[last] = value

    def _table(self, table: Tree, slot: str, path: list[str]) -> Any:
        """What fills a slot now, as a table that settings can be put into."""
        current = table.get(slot)
        if current is None:
            node: Any = self.resolved
            for name in path:
                if name not in node:
                    raise unknown("slot", name, ".".join(path), [n for n in node if n in SLOTS])
                node = node[name]
            current = node["part"] if isinstance(node, dict) else [item["part"] for item in node]
        return {"part": current} if isinstance(current, str) else current


def _plain(value: Any) -> Any:
    """A copy made of plain values alone; ConfigError for dates and objects."""
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError):
        raise ConfigError(
            f"configuration: {value!r} holds a value that is no number, word, list or table"
        ) from None


def read_toml(path: Path) -> Tree:
    """A TOML file as a tree; ConfigError where it is missing or cannot be parsed."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None


def full_path(path: str) -> list[str]:
    """`ffn.ratio` -> [model, ffn, ratio]: slots may leave out the `model` or `task` they are in."""
    names = path.split(".")
    if names[0] in TASK_SLOTS:
        return ["task", *names]
    if names[0] in SLOTS and names[0] not in TOP_SLOTS:
        return ["model", *names]
    if names[0] not in SECTIONS:
        raise unknown("slot or section", names[0], path, [*SECTIONS, *SLOTS])
    return names


def parse_assignment(text: str, option: str) -> tuple[str, Any]:
    """`model.ffn.ratio=4` -> ("model.ffn.ratio", 4), the value read as TOML, else as a word."""
    path, equals, value = text.partition("=")
    if not equals or not path.strip() or not value.strip():
        raise ConfigError(f"{option} {text!r}: write it as slot=part or path=value")
    try:
        return path.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return path.strip(), value.strip()


def flatten(tree: Any, prefix: str = "") -> dict[str, Any]:
    """Dotted path -> value for every leaf; list items are numbered where they are tables."""
    if isinstance(tree, dict):
        items = [(f"{prefix}.{key}" if prefix else key, value) for key, value in tree.items()]
    elif isinstance(tree, list) and any(isinstance(item, dict) for item in tree):
        items = [(f"{prefix}[{index}]", value) for index, value in enumerate(tree)]
    else:
        return {prefix: tree}
    return {path: leaf for name, value in items for path, leaf in flatten(value, name).items()}


def fingerprint(tree: Any) -> str:
    """SHA-256 of a tree in canonical JSON."""
    text = json.dumps(tree, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
