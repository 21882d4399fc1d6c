"""The page of `partbench check transfer`: what passed, both figures of each axis, the numbers."""

import math
from html import escape
from typing import Any

from partbench.report.charts import transfer as charts
from partbench.report.charts.svg import svg
from partbench.report.page import TEMPLATES, typeset


def lines(found: dict[str, Any]) -> list[str]:
    """The check as it is said in a terminal."""
    said = [f"dims.transfer = {found['rule']}, optimizer = {found['optimizer']}"]
    for row in found["checks"]:
        word = ("pass" if row["passed"] else "FAIL") if row["promised"] else "(no promise)"
        unit = "a doubling" if row["check"] == "movement" else "doublings apart"
        named = f"{row['check']} over {row['axis']}"
        note = f"  {row['note']}" if row["note"] else ""
        said.append(
            f"  {named:22} {row['value']:+.2f} {unit:15} limit {row['limit']:g}  {word}{note}"
        )
    said.append("passed" if found["passed"] else "failed")
    return said


def html(found: dict[str, Any]) -> str:
    """One page that needs nothing but itself."""
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    word = "passes" if found["passed"] else "fails"
    title = f"{found['rule']} {word}"
    body = [f"<h1>Does one learning rate serve every size? {escape(found['optimizer'])}</h1>"]
    body.append(f'<p class="headline">dims.transfer = {escape(title)}</p>')
    body.append(f"<pre>{escape(typeset(chr(10).join(lines(found))))}</pre>")
    for axis, rows in found["movement"].items():
        label = f"movement of the stream against {axis}"
        body.append(_figure(charts.movement(rows, axis), label, f"moved-{axis}"))
    for axis, rows in found["sweep"].items():
        drawn = charts.sweep(rows, axis, found["unit"])
        if drawn is not None:
            label = f"{found['unit']} against learning rate, a line each {axis}"
            body.append(_figure(drawn, label, f"swept-{axis}"))
    for axis, rows in found["movement"].items():
        body.append(_table(rows, axis))
    for axis, rows in found["sweep"].items():
        body.append(_table(rows, axis))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{style}</style></head>"
        f"<body><main>{''.join(body)}</main></body></html>\n"
    )


def _figure(drawn: dict, label: str, name: str) -> str:
    return f"<figure><h3>{escape(label)}</h3>{svg(drawn, label, name)}</figure>"


def _table(rows: list[dict], axis: str) -> str:
    names = [name for name in rows[0] if name != "size"]
    head = "".join(f'<th class="number">{escape(name)}</th>' for name in [axis, *names])
    body = "".join(
        "<tr>"
        + "".join(f'<td class="number">{_number(row[name])}</td>' for name in ["size", *names])
        + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _number(value: float | None) -> str:
    return "diverged" if value is None or not math.isfinite(value) else f"{value:.4g}"
