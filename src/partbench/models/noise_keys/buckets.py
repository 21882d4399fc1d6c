"""Order-preserving cuckoo buckets: like keys lie in one bucket, or in the one beside it.

A key's digits, interleaved over its coordinates by significance, name its home bucket by their
first q. A bucket holds `slots` keys. Where the home is full, room is made as in cuckoo hashing, but
along the order: at most `max_kicks` keys each move to the bucket beside their home. Where there is
none, the home splits by one digit more, so that an insertion never fails. Keys that agree in every
digit share one bucket, which then has further rows.
Source: the note asks for "a version of cuckoo hashing where similar values are stored near each
other"; cuckoo hashing: Pagh and Rodler 2004, doi:10.1016/j.jalgor.2003.12.002.
"""

import numpy as np

from partbench.models.noise_keys.arrays import Grown, packed, ranges

Array = np.ndarray
NONE = -1
NODE_COLUMNS = ("child", "parent", "row", "left", "right", "count")
FAN = 10


class Buckets:
    """A tree of digit prefixes whose leaves are buckets.

    digits: of all keys, uint8 [keys, length], interleaved. A node is a row of `nodes`: its first of
    ten children, its parent, its row of slots, the rows to its left and right that hold keys of
    its own (NONE for none), and how many keys are below it. `slots` [rows, slots] holds key
    numbers; `more` [rows] goes on where all digits agree. `home` and `place` are by key.
    """

    def __init__(self, digits: Array, slots: int = 16, max_kicks: int = 4) -> None:
        self.width, self.max_kicks = slots, max_kicks
        self._digits = Grown(digits)
        self.moved = 0  # keys that lie beside their home
        self._build(np.arange(len(digits)))

    @property
    def digits(self) -> Array:
        """Of all keys, uint8 [keys, length]."""
        return self._digits.data

    # -- all at once -----------------------------------------------------------------------------

    def _build(self, keys: Array) -> None:
        """Lay out `keys` from nothing: split while more than `slots` share a prefix."""
        order = keys[np.lexsort(packed(self.digits[keys])[::-1])]
        nodes = [np.array([[NONE, NONE, NONE, NONE, NONE, len(order)]], np.int32)]
        low = np.zeros(1, np.int64)
        size = np.array([len(order)])
        number = np.zeros(1, np.int64)
        total, depth = 1, 0
        leaves: list[tuple[Array, Array, Array]] = []
        while len(number):
            wide = (size > self.width) & (depth < self.digits.shape[1])
            leaves.append((number[~wide], low[~wide], size[~wide]))
            number, low, size = number[wide], low[wide], size[wide]
            if not len(number):
                break
            owner, at = ranges(low, size)
            digit = self.digits[order[at], depth]
            counts = np.bincount(owner * FAN + digit, minlength=FAN * len(number))
            children = total + np.arange(FAN * len(number))
            made = np.full((len(children), len(NODE_COLUMNS)), NONE, np.int32)
            made[:, 1], made[:, 5] = np.repeat(number, FAN), counts
            nodes.append(made)
            self._adopt(nodes, number, children[::FAN])
            inside = counts.reshape(-1, FAN)
            low = (low[:, None] + inside.cumsum(1) - inside).ravel()
            number, size, total, depth = children, counts, total + len(children), depth + 1
        self.nodes = Grown(np.concatenate(nodes))
        self.home = Grown(np.full(len(self.digits), NONE, np.int32))
        self.place = Grown(np.full(len(self.digits), NONE, np.int64))
        self._fill(order, *(np.concatenate(column) for column in zip(*leaves, strict=True)))

    @staticmethod
    def _adopt(nodes: list[Array], parents: Array, first: Array) -> None:
        """Tell `parents`, all in the last level but one, where their children begin."""
        before = sum(len(level) for level in nodes[:-2])
        nodes[-2][parents - before, 0] = first

    def _fill(self, order: Array, leaf: Array, low: Array, size: Array) -> None:
        """Put the sorted keys into the rows of their leaves, empty leaves without a row."""
        full = size > 0
        leaf, low, size = leaf[full], low[full], size[full]
        rows = -(-size // self.width)
        first = np.cumsum(rows) - rows
        table = np.full((int(rows.sum()), self.width), NONE, np.int32)
        more = np.full(len(table), NONE, np.int32)
        owner, at = ranges(low, size)
        slot = first[owner] * self.width + at - low[owner]
        table.ravel()[slot] = order[at]
        _, inner = ranges(first, rows - 1)
        more[inner] = inner + 1
        self.slots, self.more = Grown(table), Grown(more)
        self.nodes.data[leaf, 2] = first
        self.home.data[order[at]] = leaf[owner]
        self.place.data[order[at]] = slot

    # -- one at a time ---------------------------------------------------------------------------

    def insert(self, key: int) -> None:
        """Put in key number `key`, whose digits are there already."""
        self.nodes.data[0, 5] += 1
        self._settle(key, 0, 0)

    def _settle(self, key: int, node: int, depth: int) -> None:
        """Go down to the key's home and find room: there, beside it, or by a split."""
        while self.nodes.data[node, 0] != NONE:
            node = int(self.nodes.data[node, 0]) + int(self.digits[key][depth])
            self.nodes.data[node, 5] += 1
            depth += 1
        row = self._row(node)
        if self._free(row) == NONE and depth < self.digits.shape[1] and not self._make_room(node):
            self._split(node, depth)
            self._settle(key, node, depth)
            return
        while (slot := self._free(row)) == NONE:  # all digits agree, so a split cannot help
            if self.more.data[row] == NONE:
                new = self._new_row()  # first: growing moves the table that is written to
                self.more.data[row] = new
            row = int(self.more.data[row])
        self._put(key, node, row, slot)

    def _make_room(self, leaf: int) -> bool:
        """Shift one key of each bucket along the order to the next, up to one with a free slot."""
        for step in (1, -1):
            chain = [leaf]
            for _ in range(self.max_kicks):
                beside = self._beside(chain[-1], step)
                if beside == NONE:
                    break
                chain.append(beside)
                if self._free(self._row(beside)) == NONE:
                    continue
                movers = [self._outermost(bucket, step) for bucket in chain[:-1]]
                if NONE in movers:
                    break
                for bucket, key, to in zip(chain[-2::-1], movers[::-1], chain[:0:-1], strict=True):
                    row = self._row(to)
                    self._take(key)
                    self._put(key, bucket, row, self._free(row))
                return True
        return False

    def _split(self, leaf: int, depth: int) -> None:
        """Ten buckets where there was one; its keys go home, guests find another place."""
        own, guests = self._keys_of(leaf), []
        for row in self._rows(leaf):
            guests += [int(k) for k in self.slots.data[row] if k != NONE and k not in own]
        homes = {key: int(self.home.data[key]) for key in guests}
        for key in own + guests:
            self._take(key)
        first = self.nodes.append(np.full((FAN, len(NODE_COLUMNS)), NONE, np.int32))
        self.nodes.data[first : first + FAN, 1] = leaf
        self.nodes.data[first : first + FAN, 5] = 0
        spare, self.nodes.data[leaf, 2] = int(self.nodes.data[leaf, 2]), NONE
        self.nodes.data[leaf, 0] = first
        self.nodes.data[first, 2] = spare  # the row goes to the first of the ten
        for key in own:
            self._settle(key, leaf, depth)
        for key in guests:
            self._settle(key, homes[key], self._depth(homes[key]))

    def delete(self, key: int) -> None:
        """Take key number `key` out; its bucket stays."""
        node = int(self.home.data[key])
        self._take(key)
        self.home.data[key] = NONE
        while node != NONE:
            self.nodes.data[node, 5] -= 1
            node = int(self.nodes.data[node, 1])

    def _put(self, key: int, leaf: int, row: int, slot: int) -> None:
        self.slots.data[row, slot] = key
        self.home.data[key], self.place.data[key] = leaf, row * self.width + slot
        if row not in self._rows(leaf):
            self.moved += 1
            left = self._beside(leaf, -1)
            side = 3 if left != NONE and row in self._rows(left) else 4
            self.nodes.data[leaf, side] = row

    def _take(self, key: int) -> None:
        leaf, place = int(self.home.data[key]), int(self.place.data[key])
        row = place // self.width
        self.slots.data[row, place % self.width] = NONE
        self.place.data[key] = NONE
        if row not in self._rows(leaf):
            self.moved -= 1
            rest = self.slots.data[row]
            if not (self.home.data[rest[rest != NONE]] == leaf).any():
                sides = self.nodes.data[leaf, 3:5]
                sides[sides == row] = NONE

    def _keys_of(self, leaf: int) -> list[int]:
        """The keys whose home is `leaf`, wherever they lie."""
        rows = [*self._rows(leaf), *(r for r in self.nodes.data[leaf, 3:5] if r != NONE)]
        held = self.slots.data[rows].ravel()
        held = held[held != NONE]
        return [int(key) for key in held[self.home.data[held] == leaf]]

    def _outermost(self, leaf: int, step: int) -> int:
        """The largest (step 1) or smallest key at home in the bucket's first row, NONE for none."""
        held = self.slots.data[self._row(leaf)]
        held = held[held != NONE]
        held = held[self.home.data[held] == leaf]
        if not len(held):
            return NONE
        order = np.lexsort(packed(self.digits[held])[::-1])
        return int(held[order[-1 if step == 1 else 0]])

    def _beside(self, node: int, step: int) -> int:
        """The leaf next in order, NONE at the ends."""
        edge = FAN - 1 if step == 1 else 0
        while True:
            parent = int(self.nodes.data[node, 1])
            if parent == NONE:
                return NONE
            digit = node - int(self.nodes.data[parent, 0])
            if digit != edge:
                node += step
                break
            node = parent
        while self.nodes.data[node, 0] != NONE:
            node = int(self.nodes.data[node, 0]) + (FAN - 1 - edge)
        return node

    def _depth(self, node: int) -> int:
        depth = 0
        while (node := int(self.nodes.data[node, 1])) != NONE:
            depth += 1
        return depth

    def _row(self, leaf: int) -> int:
        if self.nodes.data[leaf, 2] == NONE:
            self.nodes.data[leaf, 2] = self._new_row()
        return int(self.nodes.data[leaf, 2])

    def _rows(self, leaf: int) -> list[int]:
        found, row = [], int(self.nodes.data[leaf, 2])
        while row != NONE:
            found.append(row)
            row = int(self.more.data[row])
        return found

    def _new_row(self) -> int:
        self.more.append(np.full(1, NONE, np.int32))
        return self.slots.append(np.full((1, self.width), NONE, np.int32))

    def _free(self, row: int) -> int:
        empty = np.flatnonzero(self.slots.data[row] == NONE)
        return int(empty[0]) if len(empty) else NONE

    def add(self, digits: Array) -> None:
        """The digits of keys that are about to be inserted."""
        self._digits.append(digits)
        self.home.reach(len(self.digits), NONE)
        self.place.reach(len(self.digits), NONE)

    @property
    def sizes(self) -> tuple[int, int]:
        """Nodes of the tree, and rows of slots."""
        return len(self.nodes.data), len(self.slots.data)

    @property
    def nbytes(self) -> int:
        """Bytes of all that is held."""
        held = (self._digits, self.nodes, self.slots, self.more, self.home, self.place)
        return sum(grown.data.nbytes for grown in held)
