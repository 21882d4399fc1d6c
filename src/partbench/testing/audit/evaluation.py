"""Is a model in evaluation the model that was trained, without chance?

Measured: in eval() two scores of one batch under two states of the random generator, the largest
difference (limit 0): dropout that goes on in evaluation, as scaled_dot_product_attention does with
the dropout it is handed. Where neither mode draws, train() against eval() (limit 0, a warning): a
batch statistic or a switch that makes the scored model another one than the trained.
"""

import torch

from partbench.testing.audit.finding import Finding
from partbench.testing.subject import Subject, largest_gap, random_batch


@torch.no_grad()
def evaluation(subject: Subject) -> Finding:
    """Chance in evaluation, then a difference between the modes."""
    model, batch = subject.model("float32"), random_batch("evaluation")
    found = []
    with torch.random.fork_rng(devices=[]):
        for training in (False, True):
            model.train(training)
            for seed in (1, 2):
                torch.default_generator.manual_seed(seed)
                found.append(model.score(batch).nll)
    chance, noise = largest_gap(found[0], found[1]), largest_gap(found[2], found[3])
    modes = largest_gap(found[0], found[2])
    check = "evaluation"
    if chance > 0:
        advice = "draw only `if self.training`; hand dropout 0 to functions in evaluation"
        return Finding(check, "two evaluations differ: it draws", chance, 0.0, "fail", advice)
    if noise > 0:
        return Finding(check, "draws in training only", 0.0, 0.0, "pass")
    if modes > 0:
        advice = "the model that is scored is not the one that is trained: is that meant?"
        return Finding(check, "train() and eval() differ", modes, 0.0, "warn", advice)
    return Finding(check, "the same in train() and eval()", 0.0, 0.0, "pass")
