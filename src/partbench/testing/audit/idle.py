"""Has every parameter a role, and does moving it change what comes out?

Measured: in a shaken float64 model each parameter gets noise of .2 by itself; the largest change of
any loss. Limit: anything above 1e-12. What is computed and thrown away changes nothing: public
"hyper-connections" carried unmixed streams for a year. A parameter without a role is not drawn, not
decayed and in no optimiser group; the model cannot be built with one.
"""

from collections import defaultdict

import torch

from partbench.core.errors import ConfigError
from partbench.models import accounting
from partbench.testing.audit.finding import Finding
from partbench.testing.audit.kinds import family
from partbench.testing.subject import Subject, largest_gap, random_batch, shake, steadily

ADVICE = "use it or remove it: it is computed and thrown away, or saturated"


def role(subject: Subject) -> Finding:
    """Every parameter by name; the error names the first that has none."""
    try:
        model = subject.model("float32", awake=False)
        count = len(accounting.roles(model))
    except ConfigError as error:
        if "has no role" not in str(error):
            raise
        words = str(error).partition(";")
        return Finding("parameter roles", words[0], None, None, "fail", words[2].strip())
    return Finding("parameter roles", f"all {count} have one", 0.0, 0.0, "pass")


@torch.no_grad()
def idle_parameter(subject: Subject) -> Finding:
    """The least that moving any kind of parameter changes."""
    model, batch = subject.model(), random_batch("idle")
    before = steadily(model, batch)
    changed: dict[str, float] = defaultdict(float)
    for name, weight in model.named_parameters():
        kept, only = weight.clone(), torch.nn.ParameterDict({"x": weight})
        shake(only, 7)
        after = steadily(model, batch)
        weight.copy_(kept)
        gaps = [largest_gap(before.nll, after.nll)]
        gaps += [largest_gap(value, after.extra[key]) for key, value in before.extra.items()]
        changed[family(name)] = max(changed[family(name)], *gaps)
    number = min(changed.values(), default=1.0)
    idle = [group for group, gap in changed.items() if gap <= 1e-12]
    if not idle:
        found = f"each of {len(changed)} kinds changes the losses"
        return Finding("idle parameter", found, number, 1e-12, "pass")
    found = f"moving it changes nothing: {', '.join(idle)}"
    return Finding("idle parameter", found, number, 1e-12, "fail", ADVICE)
