"""`partbench compare --from runs.csv`: a verdict on runs that exist already."""

import sys
from pathlib import Path


def compare_existing(
    path: Path,
    *,
    columns: str | None,
    base: str | None,
    margin: str | None,
    higher: bool,
    looks: str | None,
    careful: bool,
    out: Path | None,
    exit_code: bool,
    as_json: bool,
    markdown: Path | None,
) -> None:
    """Read, judge, write the pages, show the verdict."""
    from partbench.cli.ending import again, leave, show
    from partbench.exchange import runs_table
    from partbench.report.write import write
    from partbench.study.outside import existing, question, table_report

    table = runs_table.read(path, runs_table.parse_columns(columns))
    if base == "quick" and base not in table.arms():
        base = None  # nobody gave it: it is the preset that `compare` starts from
    report = table_report.report(
        table,
        path,
        existing.base_of(table, base),
        question.margin_of(margin, table.unit),
        higher=higher,
        looks=question.looks_of(looks, careful) if looks or careful else None,
        careful=careful,
        reproduce=again(sys.argv[1:]),
    )
    page = write(report, out or Path("runs") / report["name"])
    show(report, page, as_json, markdown)
    leave(report, exit_code)
