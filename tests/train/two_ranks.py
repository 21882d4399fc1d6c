"""Run cells one after the other on the ranks that torchrun started.

    torchrun --nproc-per-node 2 tests/train/two_ranks.py FOLDER[@STOP] ...

Each folder holds a spec; a cell with a STOP ends after that step with a checkpoint.
"""

import sys
from contextlib import suppress
from pathlib import Path

from partbench.core.cell import SPEC, Cell
from partbench.core.errors import PartbenchError
from partbench.core.numerics import Numerics
from partbench.train.loop import Stopped
from partbench.train.parallel import Ranks, joined, leave
from partbench.train.record import run_cell

if __name__ == "__main__":
    with joined(Numerics(ranks=2)) as here:
        for word in sys.argv[1:]:
            folder, _, stop = word.partition("@")
            cell = Cell.read(Path(folder) / SPEC)
            ranks = Ranks(cell.how, here.rank, here.size)
            # Rank 1 alone is asked, as a rank of another node may be: all must stop.
            asked = int(stop) if stop and here.rank else -1
            with suppress(Stopped, PartbenchError):
                run_cell(cell, Path(folder), lambda s, n, x, asked=asked: s == asked, ranks)
    leave(here, 0)
