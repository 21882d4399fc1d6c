"""A cell: one training run, as one JSON spec whose address is the hash of all that decides it.

    id = SHA-256 of seed and SHA-256 of (resolved configuration, numerics, SHA-256 of outside code
         and of the corpus, results epoch, torch version)

Two studies that need the same run find the same address, so nothing is trained twice. Files from
outside are hashed by content and by name without folders: the spec says where they lie, so that it
runs from anywhere, but the address does not depend on it.
"""

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from partbench.core import outside
from partbench.core.config import fingerprint
from partbench.core.earlier import as_first_written, as_now_written
from partbench.core.errors import ConfigError
from partbench.core.numerics import Numerics

EPOCH = 1
"""Raised whenever the same spec would give other numbers (CHANGELOG: "changes results")."""

RECORD, METRICS, CHECKPOINT, WEIGHTS, SPEC, LOCK = (
    "record.json",
    "metrics.jsonl",
    "checkpoint.safetensors",
    "model.safetensors",
    "spec.json",
    "lock",
)
"""The files of a cell's folder."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What one training run is. `code`: outside part -> SHA-256 of its file."""

    config: dict[str, Any]
    seed: int
    numerics: dict[str, Any]
    torch: str
    corpus: str = ""
    code: dict[str, str] = field(default_factory=dict)
    epoch: int = EPOCH

    @cached_property
    def id(self) -> str:
        """The content address, in hexadecimal."""
        return fingerprint({"arm": self.arm, "seed": self.seed})

    @cached_property
    def arm(self) -> str:
        """Hash of everything but the seed; cells of one arm share it."""
        names = (item.name for item in dataclasses.fields(self) if item.name != "seed")
        return fingerprint({name: getattr(self, name) for name in names} | self.addressed)

    @cached_property
    def portable(self) -> dict[str, Any]:
        """`config` and `code` without the folders of outside files."""
        short = outside.portable(self.code)
        config = outside.renamed(self.config, lambda name: short.get(name, name))
        if self.corpus:
            config["task"] = outside.moved(config["task"], lambda path: Path(path).name)
        code = {short.get(name, name): content for name, content in self.code.items()}
        return {"config": config, "code": code}

    @cached_property
    def addressed(self) -> dict[str, Any]:
        """`portable`, as it was written when the first records were made."""
        return self.portable | {"config": as_first_written(self.portable["config"])}

    def with_seed(self, seed: int) -> "Cell":
        """The same arm's cell of another seed. Planning thousands hashes each arm once."""
        twin = dataclasses.replace(self, seed=seed)
        twin.__dict__["arm"] = self.arm
        return twin

    @property
    def how(self) -> Numerics:
        """The numerics as an object."""
        return Numerics(**self.numerics)

    def to_json(self) -> str:
        """The spec file's text."""
        return json.dumps(dataclasses.asdict(self), indent=1, sort_keys=True) + "\n"

    @classmethod
    def read(cls, path: Path) -> "Cell":
        """The cell in a spec file; ConfigError where it is missing or damaged."""
        try:
            spec = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{**spec, "config": as_now_written(spec["config"])})
        except FileNotFoundError:
            raise ConfigError(f"{path}: there is no such cell spec") from None
        except (ValueError, TypeError, KeyError) as error:
            raise ConfigError(f"{path}: not a cell spec: {error}") from None


def read_record(path: Path, id: str) -> dict[str, Any]:
    """The whole record of cell `id` at `path`.

    Raises FileNotFoundError where there is none, ValueError where it is damaged or another's.
    """
    try:
        record = json.loads(path.read_bytes())
        if record["checksum"] == checksum(record) and record["id"] == id:
            return record
    except FileNotFoundError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise ValueError(f"{path} is damaged")


def checksum(record: dict[str, Any]) -> str:
    """SHA-256 over everything else in a cell's record, so that a damaged one is noticed."""
    rest = {key: value for key, value in record.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()
