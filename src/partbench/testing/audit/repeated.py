"""Does the same seed give the same bits, and does a score leave the model as it was?

Measured, in float32: losses of two models of one seed, with other models built and other numbers
drawn between; losses of one batch before and after another was scored; losses of three training
steps, twice. Torch's generator is set before each, so dropout may draw. Limit 0.
"""

import torch

from partbench.testing.audit.finding import Finding
from partbench.testing.audit.kinds import trains
from partbench.testing.learning import train_briefly
from partbench.testing.subject import Subject, largest_gap, random_batch


def determinism(subject: Subject) -> Finding:
    """The worst of the three."""
    gaps = {
        "two models of one seed differ": _seeds(subject),
        "a score changes the next": _calls(subject),
    }
    if trains(subject):
        gaps["two trainings of one seed differ"] = _runs(subject)
    what, gap = max(gaps.items(), key=lambda item: item[1])
    if gap == 0:
        return Finding("determinism", "the same bits each time", 0.0, 0.0, "pass")
    advice = "draw from torch's own generator, keep nothing on the module or the class"
    return Finding("determinism", what, gap, 0.0, "fail", advice)


@torch.no_grad()
def _seeds(subject: Subject) -> float:
    batch = random_batch("bits")
    found: list[torch.Tensor] = []
    for _ in range(2):
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(5 + len(found))  # a build may not depend on it
            model = subject.model("float32")
            torch.default_generator.manual_seed(3)
            found.append(model.score(batch).nll)
        subject.model("float32", seed=5).score(random_batch("other"))
    return largest_gap(*found)


@torch.no_grad()
def _calls(subject: Subject) -> float:
    model, batch, found = subject.model("float32"), random_batch("bits"), []
    for _ in range(2):
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(3)
            found.append(model.score(batch).nll)
        model.score(random_batch("other"))
    return largest_gap(*found)


def _runs(subject: Subject) -> float:
    found = []
    for _ in range(2):
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(3)
            losses = train_briefly(subject, subject.model("float32", awake=False), 3)
        found.append(torch.tensor(losses))
    return largest_gap(*found)
