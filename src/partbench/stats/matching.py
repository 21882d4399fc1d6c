"""One set of pairs, four questions: equal tokens, parameters, FLOPs, seconds.

Pairs are trained at equal tokens. Whatever else differs between arm and base, by a ratio r (arm
over base), is converted along the base's own curve: had the base been given r times as much, its
loss would be `slope * ln r` lower, so the difference at equal cost is `d + slope * ln r`. It
follows the tangent, so it is for ratios near 1. Delta method, d, slope and ratio taken as
independent: `var = var(d) + (ln r)^2 var(slope) + slope^2 var(ln r)`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from partbench.stats.checks import not_negative, positive
from partbench.stats.paired import Paired, from_moments
from partbench.stats.verdict import Slope, word_of

TOKENS, PARAMETERS, FLOPS, SECONDS = "tokens", "parameters", "flops", "seconds"


@dataclass(frozen=True)
class Converted:
    """The difference at equal cost, in the unit of the score, with the word its interval gives."""

    word: str
    sign: str
    difference: float
    low: float
    high: float
    standard_error: float
    level: float


@dataclass(frozen=True)
class Ratio:
    """ln(arm / base) of what one of them uses more of, and its standard error (0 if counted)."""

    log: float
    error: float = 0.0


@dataclass(frozen=True)
class Matching:
    """The difference at equal tokens, parameters, FLOPs or seconds, or None and the reason."""

    kind: str
    result: Converted | None
    reason: str


def converted(
    difference: Paired,
    log_ratio: float,
    log_ratio_error: float,
    slope: float,
    slope_error: float,
    margin: float,
    level: float = 0.95,
) -> Converted:
    """The equal-token difference d turned into that at equal cost: `d + slope * ln r`.

    r is the arm's cost over the base's, say seconds a step: in the base's time the arm trains on
    1/r of the tokens, which costs it slope * ln r (`verdict.slope_of_curve`). t with n - 1
    freedom. ValueError: a slope below 0 (the base must still learn), an error below 0.
    """
    if not math.isfinite(log_ratio):
        raise ValueError(f"log_ratio is {log_ratio}: give ln(seconds a step, arm over base)")
    slope = not_negative(slope, "slope")
    shift = difference.mean + slope * log_ratio
    error = math.sqrt(
        difference.standard_error**2
        + (log_ratio * not_negative(slope_error, "slope_error")) ** 2
        + (slope * not_negative(log_ratio_error, "log_ratio_error")) ** 2
    )
    interval = from_moments(shift, error, 1, difference.freedom, level)
    word, sign = word_of(interval.low, interval.high, positive(margin, "margin"))
    return Converted(word, sign, shift, interval.low, interval.high, error, level)


def four_matchings(
    difference: Paired,
    ratios: Mapping[str, Ratio | None],
    slope: Slope | None,
    parameter_slope: Slope | None,
    margin: float,
    level: float = 0.95,
) -> dict[str, Matching]:
    """The four matchings from one set of pairs, by kind; each has a number or a reason.

    `ratios` holds those of "parameters", "flops" and "seconds" a token. FLOPs and seconds are
    converted by `slope`, the base's `-dL / d ln(tokens)` at its own budget (from `slope_of_curve`
    or `Law.slope`); parameters by `parameter_slope`, its `-dL / d ln(parameters)` at equal
    tokens: `slope_of_curve` of the base at two sizes and the same tokens. A ladder whose tokens
    grow with its sizes does not give that one. A ratio of exactly 1 needs no slope.
    """
    answers = {TOKENS: Matching(TOKENS, converted(difference, 0, 0, 0, 0, margin, level), "")}
    for kind in (PARAMETERS, FLOPS, SECONDS):
        ratio = ratios.get(kind)
        used = parameter_slope if kind == PARAMETERS else slope
        reason = _missing(kind, ratio, used)
        result = None
        if not reason and ratio is not None:
            # A ratio of exactly 1 converts nothing, whatever the slope.
            wanted = used if ratio.log or ratio.error else None
            rate, error = (wanted.slope, wanted.standard_error) if wanted else (0.0, 0.0)
            result = converted(difference, ratio.log, ratio.error, rate, error, margin, level)
        answers[kind] = Matching(kind, result, reason)
    return answers


def _missing(kind: str, ratio: Ratio | None, slope: Slope | None) -> str:
    """Why this matching has no number; "" if it has one."""
    if ratio is None:
        return f"the ratio of {kind} is not known"
    if ratio.log == 0 and ratio.error == 0:
        return ""
    if slope is None:
        what = "at two sizes and equal tokens" if kind == PARAMETERS else "at two budgets"
        return f"arm and base differ in {kind}, and the base was not trained {what}"
    if not slope.slope >= 0:
        return f"the base does not improve with more {kind}, so none can be converted"
    return ""
