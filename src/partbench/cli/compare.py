"""`partbench compare`: the one command. Train arms in pairs, test the difference, report it."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from partbench.cli import options
from partbench.cli.options import Base, Careful, Looks, Margin, Sets, StudyFile, Swaps, Tuned

EXIT_CODES = {"better": 0, "worse": 10, "equivalent": 11, "inconclusive": 12}
FAILED, UNDER_WAY, INTERRUPTED = 1, 3, 130


def compare(
    study: StudyFile = None,
    swap: Swaps = None,
    base: Base = "quick",
    set_: Sets = None,
    margin: Margin = None,
    careful: Careful = False,
    looks: Looks = None,
    tune: Tuned = False,
    engine: options.EngineName = "local",
    ranks: options.RankCount = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of this study (default: runs/<name>).")
    ] = None,
    for_: Annotated[
        str | None, typer.Option("--for", help="Stop after this time, e.g. 100m; goes on later.")
    ] = None,
    exit_code: Annotated[
        bool,
        typer.Option(
            "--exit-code",
            help="better 0, worse 10, equivalent 11, inconclusive 12 (several arms: the highest).",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The report as JSON on stdout.")] = False,
) -> None:
    """Compare arms with a base in seed pairs and write a verdict, a page and its data.

    The study stops by itself at the first planned look that decides every arm. Ctrl-C is safe:
    the same command goes on. Exit codes: 0 complete, 1 an arm failed, 2 bad input, 3 time is up
    (--for), 130 Ctrl-C.
    """
    from partbench.cli import machine
    from partbench.cli.live import Live
    from partbench.core.numerics import Numerics
    from partbench.engines.choose import chosen as engine_of
    from partbench.report import terminal
    from partbench.report.write import data, write
    from partbench.study.ledger import Ledger
    from partbench.study.run import Driver, Interrupted

    seconds = options.seconds_of(for_)
    engine_of(engine, 1, Numerics())  # a place that is not there is said before all else
    chosen = machine.Chooser(Live.say, out)
    question = options.study_of(
        study, swap, base, set_, options.ranked(chosen, ranks),
        margin=margin, careful=careful, looks=looks, tune=tune,
    )  # fmt: skip
    options.check_ranks(question)
    folder = chosen.place(question)
    ledger = Ledger()
    live = Live(question, chosen.slots)
    start = engine_of(engine, chosen.slots, question.numerics)
    driver = Driver(
        question, folder, ledger, start, live, seconds,
        options.command_of(study, swap, base, set_, margin, careful, looks, tune, ranks),
    )  # fmt: skip
    try:
        with live:
            report = driver.run(write)
    except Interrupted:
        for repair in ledger.repairs:
            Live.say(repair)
        page = folder / "report.html"
        so_far = f" So far: {page}" if page.exists() else ""
        Live.say(f"stopped, nothing is lost: the same command goes on.{so_far}")
        raise typer.Exit(INTERRUPTED if driver.stopped else UNDER_WAY) from None
    for repair in ledger.repairs:
        Live.say(repair)
    if as_json:
        sys.stdout.write(data(report))
    else:
        terminal.show(report, page=folder / "report.html")
    rows = [pair for arm in report["arms"] for pair in arm["pairs"]]
    if any(row["status"] == "failed" for row in rows):
        raise typer.Exit(FAILED)
    if exit_code:
        words = [arm["verdict"]["word"] or "inconclusive" for arm in report["arms"]]
        raise typer.Exit(max(EXIT_CODES[word] for word in words))
