"""The files of this clone, and the documents among them."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "partbench"
UNSEEN = {".git", ".venv", "__pycache__", "runs", "site", "dist"}


@cache
def files() -> tuple[str, ...]:
    """Every file that git tracks or would track; without git, every file that is not made."""
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        names = listed.stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        paths = (path.relative_to(ROOT) for path in ROOT.rglob("*"))
        names = [str(p) for p in paths if not UNSEEN & set(p.parts)]
    return tuple(sorted(name for name in set(names) if (ROOT / name).is_file()))


def python_files(*folders: str) -> list[str]:
    """The Python files below these folders."""
    return [n for n in files() if n.endswith(".py") and n.startswith(tuple(folders))]


def documents() -> list[str]:
    """README, CONTRIBUTING, AGENTS and all of `docs/`."""
    pages = [name for name in files() if name.startswith("docs/") and name.endswith(".md")]
    return ["README.md", "CONTRIBUTING.md", "AGENTS.md", *pages]


def text(name: str) -> str:
    """What is in a file."""
    return (ROOT / name).read_text(encoding="utf-8")
