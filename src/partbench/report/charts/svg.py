"""A Vega-Lite specification as a small inline SVG with an accessible name."""

import re
from html import escape

SURPLUS = (
    re.compile(
        r' (?:xmlns(?:\:xlink)?|version|class|role|aria-hidden|aria-roledescription)="[^"]*"'
    ),
    re.compile(r' (?:font-family|pointer-events|stroke-miterlimit|text-anchor="start)="[^"]*"'),
    re.compile(r'<path d="M0,0h0v0h0Z"></path>|<path d="M0,0h0v0h0Z"/>'),
)
LONG = re.compile(r"(\d+\.\d)\d+")
SHAPE = re.compile(r'(?<= d=")[^"]*|(?<= transform=")[^"]*')


def svg(specification: dict, label: str, name: str) -> str:
    """Draw the figure; `label` is read to those who cannot see it, `name` keeps its ids apart."""
    import vl_convert

    text = vl_convert.vegalite_to_svg(specification)
    box = text.split('viewBox="', 1)[1].split('"', 1)[0]
    width = float(box.split()[2])
    body = text[text.index(">") + 1 :]
    for surplus in SURPLUS:
        body = surplus.sub("", body)
    body = body.replace(' aria-label="', ' data-tip="')
    body = SHAPE.sub(lambda found: LONG.sub(r"\1", found[0]), body)
    body = renamed(body, name)
    size = f'viewBox="{box}" style="max-width:{width * 1.25:.0f}px"'
    return f'<svg {size} role="img" aria-label="{escape(label, quote=True)}">{body}'


def renamed(body: str, name: str) -> str:
    """Number the clip paths anew: two figures on one page must not share an id."""
    for place, old in enumerate(dict.fromkeys(re.findall(r' id="([^"]+)"', body))):
        body = body.replace(f'id="{old}"', f'id="{name}-{place}"')
        body = body.replace(f"url(#{old})", f"url(#{name}-{place})")
    return body
