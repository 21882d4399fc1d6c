"""Where the numbers of a report come from: configuration, versions, machine, text, runs."""

from collections.abc import Iterator

from partbench.report import quantities
from partbench.report.tables import Table

VERSIONS = ("partbench", "torch", "python")


def configuration(report: dict) -> list[str]:
    """The whole base configuration, one `path = value` a line."""
    return list(flattened((report.get("base") or {}).get("config") or {}))


def flattened(tree: dict, above: str = "") -> Iterator[str]:
    """Walk a nested configuration and give its leaves."""
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from flattened(value, f"{above}{key}.")
        else:
            yield f"{above}{key} = {quantities.setting(value)}"


def provenance(report: dict) -> Table:
    """Where the numbers come from: versions, machine, numerics, corpus, study."""
    source = report.get("provenance") or {}
    machine, corpus = source.get("machine") or {}, source.get("corpus") or {}
    numerics = source.get("numerics") or {}
    totals, slope = report.get("totals") or {}, report.get("slope")
    digits, design = quantities.decimals(report), report.get("design") or {}
    known = design.get("levels") or []
    shown = known if len(known) <= 6 else known[-1:]
    levels = ", ".join(f"{level:.4g}" for level in shown)
    levels += " at the last" if len(shown) < len(known) else ""
    rows = [
        ("study", f"{report.get('name')} ({report.get('study_id')})"),
        ("declared", quantities.moment(report.get("declared_at"))),
        ("finished", quantities.moment(report.get("finished_at"))),
        ("design", f"{design.get('name') or quantities.MISSING}, error allowed per look: {levels}"),
        ("error allowed in all", quantities.setting(report.get("alpha"))),
        ("runs", f"{totals.get('cells', 0):,}, of which {totals.get('cells_reused', 0):,} reused"),
        ("tokens trained on", quantities.short_count(totals.get("tokens"))),
        ("computing time", f"{quantities.duration(totals.get('core_seconds'))} on one core"),
        ("versions", " · ".join(f"{k} {source[k]}" for k in VERSIONS if source.get(k))),
        ("platform", source.get("platform") or quantities.MISSING),
        ("machine", machine_text(machine)),
        ("numerics", " · ".join(f"{k} {quantities.setting(v)}" for k, v in numerics.items())),
        (
            "corpus",
            f"{corpus.get('name') or quantities.MISSING}, {quantities.memory(corpus.get('bytes'))}",
        ),
        ("corpus SHA-256", corpus.get("sha256") or quantities.MISSING),
    ]
    if slope:
        value = f"{quantities.score(slope.get('value'), digits)}"
        error = quantities.score(slope.get("standard_error"), digits)
        budgets = " and ".join(map(str, slope.get("budgets") or []))
        note = f"{value} ± {error} {report['unit']} per unit of log compute"
        rows.append(("slope of the base's curve", f"{note}, from budgets {budgets}"))
    return Table("Where this comes from", ("what", "value"), rows)


def machine_text(machine: dict) -> str:
    """Describe a machine in one line."""
    cores = quantities.number_of(machine.get("cores"), "core")
    memory = quantities.memory(machine.get("memory_bytes"))
    return f"{machine.get('processor') or 'unknown processor'} · {cores} · {memory}"


def cells(report: dict) -> Table:
    """Every training run of the study by its address in the ledger."""
    rows = [
        (
            str(cell.get("id")),
            str(cell.get("arm")),
            str(cell.get("seed")),
            str(cell.get("status")),
            quantities.duration(cell.get("seconds")),
            "yes" if cell.get("reused") else "no",
        )
        for cell in (report.get("provenance") or {}).get("cells") or []
    ]
    headings = ("id", "arm", "seed", "status", "time", "reused")
    return Table("Every run", headings, rows, (2, 4))
