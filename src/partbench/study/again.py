"""How a study was started, kept beside its declaration: whoever continues it says the same again.

again.json: {"words": ["compare", "my_study.toml"], "where": folder they were said in}. Without
--out, which is the folder that the file lies in.
"""

from collections.abc import Sequence
from pathlib import Path

from partbench.core.files import write_json

FILE = "again.json"
VERBS = ("compare", "verdict")
"""The verbs that run studies."""


def keep(folder: Path, words: Sequence[str]) -> None:
    """Note the words (verb first) of the command that runs the study in `folder`, from here.

    A study started without a command line has none, and leaves no note.
    """
    if not words:
        return
    kept = list(words)
    for place in [i for i, word in enumerate(kept) if word == "--out"][::-1]:
        del kept[place : place + 2]
    kept = [word for word in kept if not word.startswith("--out=")]
    write_json(folder / FILE, {"words": kept, "where": str(Path.cwd())})
