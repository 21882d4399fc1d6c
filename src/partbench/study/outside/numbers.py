"""Numbers in what a program printed: where they are, and whether a capture holds the whole one."""

import re

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
NOT_FINITE = r"[-+]?(?i:nan|inf(?:inity)?)\b"
WHOLE = re.compile(rf"(?<![\w.]){NUMBER}")
NAMED = re.compile(rf"([A-Za-z_][\w./-]*)[\"']?\s*[=: ]\s*({NUMBER}|{NOT_FINITE})")
COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def plain(output: str) -> str:
    """What was printed, without colours; a progress bar's rewrites are lines of their own."""
    return COLOUR.sub("", output).replace("\r\n", "\n").replace("\r", "\n")


def last_line(output: str) -> str:
    """The last line that is not empty, cut to 200 characters."""
    lines = [line.strip() for line in plain(output).splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""


def whole_number(text: str, start: int, end: int) -> str | None:
    """The number of which `text[start:end]` is only a piece; None where it is the whole."""
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", end)
    line = text[line_start : line_end if line_end >= 0 else len(text)]
    caught = text[start:end].rstrip(".,;")
    for found in WHOLE.finditer(line):
        touches = found.start() < end - line_start and found.end() > start - line_start
        if touches and float(found[0]) != float(caught):
            return found[0]
    return None


def named_numbers(output: str, lines: int = 200) -> dict[str, str]:
    """Name -> its last number, over the last lines of an output; the last name comes last."""
    found: dict[str, str] = {}
    for line in plain(output).splitlines()[-lines:]:
        for name, number in NAMED.findall(line):
            found.pop(name, None)
            found[name] = number
    return found


def first_group(pattern: str) -> tuple[int, int] | None:
    """Where the first capturing group of a regular expression stands in its source."""
    depth, start, place, inside = 0, None, 0, False
    opened: list[bool] = []
    while place < len(pattern):
        letter = pattern[place]
        if letter == "\\":
            place += 2
            continue
        if inside:
            inside = letter != "]" or pattern[place - 1] in "[^"
        elif letter == "[":
            inside = True
        elif letter == "(":
            rest = pattern[place + 1 :]
            catches = not rest.startswith("?") or rest.startswith("?P<")
            if catches and start is None:
                start, depth = place, len(opened)
            opened.append(catches)
        elif letter == ")" and opened:
            opened.pop()
            if start is not None and len(opened) == depth:
                return start, place + 1
        place += 1
    return None
