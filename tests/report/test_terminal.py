"""The terminal shows a table to people and plain lines to pipes."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from partbench.report import terminal

from .made_up_studies import one_better, several_arms


def shown(report: dict, *, is_terminal: bool, width: int = 120, **options: object) -> str:
    file = io.StringIO()
    console = Console(file=file, force_terminal=is_terminal, width=width, **options)
    terminal.show(report, console, Path("runs/x/report.html"))
    return file.getvalue()


def test_a_pipe_gets_one_line_an_arm_and_the_page(report):
    lines = shown(report, is_terminal=False, width=40).splitlines()
    assert len(lines) == len(report["arms"]) + 1
    assert lines[-1] == "Report: runs/x/report.html"
    assert not any("\x1b" in line or "**" in line for line in lines)


def test_a_terminal_gets_a_table_with_every_arm(report):
    text = shown(report, is_terminal=True, no_color=True)
    assert "verdict" in text
    assert all(arm["name"] in text for arm in report["arms"])


@pytest.mark.parametrize("width", [80, 120])
def test_nothing_is_cut_short(width):
    text = shown(several_arms(), is_terminal=True, width=width, no_color=True)
    assert "…" not in text
    for number in ("-0.067", "[-0.083, -0.051]", "[-0.035, +0.010]", "inconclusive", "+18 %"):
        assert number in text


def test_no_color_is_respected(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[32m" not in shown(one_better(), is_terminal=True)
    assert "[1;32m" not in shown(one_better(), is_terminal=True)


def test_brackets_in_names_are_printed_and_not_obeyed():
    report = one_better()
    report["arms"][0]["name"] = "a=[red]b"
    assert "a=[red]b" in shown(report, is_terminal=True)
    assert "a=[red]b" in shown(report, is_terminal=False)
