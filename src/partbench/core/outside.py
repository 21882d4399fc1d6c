"""Code from outside: which files a part's file imports from its own folder, and their hash.

Read by `ast`, never run. A part's file may import the modules and packages that lie beside it,
`import helper`, `from helper.sub import x` or `from .helper import x`, and those may import each
other; all of them decide what the part computes, so all of them are hashed:

    hash = SHA-256 of the file                                   where it imports nothing beside it
         = SHA-256 of [(path from its folder, SHA-256), ...]     otherwise, sorted

A name of Python's own library never means a file beside the part.
"""

import ast
import hashlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any


def sources(path: Path) -> list[Path]:
    """`path` and every file beside it that it imports, directly or through others; sorted."""
    folder = path.parent
    found, waiting = {path}, [path]
    while waiting:
        for file in _imported(waiting.pop(), folder):
            if file not in found:
                found.add(file)
                waiting.append(file)
    return sorted(found)


def source_hash(path: Path) -> str:
    """SHA-256 of all the code that `path` brings along."""
    files = sources(path)
    hashes = [_digest(file) for file in files]
    if len(files) == 1:
        return hashes[0]
    names = [file.relative_to(path.parent).as_posix() for file in files]
    return hashlib.sha256(json.dumps(list(zip(names, hashes, strict=True))).encode()).hexdigest()


def _imported(file: Path, folder: Path) -> Iterator[Path]:
    """The files in `folder` that the imports of one file name."""
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError, ValueError):
        return  # whoever runs it will be told
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _files(folder, alias.name.split("."), own=True)
        elif isinstance(node, ast.ImportFrom):
            start = file.parent if node.level else folder
            for _ in range(node.level - 1):
                start = start.parent
            if not start.is_relative_to(folder):
                continue
            words = node.module.split(".") if node.module else []
            yield from _files(start, words, own=not node.level)
            for alias in node.names:  # a name may be a module: from . import helper
                yield from _files(start, [*words, alias.name], own=not node.level)


def _files(folder: Path, words: list[str], own: bool) -> Iterator[Path]:
    """The files that run when the module `words` is imported from `folder`."""
    if not words or (own and words[0] in sys.stdlib_module_names):
        return
    place = folder
    for word in words:
        package, module = place / word / "__init__.py", place / f"{word}.py"
        if package.is_file():
            yield package
        elif module.is_file():
            yield module
            return
        elif not (place / word).is_dir():  # a folder without __init__.py is a package, too
            return
        place = place / word


class _Beside(importlib.abc.MetaPathFinder):
    """Finds the modules that lie beside the outside file that was loaded last, and no others.

    seen: every such file that was ever run here, and the hash it had then.
    """

    def __init__(self) -> None:
        self.folder = Path()
        self.names: set[str] = set()
        self.seen: dict[Path, str] = {}

    def find_spec(
        self, fullname: str, path: Any = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec of a module beside the file; None leaves it to Python."""
        if fullname not in self.names:
            return None
        return importlib.machinery.PathFinder.find_spec(fullname, [str(self.folder)])

    def turn_to(self, path: Path) -> None:
        """Find what lies beside `path`; forget modules of these names that are other code."""
        helpers = {file: _digest(file) for file in sources(path) if file != path}
        self.folder = path.parent
        tops = {file.relative_to(path.parent).parts[0] for file in helpers}
        self.names = {top.removesuffix(".py") for top in tops}
        loaded = {
            key: Path(file)
            for key, module in list(sys.modules.items())
            if key.partition(".")[0] in self.names and (file := getattr(module, "__file__", None))
        }
        ours = {key: file for key, file in loaded.items() if file in self.seen}
        if any(helpers.get(file) != self.seen[file] for file in ours.values()):
            for key in ours:  # all of them: those that stayed the same hold the others
                del sys.modules[key]
        self.seen |= helpers
        importlib.invalidate_caches()
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)


_beside = _Beside()


def load(name: str, path: Path) -> ModuleType:
    """Run the file at `path` as the module `name`, which must hold its hash; once a process.

    What it imports from beside it is read anew where it changed since another version was loaded.
    """
    if name in sys.modules:
        return sys.modules[name]
    _beside.turn_to(path)
    # As a package whose folder is the file's own, so that `from .helper import x` works.
    spec = importlib.util.spec_from_file_location(
        name, path, submodule_search_locations=[str(path.parent)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def absolute(name: str) -> str:
    """`mine.py:Part` -> `/where/it/lies/mine.py:Part`; names of parts that ship stay."""
    file, colon, attribute = name.rpartition(":")
    return f"{Path(file).resolve()}:{attribute}" if colon else name


def renamed(node: Any, rename: Callable[[str], str]) -> Any:
    """A copy of a resolved tree with the name of every part renamed."""
    if isinstance(node, list):
        return [renamed(item, rename) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: rename(value) if key == "part" and isinstance(value, str) else renamed(value, rename)
        for key, value in node.items()
    }


def moved(task: Any, move: Callable[[str], str]) -> Any:
    """A copy of a task's table with the name of every text, its own or mixed in, moved."""
    if not isinstance(task, dict):
        return task
    return {
        key: move(value) if key == "corpus" and isinstance(value, str) else moved(value, move)
        for key, value in task.items()
    }


def portable(code: dict[str, str]) -> dict[str, str]:
    """Name of each outside part -> its name without folders; with its hash where two would meet."""
    short = {name: f"{Path(name.rpartition(':')[0]).name}:{name.rpartition(':')[2]}"
             for name in code if ":" in name}  # fmt: skip
    hashes: dict[str, set[str]] = {}
    for name, word in short.items():
        hashes.setdefault(word, set()).add(code[name])
    return {
        name: word if len(hashes[word]) == 1 else f"{word}@{code[name]}"
        for name, word in short.items()
    }
