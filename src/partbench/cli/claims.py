"""`partbench claims`: published statements, their recorded verdicts, and how to run them."""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from partbench.core.errors import ConfigError, DataError, InputError, unknown

app = typer.Typer(rich_markup_mode=None)
Ids = Annotated[list[str], typer.Argument(help="Claims, e.g. A1a.", metavar="ID...")]
Results = Annotated[
    Path | None, typer.Option(help="Folder of committed records (default: results).")
]


@app.callback(invoke_without_command=True)
def claims(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="All of it as JSON on stdout.")] = False,
) -> None:
    """List published claims: status, effect with interval, scale and cost."""
    if context.invoked_subcommand is not None:
        return
    from partbench.claims import page, words
    from partbench.claims.claim import catalogue
    from partbench.claims.recorded import recorded

    told = recorded()
    if as_json:
        typer.echo(json.dumps({id: _whole(id) for id in catalogue()}))
        return
    for id, claim in catalogue().items():
        row = told[id]
        said = [words.standing(claim, row), words.effect(claim, row), words.scale(row),
                words.cost(row)]  # fmt: skip
        known = "; ".join(word for word in said if word and word != "–")
        typer.echo(f"{id:4} {claim.sentence}\n     {known}")
    typer.echo(page.top(), err=True)


@app.command()
def show(
    id: Annotated[str, typer.Argument(help="A claim, e.g. A1a.", metavar="ID")],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON on stdout.")] = False,
) -> None:
    """Show one claim whole: source, tests, controls, record, commands for one GPU and many."""
    from partbench.claims.claim import find
    from partbench.claims.details import details

    claim = find(id)
    if as_json:
        typer.echo(json.dumps(_whole(claim.id)))
        return
    typer.echo(details(claim, _whole(claim.id)["recorded"]), nl=False)


@app.command()
def run(
    ids: Ids,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say cells, hours and missing data.")
    ] = False,
    for_: Annotated[
        str | None, typer.Option("--for", help="Stop after this time, e.g. 100m; goes on later.")
    ] = None,
    keep: Annotated[
        Path, typer.Option(help="Folder for the records; `results` in a clone replaces ours.")
    ] = Path("runs/claims"),
    only: Annotated[
        str | None, typer.Option(help="Only this run of theirs, e.g. near_shallow_start.")
    ] = None,
    engine: Annotated[
        str, typer.Option("--engine", help="Where cells run: local, ray or slurm.", metavar="PLACE")
    ] = "local",
) -> None:
    """Reproduce claims: run what they need, keep every cell, hold the verdict against ours.

    Exit codes: 0 done, 1 a run failed, 2 bad input, 3 time is up (--for), 130 Ctrl-C.
    """
    from partbench.claims import running, scorecard
    from partbench.claims.claim import find
    from partbench.cli import options

    cards = [scorecard.as_claim() for id in ids if id == scorecard.NAME]
    chosen = [find(id) for id in ids if id != scorecard.NAME]
    seconds = options.seconds_of(for_)
    limit = None if seconds is None else time.monotonic() + seconds
    runs = {each.name: (claim, each) for claim in [*chosen, *cards] for each in claim.run}
    if only is not None:
        if only not in runs:
            raise unknown("run", only, "--only", runs)
        runs = {only: runs[only]}
    if dry_run:
        _forecast(runs)
        return
    for name, (claim, each) in runs.items():
        if absent := running.missing(claim):
            raise InputError(f"{claim.id} reads {', '.join(absent)}: put it here; see docs/data.md")
        left = None if limit is None else limit - time.monotonic()
        if left is not None and left <= 0:
            raise typer.Exit(running.UNDER_WAY)
        typer.echo(f"{claim.id}: {name}", err=True)
        _one(each, Path("runs") / name, keep / name, left, engine)
    for claim in chosen:
        _held_against_ours(claim, keep)


@app.command()
def verify(
    ids: Annotated[list[str] | None, typer.Argument(help="Claims; all if none.")] = None,
    results: Results = None,
) -> None:
    """Make every recorded verdict anew from the committed records. Exit codes: 0 same, 1 not."""
    from partbench.claims import rebuild, recorded
    from partbench.claims.claim import catalogue, find
    from partbench.claims.places import results_folder

    folder, wrong, known = results_folder(results), 0, 0
    for claim in [find(id) for id in ids] if ids else catalogue().values():
        told, now = recorded.recorded()[claim.id], recorded.derived(claim, folder)
        lines = recorded.damage(claim, folder)
        lines += [
            f"{key}: {told[key]!r} is recorded, {now[key]!r} made anew"
            for key in now
            if not rebuild.same(told[key], now[key])
        ]
        wrong += bool(lines)
        known += told["recorded"]
        if lines:
            typer.echo("\n".join(f"{claim.id}: {line}" for line in lines))
        elif told["recorded"]:
            typer.echo(f"{claim.id}: the same: {now['status']}")
    if not ids:
        typer.echo(f"{known} records made anew, {wrong or 'none'} of them not the same", err=True)
    raise typer.Exit(1 if wrong else 0)


@app.command("keep")
def keep_(
    folder: Annotated[Path, typer.Argument(help="A study's folder, e.g. runs/near_shallow_start.")],
    results: Results = None,
) -> None:
    """Commit a study that ran by itself: its report and, from the ledger, every cell behind it."""
    from partbench.claims import keep
    from partbench.claims.places import results_folder
    from partbench.study.ledger import Ledger

    target = results_folder(results) / folder.name
    typer.echo(f"kept {keep.study(folder, target, Ledger())} cells in {target}")


@app.command("scorecard")
def scorecard_(
    results: Results = None,
    declare: Annotated[
        bool, typer.Option("--declare", help="Hash swaps and studies anew, before any call.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON on stdout.")] = False,
) -> None:
    """Show how often a laptop's call of a swap was the outcome published at scale."""
    from partbench.claims import scorecard
    from partbench.claims.places import results_folder
    from partbench.claims.scorecard.table import page

    folder = results_folder(results)
    if declare:
        scorecard.declare(folder)
    preset, rates = scorecard.chosen(folder)
    if not as_json:
        typer.echo(page(folder), nl=False)
        return
    judged = preset and scorecard.calls(folder, scorecard.JUDGE, preset)
    said = {name: found._asdict() for name, found in rates.items()}
    whole = judged and scorecard.rate(judged, scorecard.JUDGE)._asdict()
    told = {"declared": scorecard.declared(), "chosen": preset, "rates": said, "judged": whole}
    typer.echo(json.dumps(told | {"swaps": scorecard.swaps()}))


@app.command()
def record(
    results: Results = None,
    pages: Annotated[
        bool, typer.Option("--pages", help="Also write the pages of docs/ and README's lines.")
    ] = False,
) -> None:
    """Write down what the committed records say, for the list and the pages. In a clone."""
    from partbench.claims import page, recorded
    from partbench.claims.claim import catalogue
    from partbench.claims.places import results_folder
    from partbench.core.files import write_json, write_whole

    folder = results_folder(results)
    made = {id: recorded.derived(claim, folder) for id, claim in catalogue().items()}
    write_json(recorded.FILE, made)
    recorded.recorded.cache_clear()
    if pages:
        clone = folder.parent
        whole = clone / "README.md"
        made_pages = page.pages(folder)
        made_pages["README.md"] = page.readme(whole.read_text(encoding="utf-8"), folder)
        for name, text in made_pages.items():
            write_whole(clone / name, text)
    typer.echo(page.top())


def _held_against_ours(claim: Any, keep: Path) -> None:
    """The verdict of the records under `keep`, and whether the recorded one is the same."""
    from partbench.claims import recorded, words

    now, before = recorded.derived(claim, keep), recorded.recorded()[claim.id]
    typer.echo(f"{claim.id} {words.standing(claim, now)}: {words.effect(claim, now)}")
    if now["missing"]:
        typer.echo(f"     not all of it has run: {', '.join(now['missing'])}")
    elif before["recorded"] and not before["missing"]:
        same = "agrees with" if before["tested"] == now["tested"] else "differs from"
        effect = words.effect(claim, before)
        typer.echo(f"     {same} the record: {before['tested']}: {effect}")


def _one(each: Any, folder: Path, target: Path, left: float | None, engine: str) -> None:
    """One run to its record."""
    from partbench.claims import keep, running
    from partbench.claims.places import study_file
    from partbench.cli.compare import compare
    from partbench.study.ledger import Ledger

    if each.kept:
        typer.echo(f"{each.kept} is made elsewhere: {each.command}", err=True)
        return
    if each.command:
        if not running.command(each, folder, target, left):
            raise typer.Exit(running.UNDER_WAY)
        return
    time_left = None if left is None else f"{max(1, round(left))}s"
    compare(study=study_file(each.study), out=folder, for_=time_left, engine=engine)
    count = keep.study(folder, target, Ledger())
    typer.echo(f"kept {count} cells in {target}", err=True)


def _forecast(runs: dict[str, Any]) -> None:
    """Cells and core-hours of every run, a line each, the shortest first."""
    from partbench.claims import running
    from partbench.claims.places import study_file
    from partbench.cli import machine, options
    from partbench.study import forecast
    from partbench.study.ledger import Ledger

    rows = []
    for name, (claim, each) in runs.items():
        if absent := running.missing(claim):
            rows.append((0.0, f"{claim.id:4} {name}: needs {', '.join(absent)}"))
        elif each.command:
            rows.append((each.hours, f"{claim.id:4} {name}: {each.hours:g} core-hours, a command"))
        else:
            chosen = machine.Chooser(typer.echo, Path("runs") / name)
            try:
                study = options.study_of(study_file(each.study), None, "quick", None, chosen)
            except (ConfigError, DataError) as error:
                raise type(error)(f"{claim.id}: {error}") from None
            found = forecast.forecast(study, Ledger(), chosen.slots)
            rows.append((
                found.core_hours_last,
                f"{claim.id:4} {name}: {found.cells_first} to {found.cells_last} cells, "
                f"{found.known} known; {found.core_hours_first:.2f} to "
                f"{found.core_hours_last:.2f} core-hours",
            ))  # fmt: skip
    typer.echo("\n".join(line for _, line in sorted(rows)))
    typer.echo(f"{sum(hours for hours, _ in rows):.2f} core-hours at most")


def _whole(id: str) -> dict[str, Any]:
    import dataclasses

    from partbench.claims.claim import find
    from partbench.claims.recorded import recorded

    return {"claim": dataclasses.asdict(find(id)), "recorded": recorded()[find(id).id]}
