"""What is trained on, and the number that decides. The contract is in contract.py.

Before the `*` in a task's `__init__`, where it asks for them: `dims`, of which it reads `context`,
`pair`, the seed it is built for, and the factories of its slots (`tokenizer`, `data`); after it:
settings.
"""

from partbench.tasks.documents import Documents
from partbench.tasks.images import Images
from partbench.tasks.language import Language
from partbench.tasks.symbolic import Symbolic

PARTS = {
    "language": Language,
    "documents": Documents,
    "images": Images,
    "symbolic": Symbolic,
}
