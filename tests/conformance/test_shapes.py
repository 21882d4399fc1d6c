"""Every signature's shapes hold, checked while every part runs, in a process of its own."""

import subprocess
import sys

import pytest

RUN = """
from jaxtyping import install_import_hook
install_import_hook(["partbench.parts", "partbench.models.transformer"], "beartype.beartype")
import torch
from partbench.core import menu
from partbench.testing import variants
from partbench.testing.subject import BUILT, CONTEXT, random_batch

broken = []
for slot in BUILT:
    for subject in [s for name in menu.names(slot) for s in variants(slot, name)]:
        for attention in ("fused", "explicit"):
            try:
                model, batch = subject.model("float32", attention), random_batch("shapes")
                model.score(batch).nll.mean()
                model(batch.inputs)
                if subject.seeing:
                    continue
                _, state = model.step(batch.inputs[:, :5], model.begin(3, CONTEXT))
                model.step(batch.inputs[:, 5:6], state)
            except Exception as error:
                broken.append(f"{subject}: {str(error)[:300]}")
print("\\n".join(broken) or "all hold")
"""


@pytest.mark.slow
def test_no_signature_claims_a_shape_that_is_not_so() -> None:
    done = subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "all hold", done.stdout + done.stderr
