"""A cell is run on the code and the text it was declared with, or not at all."""

from partbench.core.cell import Cell
from partbench.core.errors import ConfigError
from partbench.core.menu import find
from partbench.core.resolve import named
from partbench.tasks.contract import OnText, OnTexts, Task


def check_code(cell: Cell) -> None:
    """ConfigError where the file of a part from outside has changed since the declaration."""
    for slot, name in named(cell.config):
        known = cell.code.get(name)
        if known is not None and find(slot, name).source_hash() != known:
            raise ConfigError(
                f"{slot}={name}: the file has changed since this cell was declared; "
                f"declare the study anew to test the new code"
            )


def check_corpus(cell: Cell, task: Task) -> None:
    """ConfigError where the text has changed since the declaration."""
    found = task.corpus.sha256 if isinstance(task, OnText) else ""
    if isinstance(task, OnTexts):
        # Texts that code from outside brings are not known where the cell is declared.
        declared = cell.corpus.count("+") + 1
        found = "+".join(corpus.sha256 for corpus in task.corpora[:declared])
    if cell.corpus and found != cell.corpus:
        raise ConfigError(
            f"task.corpus: its text has changed since this cell was declared "
            f"({cell.corpus[:12]} is now {found[:12]}); declare the study anew"
        )
