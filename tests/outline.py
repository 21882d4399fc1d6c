"""What every page must be, read from its HTML: tags closed, headings in order, names for all."""

import re
from html.parser import HTMLParser
from itertools import pairwise

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Outline(HTMLParser):
    """Collects the tags of a page and fails on one that is closed out of order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict]] = []

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def outline(text: str) -> Outline:
    """The tags of a page, all closed in order."""
    found = Outline()
    found.feed(text)
    assert not found.open
    return found


def check_ids(text: str) -> None:
    """No id is there twice, and what refers to one finds it."""
    ids = [attributes["id"] for _, attributes in outline(text).seen if "id" in attributes]
    assert len(ids) == len(set(ids))
    references = re.findall(r"url\(#([^)]+)\)", text) + re.findall(r'labelledby="([^"]+)"', text)
    references += re.findall(r'href="#([^"]*)"', text)
    assert set(references) <= set(ids)


def check_headings(text: str) -> None:
    """One h1, and no level is skipped."""
    levels = [int(tag[1]) for tag, _ in outline(text).seen if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def check_names(text: str) -> None:
    """Drawings, fields, buttons and regions say what they are to those who cannot see them."""
    seen = outline(text).seen
    for tag, attributes in seen:
        if tag == "svg" and attributes.get("aria-hidden") != "true":
            assert attributes["role"] == "img"
            assert len(attributes["aria-label"]) > 20
        if tag in ("nav", "progress") or attributes.get("role") == "region":
            assert attributes.get("aria-label"), (tag, attributes)
        assert tag != "img" or attributes.get("alt")
    fields = re.findall(r"<(?:input|select)\b[^>]*>", text)
    labelled = "".join(re.findall(r"<label>.*?</label>", text, re.DOTALL))
    for field in fields:
        assert 'type="hidden"' in field or "aria-label" in field or field in labelled, field


def contrast(one: str, other: str) -> float:
    """Compare two colours as the web's accessibility rules do."""
    lights = sorted((luminance(one), luminance(other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def luminance(color: str) -> float:
    """How light a colour like #24557f is, from 0 to 1."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
