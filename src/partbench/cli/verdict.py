"""`partbench verdict`: any trainer, as commands with a place for the seed, to a verdict."""

import shlex
import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from partbench.cli.ending import (
    FAILED,
    INTERRUPTED,
    UNDER_WAY,
    AsJson,
    ExitCode,
    Markdown,
    again,
    leave,
    show,
)
from partbench.cli.options import Careful, Looks, seconds_of
from partbench.cli.track import Track, Tracking

OWN_FILES = ("report.*", "study.json", "again.json", ".lock")
"""What a study puts into its folder."""


def verdict(
    commands: Annotated[
        list[str],
        typer.Argument(
            help="Commands with {seed}: the base first, then its arms. "
            "{out} is a fresh folder for each run.",
            metavar="COMMAND COMMAND...",
        ),
    ],
    metric: Annotated[
        str | None,
        typer.Option(help="The number in the output: its name, or a regex with a group; last one."),
    ] = None,
    metric_json: Annotated[
        str | None,
        typer.Option(help="FILE:key.path of a JSON file, or key.path in the last line of JSON."),
    ] = None,
    metric_csv: Annotated[
        str | None, typer.Option(help="FILE:column of a CSV file, its last row; or :min, :max.")
    ] = None,
    margin: Annotated[
        str | None,
        typer.Option(help="Smallest difference that matters, in the metric's unit. Needed."),
    ] = None,
    higher: Annotated[
        bool, typer.Option("--higher/--lower-is-better", help="Which way the metric is better.")
    ] = False,
    name: Annotated[
        list[str] | None,
        typer.Option(help="Name of an arm, in order; repeatable. Default: the words that differ."),
    ] = None,
    at_once: Annotated[int, typer.Option(min=1, help="Commands side by side.")] = 1,
    careful: Careful = False,
    looks: Looks = None,
    first_seed: Annotated[int, typer.Option(min=0, help="The first pair's seed.")] = 1,
    watch: Annotated[
        list[str] | None,
        typer.Option(help="A file or folder that decides the runs too (data); repeatable."),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(help="Files that the runs write themselves, if git tracks them; repeatable."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of this study (default: runs/<name>).")
    ] = None,
    for_: Annotated[
        str | None, typer.Option("--for", help="Stop after this time, e.g. 100m; goes on later.")
    ] = None,
    exit_code: ExitCode = False,
    as_json: AsJson = False,
    markdown: Markdown = None,
    track: Track = None,
) -> None:
    """Run your own training commands in seed pairs and say which is better.

    Same looks, same verdict as `compare`. No run is ever repeated, Ctrl-C is safe: the same
    command goes on. Exit codes: 0 complete, 1 an arm failed, 2 bad input, 3 time is up (--for),
    130 Ctrl-C.
    """
    from partbench.cli.runs_live import RunsLive
    from partbench.core.errors import ConfigError
    from partbench.report.write import write
    from partbench.study.outside import command, question, source
    from partbench.study.outside import metric as metrics
    from partbench.study.outside.driver import Driver
    from partbench.study.outside.runs import Run, Runs
    from partbench.study.outside.tracked import told
    from partbench.study.run import Interrupted

    if len(commands) < 2:
        raise ConfigError("give two commands or more: the base first, then what to hold against it")
    parsed = [command.parse(text) for text in commands]
    names = command.arm_names(parsed, name or [])
    found = metrics.parse(metric, metric_json, metric_csv)
    # What runs and studies write themselves is no code of theirs, should git track it.
    own_files = [f"{out or 'runs/*'}/{file}" for file in OWN_FILES]
    own_files += [command.anywhere(found.file)] if found.file else []
    asked = question.Question(
        commands=tuple(parsed),
        names=("base", *names),
        metric=found,
        margin=question.margin_of(margin, found.name),
        higher=higher,
        looks=question.looks_of(looks, careful),
        careful=careful,
        first_seed=first_seed,
        source=source.look(parsed, watch or [], [*(ignore or []), *own_files]),
    )
    question.check_files(asked, at_once)
    seconds = seconds_of(for_)
    folder = out or Path("runs") / asked.name
    tracking, runs = Tracking(track, RunsLive.say), Runs()

    def follow(run: Run, arm: str) -> None:
        tracking.tell(told(run, asked, arm, runs.folder(run)), folder)

    live = RunsLive(asked, at_once, follow)
    words = again(sys.argv[1:])
    driver = Driver(asked, folder, runs, at_once, live, seconds, words, shlex.split(words)[1:])
    try:
        with closing(tracking), live:
            report = driver.run(write)
    except Interrupted:
        page = folder / "report.html"
        so_far = f" So far: {page}" if page.exists() else ""
        RunsLive.say(f"stopped, nothing that ended is lost: the same command goes on.{so_far}")
        raise typer.Exit(INTERRUPTED if driver.stopped else UNDER_WAY) from None
    finally:
        for repair in runs.repairs:
            RunsLive.say(repair)
    show(report, folder / "report.html", as_json, markdown)
    if any(pair["status"] == "failed" for arm in report["arms"] for pair in arm["pairs"]):
        raise typer.Exit(FAILED)
    leave(report, exit_code)
