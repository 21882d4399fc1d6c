"""A command with a place for the seed, and what tells one command from another."""

import difflib
import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from partbench.core.errors import ConfigError

SEED, OUT = "{seed}", "{out}"
OPERATORS = set("();<>|&")
LONGEST_NAME = 60


@dataclass(frozen=True)
class Command:
    """One command line; {seed} stands for the seed, {out} for a fresh folder of the run's own."""

    text: str

    @cached_property
    def variables(self) -> dict[str, str]:
        """Leading NAME=value words: variables of the environment."""
        return dict(word.split("=", 1) for word in self._all[: self._variables])

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The program and its arguments."""
        return tuple(self._all[self._variables :])

    @cached_property
    def _all(self) -> list[str]:
        return shlex.split(self.text)

    @cached_property
    def _variables(self) -> int:
        count = 0
        while count < len(self._all) and re.match(r"[A-Za-z_]\w*=", self._all[count]):
            count += 1
        return count

    def at(self, seed: int, out: Path) -> list[str]:
        """The words of one run."""
        return [filled(word, seed, out) for word in self.words]

    def environment(self, seed: int, out: Path) -> dict[str, str]:
        """The variables of one run."""
        return {name: filled(value, seed, out) for name, value in self.variables.items()}


def filled(text: str, seed: int, out: Path) -> str:
    """The text with {seed} and {out} replaced; other braces stay as they are."""
    return text.replace(SEED, str(seed)).replace(OUT, str(out))


def anywhere(text: str) -> str:
    """A pattern that matches the text whatever stands for {seed} and {out}."""
    return text.replace(SEED, "*").replace(OUT, "*")


def parse(text: str) -> Command:
    """A command that can be run; ConfigError in one line for what cannot."""
    command = Command(" ".join(text.split("\n")).strip())
    try:
        words = command.words
        lexer = shlex.shlex(command.text, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        operators = [token for token in lexer if token and set(token) <= OPERATORS]
    except ValueError as error:
        raise ConfigError(f"{text}: cannot be split into words: {error}") from None
    if not words:
        raise ConfigError(f"'{text}': no program in it")
    if operators:
        raise ConfigError(
            f"{text}: '{operators[0]}' needs a shell, and commands are run without one; put it "
            f"into a script, or write sh -c '...'"
        )
    if SEED not in command.text:
        raise ConfigError(
            f"{text}: no {SEED} in it; write it where your trainer takes its seed, as in "
            f"python train.py --seed {SEED}"
        )
    if shutil.which(words[0]) is None and SEED not in words[0]:
        raise ConfigError(f"{text}: there is no program '{words[0]}' here")
    return command


def arm_names(commands: Sequence[Command], given: Sequence[str]) -> list[str]:
    """Names of the arms (all commands but the first): those given, else the words that differ."""
    base, *arms = commands
    if len(given) > len(arms):
        raise ConfigError(f"--name: {len(given)} names for {len(arms)} arms; the base needs none")
    names = [*given, *(_difference(base, arm) for arm in arms[len(given) :])]
    for place, arm in enumerate(arms):
        if arm == base:
            raise ConfigError(
                f"{arm.text}: the same command as the base, so every pair would be equal; "
                f"change what you want to compare"
            )
        if arm in arms[:place]:
            raise ConfigError(f"{arm.text}: given twice")
    for place, name in enumerate(names):
        if name == "base" or not name.strip():
            raise ConfigError(f"--name '{name}': call the arm something else than base")
        if name in names[:place]:
            raise ConfigError(f"'{name}' names two arms; tell them apart with --name")
    return names


def differences(base: Command, arm: Command) -> list[dict[str, str | None]]:
    """The stretches of words in which two commands differ; None where one has nothing there."""
    return [
        {"path": f"word {start + 1}", "base": before or None, "arm": after or None}
        for start, before, after in _stretches(base, arm)
    ]


def _stretches(base: Command, arm: Command) -> list[tuple[int, str, str]]:
    old, new = (shlex.split(command.text) for command in (base, arm))
    found = []
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for kind, i, j, k, m in matcher.get_opcodes():
        if kind != "equal":
            # A changed value is told with its option: `--rate 0.1`, not `0.1`.
            back = kind == "replace" and i > 0 and old[i - 1].startswith("-")
            start = 1 if back and not old[i].startswith("-") else 0
            found.append((i - start, " ".join(old[i - start : j]), " ".join(new[k - start : m])))
    return found


def _difference(base: Command, arm: Command) -> str:
    parts = [after or f"without {before}" for _, before, after in _stretches(base, arm)]
    return " ".join(parts)[:LONGEST_NAME].strip()
