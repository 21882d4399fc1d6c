"""Numbers as text: one place decides digits, signs and units, so that every output agrees.

All functions return plain ASCII apart from the dash for a missing value. The page makes the
text typographic afterwards (true minus, unbreakable units); terminals and files keep ASCII.
"""

import json
import math
from datetime import UTC, datetime
from typing import Any, TypeGuard

MISSING = "–"


def known(value: Any) -> TypeGuard[float]:
    """Say whether the value is a finite number."""
    return isinstance(value, int | float) and math.isfinite(value)


def decimals(report: dict) -> int:
    """Choose the decimals of every score of a study: two digits of its narrowest width.

    One number for the whole study keeps columns aligned and arms comparable.
    """
    widths: list[float] = [2 * (report.get("margin") or 0)]
    for arm in report.get("arms") or []:
        verdict = arm.get("verdict") or {}
        for interval in (verdict, verdict.get("seconds") or {}):
            low, high = interval.get("low"), interval.get("high")
            if known(low) and known(high):
                widths.append(high - low)
    widths = [width for width in widths if width > 0]
    if not widths:
        return 3
    return min(max(1 - math.floor(math.log10(min(widths))), 3), 5)


def score(value: float | None, digits: int) -> str:
    """Write a score or a size without forcing a sign: `2.310`."""
    return f"{value:.{digits}f}" if known(value) else MISSING


def signed(value: float | None, digits: int) -> str:
    """Write a difference with its sign: `-0.067`, `+0.012`.

    Only an exact zero is written `0`; one that merely rounds to zero keeps sign and decimals.
    """
    if not known(value):
        return MISSING
    return f"{value:+.{digits}f}" if value else "0"


def interval(low: float | None, high: float | None, digits: int, *, sign: bool = True) -> str:
    """Write an interval: `[-0.093, -0.041]`."""
    if not (known(low) and known(high)):
        return MISSING
    form = signed if sign else score
    return f"[{form(low, digits)}, {form(high, digits)}]"


def change(ratio: float | None) -> str:
    """Write a ratio as a change: 1.04 is `+4 %`, 1.002 is `+0.2 %`, 1 is `+0 %`."""
    if not known(ratio):
        return MISSING
    percent = (ratio - 1) * 100
    digits = 0 if abs(percent) >= 2 or abs(percent) < 0.05 else 1
    text = f"{percent:+.{digits}f}"
    return f"{'+0' if float(text) == 0 else text} %"


def ratio(value: float | None) -> str:
    """Write a ratio: `1.04x`; three decimals where two would hide that it is not one."""
    if not known(value):
        return MISSING
    near_one = 0 < abs(value - 1) < 0.005
    return f"{value:.3f}x" if near_one else f"{times(value)}x"


def ratio_interval(low: float | None, high: float | None) -> str:
    """Write the interval of a ratio: `[1.03, 1.05]`."""
    if not (known(low) and known(high)):
        return ""
    return f"[{times(low)}, {times(high)}]"


def times(value: float) -> str:
    """Write how many times: `1.04`; beyond a hundred either way no more than that it is."""
    if 0 <= value < 0.01:
        return "under 0.01"
    return "over 100" if value > 100 else f"{value:.2f}"


def count(value: float | None) -> str:
    """Write a count in full: `412,352`."""
    return f"{round(value):,}" if known(value) else MISSING


def short_count(value: float | None) -> str:
    """Write a count in three digits: `2.41 million`."""
    if not known(value):
        return MISSING
    for size, name in ((1e12, " trillion"), (1e9, " billion"), (1e6, " million")):
        if abs(value) >= size:
            return f"{three_digits(value / size)}{name}"
    return count(value)


def three_digits(value: float) -> str:
    """Write three significant digits without an exponent."""
    if value == 0:
        return "0"
    digits = max(2 - math.floor(math.log10(abs(value))), 0)
    return f"{value:,.{min(digits, 8)}f}"


def step_time(seconds: float | None) -> str:
    """Write a short time: `41.2 ms`."""
    if not known(seconds):
        return MISSING
    if seconds >= 1:
        return f"{three_digits(seconds)} s"
    return f"{three_digits(seconds * 1e3)} ms"


def run_time(seconds: float | None) -> str:
    """Write how long a run took: `213 ms`, `4.21 s`, `12 min`."""
    short = known(seconds) and seconds < 10
    return step_time(seconds) if short else duration(seconds)


def duration(seconds: float | None) -> str:
    """Write a long time in the unit a person would use: `50 s`, `12 min`, `3.4 h`."""
    if not known(seconds):
        return MISSING
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:,.1f} h"


def memory(size: float | None) -> str:
    """Write a number of bytes: `312 MB`."""
    if not known(size):
        return MISSING
    for scale, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= scale:
            return f"{three_digits(size / scale)} {name}"
    return f"{size:.0f} bytes"


def probability(value: float | None) -> str:
    """Write a p-value: `0.0021`, and `< 0.0001` below that."""
    if not known(value):
        return MISSING
    if value < 0.0001:
        return "< 0.0001"
    return f"{value:.4f}" if value < 0.01 else f"{value:.3f}"


def correlation(value: float | None) -> str:
    """Write a correlation without its leading zero: `.50`, `-.12`."""
    if not known(value):
        return MISSING
    return f"{value:.2f}".replace("0.", ".", 1).replace("-.00", ".00")


def level(value: float | None) -> str:
    """Write a confidence level: `98.3 %`."""
    return f"{value * 100:.3g} %" if known(value) else MISSING


def share(value: float | None) -> str:
    """Write a fraction as a percentage: `31 %`."""
    if not known(value):
        return MISSING
    percent = value * 100
    return f"{percent:.0f} %" if percent >= 10 or percent == 0 else f"{percent:.2g} %"


def number_of(many: int | None, noun: str) -> str:
    """Write a count with its noun: `1 pair`, `4 pairs`."""
    many = many or 0
    return f"{many:,} {noun}" if many == 1 else f"{many:,} {noun}s"


def listed(names: list[str], most: int = 3) -> str:
    """Write names, and of many only the first: `a, b, c and 17 more`."""
    if len(names) <= most + 1:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def setting(value: Any) -> str:
    """Write a configuration value as it would stand in TOML; absent ones as a dash."""
    if value is None:
        return MISSING
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def moment(text: str | None) -> str:
    """Write an ISO time to the minute, in UTC where the zone is known."""
    if not text:
        return MISSING
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return text
    if when.tzinfo is None:
        return f"{when:%Y-%m-%d %H:%M}"
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
