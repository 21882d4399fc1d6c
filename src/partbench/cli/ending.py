"""How a comparison ends: what stands on stdout, and with which exit code."""

import sys
from pathlib import Path
from typing import Annotated

import typer

EXIT_CODES = {"better": 0, "worse": 10, "equivalent": 11, "inconclusive": 12}
FAILED, UNDER_WAY, INTERRUPTED = 1, 3, 130
WITHOUT = {"--json": 0, "--exit-code": 0, "--markdown": 1, "--for": 1}
"""Options that change what is shown and not what is asked, and how many words follow each."""

Markdown = Annotated[
    Path | None,
    typer.Option(
        help="Also write the verdict as Markdown for a pull request; - is stdout.",
        show_default=False,
    ),
]
ExitCode = Annotated[
    bool,
    typer.Option(
        "--exit-code",
        help="better 0, worse 10, equivalent 11, inconclusive 12 (several arms: the highest).",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="The report as JSON on stdout.")]


def show(report: dict, page: Path | None, as_json: bool, markdown: Path | None) -> None:
    """The verdict on stdout: as data, as Markdown for a pull request, or for people."""
    from partbench.core.files import write_whole
    from partbench.report import pull_request, terminal
    from partbench.report.write import data

    text = None if markdown is None else pull_request.pull_request(report)
    if text is not None and str(markdown) != "-":
        write_whole(Path(str(markdown)), text)
        text = None
    if as_json:
        sys.stdout.write(data(report))
    elif text is not None:
        sys.stdout.write(text)
    else:
        terminal.show(report, page=page)


def leave(report: dict, exit_code: bool) -> None:
    """End with the code of the verdict, where that was asked for."""
    if exit_code:
        words = [arm["verdict"]["word"] or "inconclusive" for arm in report["arms"]]
        raise typer.Exit(max(EXIT_CODES[word] for word in words))


def again(words: list[str]) -> str:
    """The command line that asks the same question anew."""
    import shlex

    kept, skip = [], 0
    for word in words:
        name = word.partition("=")[0]
        if skip:
            skip -= 1
        elif name in WITHOUT:
            skip = 0 if "=" in word else WITHOUT[name]
        else:
            kept.append(word)
    return shlex.join(["partbench", *kept])
