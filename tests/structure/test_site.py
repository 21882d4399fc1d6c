"""The documentation as a site: built without a warning, every link and anchor leads somewhere."""

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from tests.structure.tree import ROOT, text

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("zensical") is None, reason="zensical is not installed"
    ),
]


class Page(HTMLParser):
    """Ids, links, and the pictures without words."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.mute: list[str] = []
        self.feed(content)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        known = dict(attributes)
        if known.get("id"):
            self.ids.add(str(known["id"]))
        for key in ("href", "src"):
            if known.get(key) and tag in ("a", "img", "link", "script"):
                self.links.append(str(known[key]))
        if tag == "img" and not known.get("alt"):
            self.mute.append(str(known.get("src")))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The site, and what was said while it was built."""
    house = tmp_path_factory.mktemp("house")
    shutil.copytree(ROOT / "docs", house / "docs")
    shutil.copy(ROOT / "mkdocs.yml", house)
    command = [str(Path(sys.executable).with_name("zensical")), "build", "--strict"]
    done = subprocess.run(command, cwd=house, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    return house / "site", done.stdout + done.stderr


@pytest.fixture(scope="module")
def pages(built: tuple[Path, str]) -> dict[Path, Page]:
    """Every page of the site."""
    found = built[0].rglob("*.html")
    return {path.resolve(): Page(path.read_text(encoding="utf-8")) for path in found}


def test_the_site_is_built_without_a_warning(built) -> None:
    assert not re.search(r"warn|error|not found|deprecat", built[1], re.IGNORECASE), built[1]


def test_every_page_is_built_and_has_one_title(built) -> None:
    site = built[0]
    for name in re.findall(r": (\S+)\.md$", text("mkdocs.yml"), re.MULTILINE):
        page = site / name / "index.html" if name != "index" else site / "index.html"
        content = page.read_text(encoding="utf-8")
        assert len(re.findall(r"<h1[ >]", content)) == 1, name


def dead(site: Path, pages: dict[Path, Page]) -> Iterator[str]:
    """Links within the site that lead nowhere, to a page or to a place on one."""
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            if not parts.path:
                target = path
            else:
                start = site if parts.path.startswith("/") else path.parent
                target = (start / unquote(parts.path).lstrip("/")).resolve()
            target = target / "index.html" if target.is_dir() else target
            if not target.exists():
                yield f"{path.relative_to(site)}: {link}"
            elif parts.fragment and target in pages:
                if unquote(parts.fragment) not in pages[target].ids:
                    yield f"{path.relative_to(site)}: {link} (no such place there)"


def test_every_link_leads_somewhere(built, pages) -> None:
    site = built[0].resolve()
    not_ours = {site / "404.html"}
    found = {path: page for path, page in pages.items() if path not in not_ours}
    assert len(found) >= len(re.findall(r"\.md$", text("mkdocs.yml"), re.MULTILINE))
    assert sorted(dead(site, found)) == []


def test_every_picture_says_what_it_shows(pages) -> None:
    assert {str(path): page.mute for path, page in pages.items() if page.mute} == {}


def test_backslashes_of_the_source_are_not_seen(built, pages) -> None:
    """What Markdown does not take for an escape would stand on the page with its backslash."""
    for path in pages:
        content = re.sub(r"<(pre|code|script|style)\b.*?</\1>", "", path.read_text("utf-8"),
                         flags=re.DOTALL)  # fmt: skip
        assert not re.search(r"\\[<>*_\[\]|]", content), path
