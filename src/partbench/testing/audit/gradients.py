"""Does every parameter get a gradient in the first four steps, in the precision that trains?

Measured: |g| / |g of all| for each parameter at steps 0 to 3, the largest of the four, in float64
and in float32, the smaller of the two. Limit 1e-10, as in the conformance suite: slopes that a
part needs some steps for (a start at the identity) are there by then, rounding noise is at 1e-8 in
float32 and absent in float64, and a map that is saturated (temperature .05 and logits -8: e^-160)
is far below in float64 and exactly zero in float32. Parameters that differ by their layer alone
are one family: dead where all of it is, else said (the first carry of equal streams has none). A
gradient below the limit that both precisions agree on is faint, not dead: a warning.
A parameter with a gradient that four steps leave as it was is dead too: no optimiser holds it.
"""

import math
from collections import defaultdict
from typing import Any

import torch

from partbench.testing.audit.finding import Finding
from partbench.testing.audit.kinds import family, trains
from partbench.testing.learning import train_briefly
from partbench.testing.subject import Subject

STEPS, LIMIT = 4, 1e-10


def dead_gradient(subject: Subject) -> Finding | None:
    """In both precisions."""
    return _gradients(subject, ("float64", "float32"))


def dead_gradient_quickly(subject: Subject) -> Finding | None:
    """In float32 alone, which is what trains."""
    return _gradients(subject, ("float32",))


def _gradients(subject: Subject, precisions: tuple[str, ...]) -> Finding | None:
    if not trains(subject):
        return None
    looks: list[dict[str, list[float]]] = []
    still: set[str] = set()
    for precision in precisions:
        shares, still = shares_over_steps(subject, precision)
        looks.append(shares)
    rows = {
        name: [min(step) for step in zip(*(look[name] for look in looks), strict=True)]
        for name in looks[0]
    }
    best = {name: max(shares) for name, shares in rows.items()}
    families = defaultdict(list)
    for name in rows:
        families[family(name)].append(name)
    alive = {group: max(best[name] for name in names) for group, names in families.items()}
    number = min(alive.values(), default=math.inf)
    broken = [name for name, shares in rows.items() if any(s != s for s in shares)]
    if broken:
        found = f"the gradient of {broken[0]} is not finite"
        advice = "look for a division, a root or a logarithm of what can be zero"
        return Finding("dead gradient", found, math.nan, LIMIT, "fail", advice)
    stuck = [g for g, names in families.items() if alive[g] > LIMIT and set(names) <= still]
    if stuck:
        found = f"gets a gradient and does not move: {', '.join(stuck)}"
        advice = "no optimiser group holds it, or something puts it back"
        return Finding("dead gradient", found, 0.0, LIMIT, "fail", advice)
    dead = [group for group, value in alive.items() if value <= LIMIT]
    if dead:
        peaks = [[max(max(look[n]) for n in families[g]) for look in looks] for g in dead]
        faint = all(min(peak) > 0 and max(peak) < 100 * min(peak) for peak in peaks)
        share = f" ({number:.1g} of all)" if faint else ""
        found = f"no gradient at steps 0 to {STEPS - 1}{share}: {', '.join(dead)}"
        advice = "it cannot learn: is it saturated where it starts, detached, or unused?"
        if faint:
            advice = "it may learn after hundreds of steps: start it where it is felt"
        return Finding("dead gradient", found, number, LIMIT, "warn" if faint else "fail", advice)
    partly = [name for name, value in best.items() if value <= LIMIT]
    late = {g: min(_first(rows[n]) for n in names) for g, names in families.items()}
    last = max(late.values(), default=0)
    found = f"all {len(rows)} parameters alive at step 0"
    if last:
        found = f"alive from step {last}: {', '.join(g for g, s in late.items() if s == last)}"
    if partly:
        found = f"{len(partly)} of {len(rows)} get none, others of their kind do: {partly[0]}"
        advice = "right where a layer cannot matter (the carry of equal streams), else look there"
        return Finding("dead gradient", found, number, LIMIT, "warn", advice)
    return Finding("dead gradient", found, number, LIMIT, "pass")


def shares_over_steps(subject: Subject, precision: str) -> tuple[dict[str, list[float]], set[str]]:
    """Parameter -> its share of the gradient's length at each step; nan where it is not finite.

    And the parameters that the steps did not move.
    """
    model: Any = subject.model(precision, awake=False)
    start = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    rows: dict[str, list[float]] = {name: [] for name, _ in model.named_parameters()}

    def look(step: int) -> None:
        norms = {
            name: 0.0 if weight.grad is None else weight.grad.detach().double().norm().item()
            for name, weight in model.named_parameters()
        }
        total = math.sqrt(sum(norm * norm for norm in norms.values())) or 1.0
        for name, norm in norms.items():
            rows[name].append(norm / total if math.isfinite(norm) else math.nan)

    train_briefly(subject, model, STEPS, look)
    still = {n for n, weight in model.named_parameters() if torch.equal(weight, start[n])}
    return rows, still


def _first(shares: list[float]) -> int:
    return next((step for step, share in enumerate(shares) if share > LIMIT), STEPS)
