"""Types of settings that say their range, so that a wrong number is refused before any cell.

    def __init__(self, *, ratio: Positive = 4.0, warmup: Share = 0.05) -> None: ...

They are plain numbers to the part; the menu checks them when a configuration is resolved.
"""

from typing import Annotated

from annotated_types import Ge, Gt, Lt

Positive = Annotated[float, Gt(0)]
NotNegative = Annotated[float, Ge(0)]
Share = Annotated[float, Ge(0), Lt(1)]
Count = Annotated[int, Ge(1)]

IN_WORDS = {
    "Positive": "a number above 0",
    "NotNegative": "a number from 0 up",
    "Share": "a number from 0 up to but not including 1",
    "Count": "a whole number from 1 up",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "a word in quotes",
}
"""What to say where a value does not fit; other types are shown as they are written."""
