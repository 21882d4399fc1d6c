"""A configuration as addresses write it: as it was written when the first records were made.

    a setting younger than the first records is left out where it has the value they were made with

so that those records are still found. A younger setting with any other value is in the address.
"""

from typing import Any

LATER: dict[str, dict[str, tuple[Any, dict[str, Any]]]] = {
    "train": {"batch_doublings": (0, {}), "batch_warmup": (0.3, {})},
    "mixture_of_experts": {"shared": (0, {})},
    "transformer": {"block": ({"part": "serial"}, {})},
    "language": {
        "tokenizer": ({"part": "bytes"}, {"tokenizer": "bytes", "tokenizer_vocab": 1024}),
        "data": ({"part": "whole"}, {}),
        "text_column": ("text", {}),
    },
}
"""Part or section -> setting -> (the value the first records were made with, what stood there)."""


def as_first_written(node: Any, name: str = "") -> Any:
    """A copy of a resolved tree without what is younger than the first records."""
    if isinstance(node, list):
        return [as_first_written(item, name) for item in node]
    if not isinstance(node, dict):
        return node
    later = LATER.get(node.get("part", name), {})
    tree: dict[str, Any] = {}
    for key, value in node.items():
        known, stood = later.get(key, (None, {}))
        if key in later and value == known:
            tree |= stood
        else:
            tree[key] = as_first_written(value, key)
    return tree


def as_now_written(node: Any, name: str = "") -> Any:
    """A copy of a tree in which an early spec's missing settings have the values it meant."""
    if isinstance(node, list):
        return [as_now_written(item, name) for item in node]
    if not isinstance(node, dict):
        return node
    tree = {key: as_now_written(value, key) for key, value in node.items()}
    for key, (known, stood) in LATER.get(node.get("part", name), {}).items():
        if (key not in tree or key in stood) and stood.items() <= tree.items():
            tree = {k: v for k, v in tree.items() if k not in stood} | {key: known}
    return tree
