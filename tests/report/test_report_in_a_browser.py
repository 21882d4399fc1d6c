"""A report fits every screen, light and dark: nothing lies on anything, nothing is cut off."""

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.chromium import CONTRAST, Tab, executable, opened
from tests.structure.tree import ROOT

from partbench.report import page

from .made_up_inside import looked_into
from .made_up_ladder import laddered

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(executable() is None, reason="no Chromium on this machine"),
    pytest.mark.skipif(
        importlib.util.find_spec("websocket") is None, reason="websocket-client is not installed"
    ),
]
PAPER = 718
"""Pixels of a sheet of A4 within a centimetre of margin."""
TEXTS = """
[...document.querySelectorAll("svg")].filter((s) => s.getClientRects().length).flatMap((s) => {
  const all = s.getBoundingClientRect();
  const name = s.getAttribute("aria-label").slice(0, 60);
  const boxes = [...s.querySelectorAll("text")]
    .filter((t) => t.textContent.trim() && !t.getAttribute("stroke"))
    .map((t) => [t.textContent, t.getBoundingClientRect()]);
  const over = boxes.flatMap(([a, p], i) => boxes.slice(i + 1)
    .filter(([b, q]) => p.x + 1 < q.right && q.x + 1 < p.right
      && p.y + 2 < q.bottom && q.y + 2 < p.bottom)
    .map(([b]) => `${name}: ${a} lies on ${b}`));
  const cut = boxes.filter(([, p]) => p.x < all.x - 1 || p.right > all.right + 1)
    .map(([a]) => `${name}: ${a} is cut off`);
  return [...over, ...cut];
})
"""
"""Words of a drawing that lie on others, or reach out of it."""


def reports() -> dict[str, dict]:
    """One of thirteen arms, one of probes, one of sizes."""
    path = ROOT / "results" / "gpt2_to_transformerpp" / "report.json"
    many = json.loads(path.read_text(encoding="utf-8"))
    return {"many": many, "looked_into": looked_into(), "laddered": laddered()}


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """A browser on the folder of the pages."""
    folder = tmp_path_factory.mktemp("reports")
    for name, report in reports().items():
        (folder / f"{name}.html").write_text(page.html(report), encoding="utf-8")
    with opened((folder / "many.html").as_uri()) as found:
        yield found


@pytest.mark.parametrize("name", sorted(reports()))
def test_it_fits_every_screen(tab: Tab, name: str) -> None:
    address = Path(tab.value("location.pathname")).with_name(f"{name}.html").as_uri()
    tab.call("Page.navigate", url=address)
    tab.until(f"location.href === {address!r} && document.readyState === 'complete'")
    for width in (390, 800, 1440):
        for scheme in ("light", "dark"):
            tab.look(width, 900, scheme)
            assert tab.value("document.documentElement.scrollWidth - innerWidth") <= 0, width
            assert min(tab.value(CONTRAST)) >= 4.5, (width, scheme)
        assert tab.value(TEXTS) == [], width
    tab.look(PAPER, 900, "light")
    tab.call("Emulation.setEmulatedMedia", media="print")
    assert tab.value("document.documentElement.scrollWidth - innerWidth") <= 0, "on paper"
    tab.call("Emulation.setEmulatedMedia", media="screen")
