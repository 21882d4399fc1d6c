"""What a study may say of each of its arms at a planned look.

What is promised, for m arms under any dependence (they share the base):
1. The chance that any arm without effect is ever called better, worse or slightly either is at
   most alpha. Each arm starts with the share alpha / m. An arm whose interval excludes 0 has used
   its share up rightly and hands it on, so that the others go on with alpha / (m - rejected):
   Holm's procedure on a group-sequential design, as in Maurer & Bretz 2013 (Statistics in
   Biopharmaceutical Research 5, 311). It is valid because a closed test stands behind it: every
   subset of j arms is tested by Bonferroni at alpha / j, and in all our designs the level of each
   look only rises with alpha. Larger shares count from the look at which they are handed on;
   earlier looks are not read again.
2. The chance that any arm beyond the margin is ever called equivalent is at most alpha. So
   "equivalent" is only said at the first share, alpha / m, where all intervals of all looks and
   arms hold together with 1 - alpha: a handed-on share serves better and worse alone. An
   equivalent arm whose interval holds 0 has rejected nothing and hands nothing on.
With one arm, or before any share is handed on, promise 1 and 2 hold together with 1 - alpha.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from numpy.typing import ArrayLike

from partbench.stats.checks import Numbers, one_row
from partbench.stats.sequential import Design
from partbench.stats.verdict import BETTER, INCONCLUSIVE, WORSE, Verdict, judge


@dataclass(frozen=True)
class Standing:
    """Where an arm stands: its verdict, the look it rests on (0 is the first), its share of alpha.

    The verdict's interval has the confidence of that share at that look, and the word is the one
    `verdict.word_of` reads off it. A finished arm needs no more runs.
    """

    verdict: Verdict
    finished: bool
    look: int
    alpha: float


def look(
    design: Design,
    number: int,
    results: Mapping[str, ArrayLike],
    margin: float,
    alpha: float | None = None,
    ended: Mapping[str, int] | None = None,
) -> dict[str, Standing]:
    """Every arm's standing at look `number` (0 is the first), from its differences so far.

    `results` holds all arms of the study, those that stopped earlier too, in the form of
    `divergence.signed_differences`; an arm that stopped may be shorter than the look. Earlier
    looks are replayed from the same data, so nothing is to be remembered between calls. `alpha`
    is the family's false-alarm rate, the design's own unless given. `ended`: arm -> the look after
    which it was given up undecided; its share of alpha is not given to others.
    ValueError: a look the design has not, no arms, an unfinished arm with too few pairs.
    """
    if not 0 <= number < len(design.looks):
        raise ValueError(f"look {number} is not planned: choose 0 to {len(design.looks) - 1}")
    if not results:
        raise ValueError("results holds no arms: give the differences of at least one")
    alpha = design.alpha if alpha is None else alpha
    rows = {arm: one_row(values, f"results[{arm!r}]", least=2) for arm, values in results.items()}
    standings: dict[str, Standing] = {}
    for place in range(number + 1):
        active = [arm for arm in rows if arm not in standings or not standings[arm].finished]
        data = {arm: _first(rows[arm], design.looks[place], arm) for arm in active}
        _judge_all(design, place, data, margin, alpha, len(rows), standings)
        for arm in active:
            if (ended or {}).get(arm) == place:
                standings[arm] = replace(standings[arm], finished=True)
    return standings


def _judge_all(
    design: Design,
    place: int,
    data: Mapping[str, Numbers],
    margin: float,
    alpha: float,
    arms: int,
    standings: dict[str, Standing],
) -> None:
    """Judge the active arms at the first share, then at what is handed on until that ends."""
    last = place == len(design.looks) - 1

    def judged(arm: str, share: float) -> Verdict:
        return judge(data[arm], margin, design.at(share).confidence(place))

    for arm in data:
        verdict = judged(arm, alpha / arms)
        decided = verdict.word != INCONCLUSIVE
        standings[arm] = Standing(verdict, decided or last, place, alpha / arms)

    while True:
        rejected = sum(standing.verdict.excludes_zero for standing in standings.values())
        open_arms = [arm for arm in data if standings[arm].verdict.word == INCONCLUSIVE]
        if not rejected or not open_arms:
            return
        share = alpha / (arms - rejected)
        verdicts = {arm: judged(arm, share) for arm in open_arms}
        found = {arm: v for arm, v in verdicts.items() if v.word in (BETTER, WORSE)}
        if not found:
            return
        for arm, verdict in found.items():
            standings[arm] = Standing(verdict, True, place, share)


def _first(row: Numbers, pairs: int, arm: str) -> Numbers:
    if len(row) < pairs:
        raise ValueError(f"arm {arm!r} has {len(row)} of the {pairs} pairs this look needs")
    return row[:pairs]
