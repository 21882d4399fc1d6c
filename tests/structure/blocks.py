"""The code blocks of the documents, and how a test runs them.

A block whose first line is a comment with a file name (`# my_residual.py`) is a file: it is written
to the folder where the document's commands run. Then, document by document, from top to bottom:

bash    `partbench ...` runs in a folder and a home of its own, with `TINY` appended, so that it
        trains 3 steps of a model of one layer. A study file gets the same edits in its `set`.
        `verdict` and `compare --from` run as they stand, with this Python. Outside of `WHOLE`,
        `compare` trains its cells in its own process and does not time them (`ALONE`). The
        RUN of `generate`, `export`, `evaluate` and `probe` and the folder of `report` become ones
        that exist. `doctor` is only parsed: a test measures no machine. `ui` shows its first page.
        `make TARGET` must be a target of the Makefile. `SETUP` lines are not run.
python  runs as a script of its own, with the presets made as small.
toml    is a file: a study that resolves, or a configuration that does.
text    is output, a tree, or a formula. diff is read by test_contributing.py alone.
"""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
import urllib.request
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.structure.tree import PACKAGE, text

from partbench.core import menu
from partbench.study.spec import base_config, preset_names

LANGUAGES = ("bash", "python", "toml", "text", "diff")
TINY_SETS = {
    "train.steps": 3,
    "dims.depth": 1,
    "dims.width": 16,
    "task.evaluation_tokens": 512,
}
TINY_STUDY = ["--looks", "2", "--margin", "0.5"]
SETUP = (
    "python3 -m venv .venv",
    ". .venv/bin/activate",
    "pip install -e .",
    "export PARTBENCH_HOME=",
    "python -m tests.structure.catalogue",
    "python -m tests.structure.api",
    "python -m tests.structure.evidence",
    "pytest tests/",
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# ([\w./]+\.(?:py|toml|txt|csv|jsonl))\n")
VERDICTS = (0, 10, 11, 12)
WHOLE = "docs/index.md"
"""The page whose studies start their workers and time their cells as anywhere else."""

ALONE = """
from tests.study.small import Here as _Here, made_up_costs as _made_up
from partbench.engines import local as _local
from partbench.study import costs as _costs
_local.Local = _Here
_costs.measure = lambda study, folder: _made_up(study)
"""
"""The beginning of a script whose cells run one after the other in it, their costs made up.

Starting workers and timing cells, each in a process that loads torch anew, takes ten times as long
as a tiny study. It is tested in tests/engines, tests/study and tests/measure, and by `WHOLE`.
"""
RUNS = ("generate", "evaluate", "export", "probe")


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    document: str
    line: int
    language: str
    body: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"

    @property
    def file(self) -> str | None:
        """The name of the file this block is, if it is one."""
        found = FILE.match(self.body)
        return found[1] if found and self.language != "diff" else None

    @property
    def lines(self) -> list[str]:
        """The commands of a bash block."""
        rows = [line.strip() for line in self.body.splitlines()]
        return [row for row in rows if row and not row.startswith("#")]


def blocks(document: str) -> list[Block]:
    """The blocks of a document in order."""
    page = text(document)
    return [
        Block(document, page.count("\n", 0, found.start()) + 1, found[1], found[2])
        for found in FENCE.finditer(page)
    ]


def words(line: str) -> list[str]:
    """The arguments of a `partbench` line."""
    return shlex.split(line)[1:]


def write_files(found: list[Block], folder: Path) -> list[Path]:
    """Write every file block to `folder`; a text loses its first line, which is no part of it."""
    written = []
    for block in found:
        if block.file:
            path = folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            body = block.body
            bare = path.suffix in (".txt", ".csv", ".jsonl")
            path.write_text(body.partition("\n")[2] if bare else body)
            written.append(path)
    return written


def tiny_presets(folder: Path) -> Path:
    """The shipped presets with `TINY_SETS`, as a folder of files."""
    made = folder / "tiny_presets"
    made.mkdir(exist_ok=True)
    for path in (PACKAGE / "study" / "presets").glob("*.toml"):
        (made / path.name).write_text(toml(_edited(tomllib.loads(path.read_text()))))
    return made


def toml(tree: dict[str, Any]) -> str:
    """A tree as TOML: one line a key, tables inline."""

    def value(item: Any) -> str:
        if isinstance(item, dict):
            return "{ " + ", ".join(f'"{k}" = {value(v)}' for k, v in item.items()) + " }"
        if isinstance(item, list):
            return "[" + ", ".join(map(value, item)) + "]"
        return json.dumps(item)

    return "".join(f'"{key}" = {value(item)}\n' for key, item in tree.items())


def tiny_sets(task: Any) -> dict[str, Any]:
    """`TINY_SETS`, with those of the task that the task knows."""
    name = task.get("part", "language") if isinstance(task, dict) else task
    known = menu.find("task", name).settings
    kept = {p: v for p, v in TINY_SETS.items() if not p.startswith("task.") or p[5:] in known}
    return kept


def _edited(tree: dict[str, Any]) -> dict[str, Any]:
    for path, wanted in tiny_sets(tree.get("task", {})).items():
        section, name = path.split(".")
        table = tree.get(section, {})
        table = {"part": table} if isinstance(table, str) else table
        tree[section] = {**table, name: wanted}
    return tree


class Runner:
    """Runs the blocks of one document in `folder`, with `environment` for its processes."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        house = os.pathsep.join([environment.get("PYTHONPATH", ""), str(PACKAGE.parents[1])])
        self.environment = {**environment, "NO_COLOR": "1", "PYTHONPATH": house}
        self.presets = tiny_presets(folder)

    def run(self, block: Block) -> None:
        """Run a bash or python block; AssertionError with its output where it fails."""
        if block.language == "bash":
            for line in block.lines:
                if line.startswith("partbench "):
                    self.partbench(words(line), str(block))
        elif block.language == "python" and block.file is None:
            self.python(block)

    def partbench(self, arguments: list[str], where: str) -> None:
        """Run one command at tiny size."""
        arguments = self._tiny(arguments)
        if arguments[0] == "doctor":
            return
        if arguments[0] == "ui":
            self._dashboard(arguments, where)
            return
        program = ["-m", "partbench"]
        plain = not {"--from", "--engine", "--ranks"} & set(arguments)
        if arguments[0] == "compare" and plain and not where.startswith(WHOLE):
            program = ["-P", "-c", f"{ALONE}from partbench.cli.main import main\nmain()\n"]
        done = self._process([sys.executable, *program, *arguments])
        fine = VERDICTS if "--exit-code" in arguments else (0,)
        assert done.returncode in fine, f"{where}: {shlex.join(arguments)}\n{done.stderr}"

    def _dashboard(self, arguments: list[str], where: str) -> None:
        """Start it, ask it for its first page, and end it with Ctrl-C."""
        command = [sys.executable, "-m", "partbench", *arguments, "--port", "0"]
        serving = subprocess.Popen(
            command, cwd=self.folder, env=self.environment, stderr=subprocess.PIPE, text=True
        )
        try:
            assert serving.stderr
            address = re.search(r"http://\S+", serving.stderr.readline())
            assert address, where
            with urllib.request.urlopen(address[0]) as page:
                assert b"<h1>Studies</h1>" in page.read(), where
        finally:
            serving.send_signal(signal.SIGINT)
            assert serving.wait(timeout=60) == 0, where

    def python(self, block: Block) -> None:
        """Run a block as a script whose presets are tiny."""
        script = self.folder / "block.py"
        script.write_text(
            "from pathlib import Path as _Path\n"
            "import partbench.study.spec as _spec\n"
            f"_spec.PRESETS = _Path({str(self.presets)!r})\n"
            f"{'' if block.document == WHOLE else ALONE}{block.body}"
        )
        done = self._process([sys.executable, "-W", "error", str(script)])
        assert done.returncode == 0, f"{block}\n{done.stderr}"

    def _process(self, command: list[str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True
        )

    def _tiny(self, arguments: list[str]) -> list[str]:
        verb = arguments[0]
        if verb in ("report", *RUNS) and not (self.folder / "runs").exists():
            self.partbench(["compare", "--swap", "ffn=swiglu"], "a study to speak of")
        if verb == "report":
            return ["report", str(next((self.folder / "runs").iterdir())), *arguments[2:]]
        if verb in RUNS and not (self.folder / arguments[1] / "config.json").exists():
            home = Path(self.environment["PARTBENCH_HOME"])
            cell = next((home / "ledger").glob("*/*/model.safetensors")).parent.name
            arguments = [verb, cell, *arguments[2:]]
        if verb in RUNS:
            return [*arguments, *(["--tokens", "3"] if verb == "generate" else [])]
        if verb == "verdict":
            return [word.replace("python ", f"{sys.executable} ") for word in arguments]
        if verb not in ("compare", "plan") or "--from" in arguments:
            return arguments
        studies = [a for a in arguments[1:2] if a.endswith(".toml")]
        if not studies:
            bases = [b for a, b in pairwise(arguments) if a == "--base" and b in preset_names()]
            base = base_config(bases[0]).declared if bases else {}
            made = tiny_sets(base.get("task", {}))
            sets = [word for k, v in made.items() for word in ("--set", f"{k}={v}")]
            return [*arguments, *sets, *TINY_STUDY]
        path = self.folder / studies[0]
        tree = tomllib.loads(path.read_text())
        base = base_config(tree.get("base", "quick"), path.parent).declared
        tree["set"] = {**tree.get("set", {}), **tiny_sets(base.get("task", {}))}
        folder = self.folder / "tiny_studies"
        folder.mkdir(exist_ok=True)
        (folder / path.name).write_text(toml(tree))
        return [verb, f"tiny_studies/{path.name}", *arguments[2:], *TINY_STUDY]


def copy_of_the_house(folder: Path) -> Path:
    """Sources, tests and documents in `folder`, without what was made from them."""
    unwanted = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
    for name in ("src", "tests", "docs"):
        shutil.copytree(PACKAGE.parents[1] / name, folder / name, ignore=unwanted)
    for name in ("pyproject.toml", "README.md", "CONTRIBUTING.md", "AGENTS.md", "LICENSE"):
        shutil.copy(PACKAGE.parents[1] / name, folder / name)
    return folder
