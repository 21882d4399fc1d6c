"""The page of Python names is what the docstrings say, and has what the how-to pages use."""

import ast
import re

from tests.structure.api import PAGE, api
from tests.structure.blocks import blocks
from tests.structure.tree import documents

COMMAND = "run `python -m tests.structure.api`"
ELSEWHERE = ("partbench.parts.", "partbench.models.noise_keys.", "partbench.measure.probes")
"""Parts are in the catalogue; the noise keys and the probes have pages of their own."""


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == api(), COMMAND


def on_the_page() -> set[tuple[str, str]]:
    """Module and name of every entry."""
    found, module = set(), ""
    for kind, name in re.findall(r"^(###|####) (\S+)$", api(), re.MULTILINE):
        module = name if kind == "###" else module
        if kind == "####":
            found.add((module, name.partition(".")[0]))
    return found


def test_every_name_that_the_pages_import_is_on_it() -> None:
    known = on_the_page()
    modules = {module for module, _ in known}
    for document in documents():
        for block in [b for b in blocks(document) if b.language == "python"]:
            for node in ast.walk(ast.parse(block.body)):
                if isinstance(node, ast.ImportFrom) and str(node.module).startswith("partbench"):
                    place = str(node.module)
                    for alias in node.names:
                        here = (place, alias.name) in known or f"{place}.{alias.name}" in modules
                        assert here or place.startswith(ELSEWHERE), f"{block}: {place}.{alias.name}"
