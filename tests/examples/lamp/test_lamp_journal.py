"""What is in the journal stays there; what was torn is cut off; damage is not read over."""

import threading

import pytest
from lamp.journal import NAME, Journal, read

from partbench.core.errors import BusyError, DataError

EVENTS = [{"kind": "heard", "number": at, "text": "light ä\n" * at, "at": 0.5} for at in range(3)]


def written(folder):
    journal = Journal(folder)
    journal.append(*EVENTS)
    journal.close()
    return folder / NAME


def test_events_come_back_in_order(tmp_path):
    written(tmp_path / "new" / "home")
    journal = Journal(tmp_path / "new" / "home")
    assert journal.events == EVENTS
    assert journal.end == (tmp_path / "new" / "home" / NAME).stat().st_size
    journal.close()


def test_wherever_it_is_torn_whole_events_remain_and_new_ones_follow(tmp_path):
    path = written(tmp_path)
    data = path.read_bytes()
    ends = [end for _, end in read(path)]
    for cut in sorted({*range(0, len(data), 9), *ends, *(end - 1 for end in ends)}):
        path.write_bytes(data[:cut])
        journal = Journal(tmp_path)
        whole = sum(end <= cut for end in ends)
        assert journal.events == EVENTS[:whole]
        journal.append({"kind": "began", "at": 1.0})
        journal.close()
        assert [event for event, _ in read(path)] == [*EVENTS[:whole], {"kind": "began", "at": 1.0}]


def test_a_part_of_it_can_be_read(tmp_path):
    path = written(tmp_path)
    ends = [end for _, end in read(path)]
    assert [event for event, _ in read(path, ends[0], ends[1])] == EVENTS[1:2]
    assert list(read(path, ends[2], ends[2])) == []


def test_damage_before_the_end_is_named_and_nothing_is_lost(tmp_path):
    path = written(tmp_path)
    data = bytearray(path.read_bytes())
    data[12] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match="damaged at byte 0"):
        Journal(tmp_path)
    assert path.read_bytes() == bytes(data)


def test_two_lamps_cannot_share_a_journal(tmp_path):
    journal = Journal(tmp_path)
    with pytest.raises(BusyError, match="another lamp"):
        Journal(tmp_path, patience=0.0)
    threading.Timer(0.1, journal.close).start()
    Journal(tmp_path, patience=30.0).close()
