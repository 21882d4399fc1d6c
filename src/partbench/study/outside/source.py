"""What code a command runs, as hashes: the files it names, and the tracked files around them.

With git, the content of every tracked file and of every Python file that is not ignored: a commit
that changes no content changes nothing here. Without git, only the files that the command names
and those that are watched. What a program reads beyond that is not seen: name it with --watch.
"""

import hashlib
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from partbench.core.config import fingerprint
from partbench.core.errors import ConfigError
from partbench.study.outside.command import SEED, Command


@dataclass(frozen=True)
class Source:
    """The working tree (path -> hash; None without git), files named or watched, and the place.

    place: the folder the commands run in, relative to the tree's top, or absolute without git.
    """

    tree: dict[str, str] | None
    files: dict[str, str]
    place: str
    commit: str = ""
    ignored: tuple[str, ...] = ()
    watched: tuple[str, ...] = ()

    def of(self, command: Command) -> dict[str, Any]:
        """What of all this decides a command's runs, as JSON."""
        named = {n: h for n, h in self.files.items() if n in _names(command) or n in self.watched}
        tree = None if self.tree is None else fingerprint(self.tree)
        return {"tree": tree, "files": named, "place": self.place}

    @property
    def text(self) -> str:
        """Where the code stands, in words."""
        if self.tree is None and not self.files:
            return "no git here and no file named: a change of the code is not seen; --watch it"
        if self.tree is None:
            return f"no git here; hashed are {', '.join(sorted(self.files))}"
        return f"commit {self.commit[:12] or 'none yet'}, {len(self.tree)} files hashed as they are"


def look(
    commands: Iterable[Command], watched: Iterable[str] = (), ignored: Iterable[str] = ()
) -> Source:
    """The state of files now, for commands run in the current folder."""
    commands, watched, ignored = list(commands), tuple(watched), tuple(ignored)
    files = {}
    for name in watched:
        if not Path(name).exists():
            raise ConfigError(f"--watch {name}: there is no such file or folder")
        files[name] = _hash_all(Path(name))
    for name in sorted({name for command in commands for name in _names(command)}):
        if not _matches(name, "", ignored):
            files[name] = _hash(Path(name))
    top = _git("rev-parse", "--show-toplevel")
    if top is None:
        return Source(None, files, str(Path.cwd()), "", ignored, watched)
    prefix = (_git("rev-parse", "--show-prefix") or "").strip()
    commit = (_git("rev-parse", "--verify", "--quiet", "HEAD") or "").strip()
    tree = _tree(Path(top.strip()))
    tree = {path: h for path, h in tree.items() if not _matches(path, prefix, ignored)}
    return Source(tree, files, prefix, commit, ignored, watched)


def changed(before: Source, commands: Iterable[Command]) -> str | None:
    """The first file that is no longer as it was; None where all are."""
    now = look(commands, before.watched, before.ignored)
    for old, new in ((before.files, now.files), (before.tree or {}, now.tree or {})):
        for path in sorted(old.keys() | new.keys()):
            if old.get(path) != new.get(path):
                return path
    return None


def _names(command: Command) -> set[str]:
    """The words that are files; also in --option=file, and inside the words of sh -c '...'."""
    found = set()
    for word in (*command.words, *command.variables.values()):
        for text in (word, word.partition("=")[2], *word.split()):
            if text and SEED not in text and _is_file(text):
                found.add(text)
    return found


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # a word too long to be a path, or with a zero byte
        return False


def _matches(path: str, prefix: str, patterns: tuple[str, ...]) -> bool:
    """Whether a path is one of the patterns (as seen from the folder `prefix`), or below one."""
    return any(
        fnmatch(path, full) or fnmatch(path, f"{full}/*")
        for pattern in patterns
        for full in (prefix + pattern.removeprefix("./").rstrip("/"),)
    )


def _tree(top: Path) -> dict[str, str]:
    """Path -> hash of content, for tracked files and for Python files that git does not ignore."""
    listed = _git("ls-files", "-s", "-z", "--full-name", "--", ":/") or ""
    tree = {}
    for row in filter(None, listed.split("\0")):
        facts, _, path = row.partition("\t")
        tree[path] = facts.split()[1]
    new = _git("ls-files", "-o", "-z", "--full-name", "--exclude-standard", "--", ":/") or ""
    edited = _git("diff-files", "--name-only", "-z") or ""
    for path in filter(None, edited.split("\0")):
        tree[path] = _hash(top / path) if (top / path).is_file() else "gone"
    for path in filter(None, new.split("\0")):
        if path.endswith(".py"):
            tree[path] = _hash(top / path)
    return tree


def _git(*words: str) -> str | None:
    """What git says here; None where it has nothing to say."""
    try:
        done = subprocess.run(["git", *words], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout


def _hash(path: Path) -> str:
    """As git hashes a file, so that committing a change does not look like another one."""
    try:
        with path.open("rb") as file:
            digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
            while piece := file.read(1 << 20):
                digest.update(piece)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    return digest.hexdigest()


def _hash_all(path: Path) -> str:
    if path.is_file():
        return _hash(path)
    inside = sorted(p for p in path.rglob("*") if p.is_file())
    return fingerprint({str(p.relative_to(path)): _hash(p) for p in inside})
