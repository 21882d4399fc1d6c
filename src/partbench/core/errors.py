"""The errors that reach a user, as one tree.

    PartbenchError                 exit code 1: something failed
    ├── InputError                 exit code 2: what was given is wrong; nothing was changed
    │   ├── ConfigError            a configuration, part, setting or study file
    │   ├── DataError              a corpus or a tokenizer
    │   ├── BusyError              somebody else holds the study or the cell
    │   ├── CheckpointError        a checkpoint that is damaged or belongs elsewhere
    │   └── LedgerError            a place that cannot be written (a full disk, no rights)
    └── CellError                  a cell that could not be run to its end

Each message is one line: what is wrong, where, and the nearest right choice.
"""

import difflib
from collections.abc import Iterable


class PartbenchError(Exception):
    """Something failed that a user should read about in one line."""

    exit_code = 1


class InputError(PartbenchError):
    """What the user gave is wrong; nothing was changed."""

    exit_code = 2


class ConfigError(InputError):
    """A configuration, a part, a setting or a study file is wrong."""


class DataError(InputError):
    """A corpus or a tokenizer cannot be used."""


class BusyError(InputError):
    """Another process is at work on the same thing."""


class CheckpointError(InputError):
    """A checkpoint is damaged or belongs to another configuration."""


class CellError(PartbenchError):
    """A cell could not be run to its end."""


class LedgerError(InputError):
    """The ledger, or any other place to write to, could not be written."""


MANY = 30
"""Choices that are more than these are not listed: the message stays one line."""


def nearest(word: str, choices: Iterable[str]) -> str:
    """A short hint: the choice most like `word`, or the list where none is near."""
    known = sorted(choices)
    lowered = {name.lower(): name for name in reversed(known)}
    close = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.5)
    if close:
        return f"did you mean '{lowered[close[0]]}'?"
    if not known:
        return "there is nothing to choose from here"
    if len(known) > MANY:
        return f"nothing is like it among {len(known)}, from '{known[0]}' to '{known[-1]}'"
    return "one of: " + ", ".join(known)


def unknown(kind: str, word: str, place: str, choices: Iterable[str]) -> ConfigError:
    """The error for a name that does not exist, with the nearest that does."""
    return ConfigError(f"{place}: no {kind} called '{word}'; {nearest(word, choices)}")
