"""Write the report of a study: the page, its Markdown twin and the data, each whole or not."""

import json
import re
from pathlib import Path

from partbench.core.files import write_whole
from partbench.report import markdown, page, tree

# Innermost arrays of numbers go on one line: a curve is read as a curve, and the file is smaller.
NUMBERS = re.compile(r"\[\n\s+((?:[-+.\deE]+|null)(?:,\n\s+(?:[-+.\deE]+|null))*)\n\s+\]")


def write(report: dict, folder: Path) -> Path:
    """Write report.html, report.md and report.json into the folder; give the page's path."""
    report = tree.ordered(tree.finite(report))
    texts = {
        "report.json": data(report),
        "report.md": markdown.markdown(report),
        "report.html": page.html(report),
    }
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        write_whole(folder / name, text)
    return folder / "report.html"


def data(report: dict) -> str:
    """Write the dict as JSON with one key order, so that equal facts give equal bytes."""
    text = json.dumps(tree.ordered(tree.finite(report)), indent=1, ensure_ascii=False)
    return NUMBERS.sub(lambda found: "[" + " ".join(found[1].split()) + "]", text) + "\n"
