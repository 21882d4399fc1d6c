"""What is checked of somebody else's part before the first cell of a study is trained.

The five checks of FAST on the arm's own model table at the tiny sizes of the conformance suite: a
second, in the process that measures memory. Parts that ship were audited when they were written.
"""

from typing import Any

from partbench.core.errors import ConfigError
from partbench.core.menu import find
from partbench.core.resolve import named
from partbench.testing.audit import FAST, audit
from partbench.testing.audit.finding import Finding
from partbench.testing.subject import DIMS, Subject

Tree = dict[str, Any]
BESIDE = ("init", "optimizer")


def before_study(tree: Tree) -> list[Tree]:
    """What did not pass, of a resolved configuration that has a part from outside; else nothing."""
    sections = {name: tree[name] for name in ("model", *BESIDE)}
    if not any(find(slot, name).outside for slot, name in named(sections)):
        return []
    settings = {key: value for key, value in tree["model"].items() if key != "part"}
    longest = max((len(value) for value in settings.values() if isinstance(value, list)), default=1)
    depth = max(DIMS["depth"], longest)  # a list is tiled over depth: all of it is looked at
    beside = {name: tree[name] for name in BESIDE} | {"dims.depth": depth}
    subject = Subject("model", tree["model"]["part"], settings, beside)
    try:
        rows = audit(subject, FAST)
    except ConfigError as error:  # sizes that the tiny model does not have: said, not in the way
        rows = [Finding("audit", f"not run at tiny sizes: {error}", None, None, "warn")]
    return [row.tree() for row in rows if row.verdict != "pass"]
