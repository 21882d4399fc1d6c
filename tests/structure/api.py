"""The page docs/reference/api.md: the public Python names, written from their own docstrings.

python -m tests.structure.api
"""

import ast
import re

from tests.structure.tree import PACKAGE, ROOT

PAGE = ROOT / "docs" / "reference" / "api.md"
HEAD = """# Python

The names that a script, a part or a trainer of your own may use, with what they do, their units and
the errors they raise. This page is written from the docstrings by `python -m tests.structure.api`;
examples that run are in [Use it from Python](../how-to/python.md). What is not here may change
without notice.
"""
CONTRACTS = [f"parts.{slot}" for slot in
             ("embedding", "position", "norm", "mixer", "probability", "ffn", "router", "block",
              "residual", "head", "init")]  # fmt: skip
STATISTICS = sorted(
    f"stats.{path.stem}"
    for path in (PACKAGE / "stats").glob("*.py")
    if path.stem not in ("__init__", "checks")
)
GROUPS: list[tuple[str, str, list[tuple[str, tuple[str, ...]]]]] = [
    ("The bench", "A study from declaration to report, and what the ledger knows.",
     [("api", ("Study",)), ("study.ledger", ("Ledger.studies", "Ledger.record")),
      ("report.write", ("write",))]),
    ("Configurations and models", "What is trained, before anything is trained.",
     [("core.config", ("Config",)), ("study.spec", ("base_config", "preset_names")),
      ("core.numerics", ("Numerics",)), ("models.build", ("build",)),
      ("models.accounting", ("roles", "flops", "parameters")), ("data.batch", ("Batch",)),
      ("core.rng", ("stream",))]),
    ("Write a part", "The contract of every slot: what a class of yours must have to fill it. "
     "[How to write a part](../how-to/own-part.md) says what the lab gives it. Shapes are those of "
     "`partbench.parts.shapes`.",
     [("core.roles", ("Role",)), ("core.ranges", ("Positive", "NotNegative", "Share", "Count")),
      ("parts.flow", ("Flow",)), *((place, ()) for place in CONTRACTS), ("optim", ()),
      ("optim.schedules", ()), ("data.tokenizers.contract", ()), ("data.training", ())]),
    ("Write a model or a task", "[How to write one](../how-to/own-model.md).",
     [("models.contract", ("Score", "Model", "Fitted", "Decoder")),
      ("tasks.contract", ("Task", "OnText", "OnTexts", "OnPictures", "Readable", "Measured",
                          "Examined")), ("tasks.build", ("build_task",))]),
    ("Hold it to its promises", "The conformance suite, for classes of your own.",
     [("testing", ("check_part", "checks")),
      ("testing.subject", ("Subject", "variants", "random_batch"))]),
    ("Write a probe", "[How to write one](../how-to/probes.md#write-one); those that ship are in "
     "`partbench.measure.probes`, one a file.",
     [("measure.probes", ("observe", "Observed", "answer")), ("measure.probes.look", ("Look",))]),
    ("Statistics", "Plain numbers in, answers out; no torch. A difference is arm minus base, and a "
     "lower score is better. [The protocol](../protocol.md) says how they work together.",
     [(place, ()) for place in STATISTICS]),
]  # fmt: skip
"""Title, what is in it, and its modules: the names of each, or () for all that are public and
defined there."""
Definition = ast.FunctionDef | ast.ClassDef


def api() -> str:
    """The whole page."""
    return HEAD + "".join(
        f"\n## {title}\n\n{text}\n" + "".join(module(place, names) for place, names in members)
        for title, text, members in GROUPS
    )


def module(place: str, names: tuple[str, ...]) -> str:
    """One module: its head and its names."""
    path = PACKAGE / (place.replace(".", "/") + ".py")
    path = path if path.exists() else PACKAGE / place.replace(".", "/") / "__init__.py"
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    said = "" if names else f"\n{_prose(ast.get_docstring(tree) or '')}"
    chosen = names or tuple(n.name for n in tree.body if _public(n))  # type: ignore[attr-defined]
    return f"\n### partbench.{place}\n{said}" + "".join(
        entry(tree, source, name) for name in chosen
    )


def entry(tree: ast.Module, source: str, name: str) -> str:
    """One name, or one method of a class as `Class.method`."""
    owner, _, inner = name.partition(".")
    for node in tree.body:
        if isinstance(node, Definition) and node.name == owner:
            if inner:
                node = next(n for n in node.body if isinstance(n, Definition) and n.name == inner)
            if isinstance(node, ast.FunctionDef):
                return f"\n#### {name}\n\n{function(node, name)}"
            return f"\n#### {name}\n\n{class_(node, source)}"
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == owner:
            return f"\n#### {name}\n\n```text\n{ast.unparse(node)}\n```\n"
    raise LookupError(f"tests/structure/api.py names {name}, which is not there any more")


def function(node: ast.FunctionDef, name: str) -> str:
    """Signature and docstring."""
    return f"```text\n{_signature(node, name)}\n```\n\n{_prose(ast.get_docstring(node) or '')}"


def class_(node: ast.ClassDef, source: str) -> str:
    """How it is made, what it says of itself, its methods, or the members of an enumeration."""
    made = next((n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"),
                None)  # fmt: skip
    fields = [ast.unparse(n) for n in node.body if isinstance(n, ast.AnnAssign)]
    protocol = any(ast.unparse(base) == "Protocol" for base in node.bases)
    if made and not protocol:
        head = _signature(made, node.name)
    elif fields and not protocol:
        head = _wrapped(f"{node.name}(", fields, ")")
    else:
        head = f"class {node.name}({', '.join(map(ast.unparse, node.bases))})"
        head += "".join(f"\n    {field}" for field in fields)
    lines = [f"```text\n{head}\n```\n\n{_prose(ast.get_docstring(node) or '')}"]
    members = [n for n in node.body if isinstance(n, ast.Assign)]
    if members and not made:
        rows = [source.splitlines()[n.lineno - 1].partition("#") for n in members]
        lines.append("\n" + "".join(f"- `{ast.unparse(n.targets[0])}`: {_plain(row[2].strip())}\n"
                                    for n, row in zip(members, rows, strict=True)))  # fmt: skip
    for method in node.body:
        if isinstance(method, ast.FunctionDef) and _public(method):
            kinds = {ast.unparse(mark).partition("(")[0] for mark in method.decorator_list}
            attribute = kinds & {"property", "cached_property"}
            shown = f".{method.name}" if attribute else _signature(method, f".{method.name}")
            shown = " ".join(shown.split()).replace("( ", "(").replace(", )", ")")
            lines.append(f"\n`{shown}`\n\n{_prose(ast.get_docstring(method) or '')}")
    return "".join(lines)


def _signature(node: ast.FunctionDef, name: str) -> str:
    """The call, on several lines where it is long."""
    arguments = node.args
    listed = arguments.posonlyargs + arguments.args
    defaults = [None] * (len(listed) - len(arguments.defaults)) + list(arguments.defaults)
    words = [_argument(a, d) for a, d in zip(listed, defaults, strict=True)]
    if arguments.posonlyargs:
        words.insert(len(arguments.posonlyargs), "/")
    words = words[1:] if words and words[0] in ("self", "cls") else words
    if arguments.vararg:
        words.append(f"*{_argument(arguments.vararg, None)}")
    elif arguments.kwonlyargs:
        words.append("*")
    words += [_argument(a, d) for a, d in
              zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]  # fmt: skip
    if arguments.kwarg:
        words.append(f"**{_argument(arguments.kwarg, None)}")
    gives = ast.unparse(node.returns).strip("'\"") if node.returns else ""
    end = f") -> {gives}" if gives and node.name != "__init__" else ")"
    return _wrapped(f"{name}(", words, end)


def _argument(argument: ast.arg, default: ast.expr | None) -> str:
    text = argument.arg
    if argument.annotation:
        text += f": {ast.unparse(argument.annotation)}"
    return text if default is None else f"{text} = {ast.unparse(default)}"


def _wrapped(start: str, words: list[str], end: str) -> str:
    line = f"{start}{', '.join(words)}{end}"
    if len(line) <= 88:
        return line
    return start + "".join(f"\n    {word}," for word in words) + f"\n{end}"


def _prose(document: str) -> str:
    """A docstring as Markdown: what is indented is kept as it stands, `name: text` is a list."""
    found: list[str] = []
    before = ""
    for line in document.splitlines():
        kind = _kind(line, before)
        if before == "kept" != kind:
            found.append("```")
        if kind != before or kind == "new":
            found.append("")
        if kind == "kept" != before:
            found.append("```text")
        item = kind == "item" and ITEM.match(line)
        text = line[4:] if kind == "kept" else _plain(line)
        found.append(f"- {text}" if item else f"  {text}" if kind == "item" else text)
        before = kind
    found += ["```"] if before == "kept" else []
    return re.sub(r"\n{3,}", "\n\n", "\n".join(found)).strip() + "\n" if document else ""


ITEM = re.compile(r"[a-z]\w*(?:, [a-z]\w*)*: ")
NEW = re.compile(r"(?:Raises|Sources?|Papers?|\w+Error)\b")


def _kind(line: str, before: str) -> str:
    """What a line of a docstring is: nothing, kept as it stands, in a list, a paragraph's."""
    if not line.strip():
        return ""
    if line.startswith("    "):
        return "kept"
    if ITEM.match(line):
        return "item"
    if NEW.match(line):
        return "new"
    return before if before in ("item", "new") else "text"


def _plain(text: str) -> str:
    """Prose that Markdown leaves as it is, but for what stands between backticks."""
    pieces = text.split("`")
    return "`".join(
        piece
        if place % 2
        else re.sub(r"([*\[\]])", r"\\\1", piece.replace("&", "&amp;").replace("<", "&lt;"))
        for place, piece in enumerate(pieces)
    )


def _public(node: ast.AST) -> bool:
    return isinstance(node, Definition) and not node.name.startswith("_")


if __name__ == "__main__":
    PAGE.write_text(api(), encoding="utf-8")
