"""docs/claims.md: the table of all claims, those that are settled first; and the README's lines."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

from partbench.claims import details, words
from partbench.claims.claim import Claim, catalogue
from partbench.claims.recorded import recorded
from partbench.claims.scorecard import table as scorecard
from partbench.claims.status import OPEN, REFUTED, SUPPORTED, UNTESTABLE
from partbench.core.errors import InputError

Tree = dict[str, Any]
ORDER = (SUPPORTED, REFUTED, OPEN, UNTESTABLE)
LINES = 3
"""Of each settled status, how many claims the README shows."""
PLACE = re.compile(r"(<!-- claims: .*? -->\n).*?(<!-- end of claims -->)", re.DOTALL)
TITLES = (
    "| claim | it says | verdict | effect | scale | cost | to settle it at scale |\n"
    "|---|---|---|---|---|---|---|"
)
HEAD = """# Claims

Statements that somebody published, each put as a study with controls, and what came out. \
Every number comes from the committed records in `results/`.

{counts}

- **supported**: every part of the sentence and every control held.
- **refuted**: one of them failed, at the scale of the record.
- **open**: neither; the row says whether it has not run or is below what this scale can resolve.
- **not testable here**: the figure needs data, hardware or a formula that is not to be had; \
the row says how what was tested instead came out.

The effect is that of the test which decides. A difference is arm less base: below 0 is better \
for a loss. The first column leads to [each claim in full](reference/claims.md): source, what \
would refute it, every test and control, the commands for one GPU and for many.
"""
COMMANDS = """## Commands

| command | what it does |
|---|---|
| `partbench claims` | the list, in the terminal |
| `partbench claims show A1a` | one claim in full |
| `partbench claims run A1a --dry-run` | the cells and hours it takes here |
| `partbench claims run A1a` | reproduces it, and says whether the recorded verdict agrees |
| `partbench claims verify` | makes every recorded verdict anew from the committed records |
| `partbench claims scorecard` | does a laptop's verdict foretell the outcome at scale? |
"""


def pages(results: Path) -> dict[str, str]:
    """Every page that is written from the records, by its place in the repository."""
    return {
        "docs/claims.md": page(results),
        "docs/reference/claims.md": details.page(),
        "docs/reference/scorecard.md": scorecard.page(results),
    }


def page(results: Path) -> str:
    """The page of the table; `results` are those of the scorecard."""
    rows = [_row(claim, told, "reference/claims.md") for claim, told in _settled_first()]
    table = "\n".join([TITLES, *rows])
    beside = f"## Transfer scorecard\n\n{scorecard.top(results)} " \
             f"[Every swap and call](reference/scorecard.md).\n"  # fmt: skip
    return f"{HEAD.format(counts=top())}\n{table}\n\n{beside}\n{COMMANDS}"


def top() -> str:
    """The first line: how many claims stand how."""
    counts = Counter(row["status"] for row in recorded().values())
    said = ", ".join(f"{counts[name]} {name}" for name in ORDER if counts[name])
    run = sum(row["recorded"] for row in recorded().values())
    return f"{sum(counts.values())} claims: {said}. {run} of them have a record."


def readme(text: str, results: Path) -> str:
    """The README with its lines about claims as the records have them.

    InputError where it has no place for them.
    """
    if not PLACE.search(text):
        raise InputError(
            "README.md: put `<!-- claims: .. -->` and `<!-- end of claims -->` around its lines"
        )
    rows: list[str] = []
    for status in (SUPPORTED, REFUTED):
        of_it = [(claim, told) for claim, told in _settled_first() if told["status"] == status]
        rows += [_row(claim, told, "docs/reference/claims.md") for claim, told in of_it[:LINES]]
    table = "\n".join([TITLES, *rows])
    said = f"{top()} [All of them](docs/claims.md). {scorecard.top(results)}\n\n{table}\n"
    return PLACE.sub(lambda found: found[1] + said + found[2], text)


def _settled_first() -> list[tuple[Claim, Tree]]:
    """Supported, refuted, settled by what was tested instead, open with a record, all others."""

    def rank(row: tuple[Claim, Tree]) -> int:
        told = row[1]
        if not told["recorded"]:
            return 4
        if told["status"] == UNTESTABLE:
            return 3 if told["tested"] == OPEN else 2
        return {SUPPORTED: 0, REFUTED: 1, OPEN: 3}[told["status"]]

    return sorted(((claim, recorded()[id]) for id, claim in catalogue().items()), key=rank)


def _row(claim: Claim, told: Tree, full: str) -> str:
    cells = [f"[{claim.id}]({full}#{claim.id.lower()})", claim.sentence,
             words.standing(claim, told), words.effect(claim, told), words.scale(told),
             words.cost(told), claim.settle]  # fmt: skip
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"
