"""Every code block of README, CONTRIBUTING, AGENTS and docs/ is checked; `slow` ones are run."""

import ast
import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.structure.blocks import (
    FENCE,
    LANGUAGES,
    SETUP,
    Block,
    Runner,
    blocks,
    words,
    write_files,
)
from tests.structure.tree import ROOT, documents, text

from partbench.cli import options
from partbench.cli.main import app
from partbench.core.config import Config
from partbench.core.numerics import Numerics
from partbench.study.spec import from_file

OF_A_COPY = "CONTRIBUTING.md"  # its commands need the part it adds: see test_contributing.py
ALL = [block for document in documents() for block in blocks(document)]
LINES = [(b, line) for b in ALL if b.language == "bash" for line in b.lines]
COMMANDS = [(b, line) for b, line in LINES if line.startswith("partbench ")]
COMMAND = typer.main.get_command(app)
RUN = [d for d in documents() if d != OF_A_COPY and blocks(d)]
LONG = {
    "docs/data.md",
    "docs/exchange.md",
    "docs/images.md",
    "docs/near-shallow.md",
    "docs/how-to/long-studies.md",
    "docs/how-to/own-text.md",
}
"""Pages whose code takes half a minute and more."""
LEARNS = {"docs/data.md", "docs/how-to/own-text.md"}
"""Pages whose studies learn a vocabulary as soon as they are declared."""


def parsed(arguments: list[str]) -> tuple[str | None, dict[str, Any]]:
    """Verb and parameters, as the command line itself reads them."""
    group = COMMAND
    try:
        context = group.make_context("partbench", list(arguments))
        rest = [*getattr(context, "_protected_args", []), *context.args]
        verb, command, rest = group.resolve_command(context, rest)
        while hasattr(command, "resolve_command"):  # `partbench ledger VERB`
            context = command.make_context(verb, rest, parent=context)
            rest = [*getattr(context, "_protected_args", []), *context.args]
            verb, command, rest = command.resolve_command(context, rest)
        return verb, command.make_context(verb, rest, parent=context).params
    except typer.Exit:  # --help and --version
        return None, {}


def test_every_block_says_what_it_is():
    for document in documents():
        assert text(document).count("\n```") % 2 == 0, f"{document}: a block is not closed"
        fences = re.findall(r"^```[^\n]*$", text(document), re.MULTILINE)
        assert len(fences) == 2 * len(blocks(document)), (
            f"{document}: a fence with more than a word"
        )
    for block in ALL:
        assert block.language in LANGUAGES, f"{block}: `{block.language}` is not run by any test"


@pytest.mark.parametrize(("block", "line"), LINES, ids=[f"{b}-{line}" for b, line in LINES])
def test_every_line_is_a_command_that_exists(block: Block, line: str, capsys) -> None:
    if line.startswith("partbench "):
        parsed(words(line))
    elif line.startswith("make "):
        targets = re.findall(r"^([\w-]+):", text("Makefile"), re.MULTILINE)
        assert set(line.split()[1:]) <= set(targets), f"{block}: the Makefile has {targets}"
    else:
        assert line.startswith(SETUP), f"{block}: no test runs `{line}`"


def test_commands_that_need_another_machine_are_commands_too() -> None:
    """`text` blocks are not run; what in them is said to `partbench` is read too."""
    seen = 0
    for block in [b for b in ALL if b.language == "text"]:
        for line in block.body.replace("\\\n", " ").splitlines():
            said = re.fullmatch(r"(?:[A-Z_]+=\S+ +)*partbench ([a-z]+ .*)", line.strip())
            if said and said[1].split()[0] in COMMAND.commands:
                parsed(words(f"partbench {said[1]}"))
                seen += 1
    assert seen > 10


@pytest.mark.parametrize(
    "document", [pytest.param(d, marks=pytest.mark.slow if d in LEARNS else ()) for d in RUN]
)
def test_every_study_resolves(document: str, tmp_path: Path, monkeypatch) -> None:
    """All swaps, settings, study files and configurations, checked to the last default."""
    monkeypatch.chdir(tmp_path)
    write_files(blocks(document), tmp_path)

    def numerics(base: Config) -> Numerics:
        return Numerics()

    for block, line in COMMANDS:
        if block.document == document:
            verb, given = parsed(words(line))
            if verb in ("compare", "plan") and not given.get("from_"):
                study = options.study_of(
                    given["study"], given["swap"], given["base"], given["set_"], numerics,
                    margin=given["margin"], careful=given["careful"], looks=given["looks"],
                )  # fmt: skip
                assert study.id
                options.seconds_of(given.get("for_"))
    for block in blocks(document):
        if block.language == "toml":
            assert block.file, f"{block}: name the file in a first line like `# my_study.toml`"
            path = tmp_path / block.file
            if re.search(r"^\[arms", block.body, re.MULTILINE):
                assert from_file(path, numerics).id
            else:
                assert Config.from_toml(path).fingerprint


@pytest.mark.parametrize(
    "block",
    [b for b in ALL if b.language == "python"],
    ids=[str(b) for b in ALL if b.language == "python"],
)
def test_every_python_block_names_what_exists(block: Block) -> None:
    for node in ast.walk(ast.parse(block.body)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("partbench"):
            module = importlib.import_module(str(node.module))
            for alias in node.names:
                assert hasattr(module, alias.name), f"{block}: {node.module} has no {alias.name}"


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "document",
    [pytest.param(d, marks=pytest.mark.long if d in LONG else ()) for d in RUN],
)
def test_every_block_runs(document: str, tmp_path: Path, measured_home: dict[str, str]) -> None:
    write_files(blocks(document), tmp_path)
    runner = Runner(tmp_path, measured_home)
    for block in blocks(document):
        runner.run(block)


def test_the_documents_link_to_what_exists():
    for name in [*documents(), "CHANGELOG.md"]:
        prose = re.sub(r"`[^`\n]*`", "", FENCE.sub("", text(name)))
        for target in re.findall(r"\]\(([^)\s]+)\)", prose):
            if not target.startswith("https://"):
                path = (ROOT / name).parent / target.partition("#")[0]
                assert path.exists(), f"{name}: links to {target}, which does not exist"


def test_the_navigation_names_every_page():
    named = re.findall(r": (\S+\.md)$", text("mkdocs.yml"), re.MULTILINE)
    pages = [name.removeprefix("docs/") for name in documents() if name.startswith("docs/")]
    assert sorted(named) == sorted(pages)
