"""What is trained on, and the number that decides. The contract is in contract.py.

Before the `*` in a task's `__init__`: `dims`, of which it reads `context`; after it: settings.
"""

from partbench.tasks.documents import Documents
from partbench.tasks.language import Language

PARTS = {"language": Language, "documents": Documents}
