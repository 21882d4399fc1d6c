"""The house stands as it was drawn: short files, imports that point down, docstrings, the tree."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.structure.tree import PACKAGE, ROOT, files, python_files, text

from partbench.core import menu

LONGEST = 300
PARTS = [n for n in python_files("src/partbench/parts/") if n.count("/") == 4]
SOURCE = re.compile(r"\b(Papers?|Sources?)\b|arXiv:\d")


def test_no_file_is_longer_than_three_hundred_lines() -> None:
    files = python_files("src/", "tests/", "benchmarks/", "examples/")
    lengths = {name: len(text(name).splitlines()) for name in files}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_imports_point_down_only() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    if not command.exists():
        found = shutil.which("lint-imports")
        assert found, "import-linter is not installed; it comes with the dev extra"
        command = Path(found)
    done = subprocess.run(
        [command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stdout + done.stderr


def undocumented(name: str) -> Iterator[str]:
    """Public things of a file that have no docstring."""
    tree = ast.parse(text(name))
    if not ast.get_docstring(tree):
        yield name
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    classes = (n for n in tree.body if isinstance(n, ast.ClassDef) and not n.name.startswith("_"))
    for owner in [tree, *classes]:
        for node in owner.body:
            public = isinstance(node, kinds) and not node.name.startswith("_")
            if public and not ast.get_docstring(node):
                yield f"{name}:{node.lineno}: {node.name}"


def test_everything_public_has_a_docstring() -> None:
    assert [place for name in python_files("src/") for place in undocumented(name)] == []


def test_every_part_names_its_source() -> None:
    """Write `Paper: who, year, arXiv:number.` or `Source: ...` in the docstring."""
    ideas = [n for n in PARTS if not n.endswith("__init__.py")]
    assert [name for name in ideas if not SOURCE.search(text(name))] == []


def test_no_part_has_an_heir() -> None:
    """Parts are final: no class of `parts/` is the base of another."""
    for name in PARTS:
        classes = [n for n in ast.walk(ast.parse(text(name))) if isinstance(n, ast.ClassDef)]
        for node in classes:
            bases = {ast.unparse(base) for base in node.bases}
            known = {"nn.Module", "Protocol", "NamedTuple", "torch.autograd.Function"}
            assert bases <= known, f"{name}: {node.name}{bases}"


def drawn_tree() -> dict[str, set[str]]:
    """The README's tree: top-level folders, and what stands below `src/partbench/`."""
    block = re.search(r"```text\nsrc/partbench/\n(.*?)```", text("README.md"), re.DOTALL)
    assert block, "README.md draws no tree"
    drawn: dict[str, set[str]] = {"package": set(), "top": {"src"}}
    for line in block[1].splitlines():
        name = line.split()[0]
        assert name.endswith("/"), f"README.md: `{line}` is no folder"
        drawn["package" if line.startswith("  ") else "top"].add(name.rstrip("/"))
    return drawn


def real_tree() -> dict[str, set[str]]:
    """The same of the clone; packages that hold nothing but their docstring are not drawn."""
    inside = [n.removeprefix("src/partbench/") for n in files() if n.startswith("src/partbench/")]
    packages = {n.split("/")[0] for n in inside if "/" in n and not n.endswith("/__init__.py")}
    top = {n.split("/")[0] for n in files() if "/" in n}
    return {"package": packages, "top": {n for n in top if not n.startswith(".")}}


def test_the_tree_in_the_readme_is_the_real_one() -> None:
    assert drawn_tree() == real_tree()


def test_the_readme_names_every_part_in_its_slot_and_no_other() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", text("README.md"), re.MULTILINE))
    for slot in menu.SLOTS:
        assert re.findall(r"`(\w+)`", rows[slot]) == menu.names(slot), f"README.md: row `{slot}`"


def test_every_slot_of_the_menu_is_a_package() -> None:
    for slot, folder in menu.SLOTS.items():
        assert (PACKAGE / folder / "__init__.py").is_file(), slot
