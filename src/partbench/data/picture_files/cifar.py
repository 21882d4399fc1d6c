"""CIFAR-10 in its own binary format.

    each picture: 1 byte label, then 1,024 bytes red, 1,024 green, 1,024 blue, row by row

A folder holds `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`, whose pictures are for
the last test; `batches.meta.txt` names the classes. Source: Krizhevsky 2009, "Learning multiple
layers of features from tiny images".
"""

from pathlib import Path

import numpy as np

from partbench.data.picture_files.raw import LARGEST_BYTES, Raw, refused

SIDE, CHANNELS, CLASSES = 32, 3, 10
RECORD = 1 + SIDE * SIDE * CHANNELS


def files(path: Path) -> list[Path]:
    """The files of a folder in order, the test batch last; empty where it has none."""
    if not path.is_dir():
        return []
    training = sorted(path.glob("data_batch_*.bin"))
    rest = [path / name for name in ("test_batch.bin", "batches.meta.txt")]
    return training + [file for file in rest if file.is_file()] if training else []


def read(path: Path) -> Raw:
    """The pictures of a folder; DataError for what is damaged or cut off."""
    batches = [_records(file) for file in sorted(path.glob("data_batch_*.bin"))]
    test = path / "test_batch.bin"
    num_test = 0
    if test.is_file():
        batches.append(_records(test))
        num_test = len(batches[-1])
    records = np.concatenate(batches)
    pixels = records[:, 1:].reshape(-1, CHANNELS, SIDE, SIDE).transpose(0, 2, 3, 1)
    return Raw(np.ascontiguousarray(pixels), records[:, 0], _classes(path), num_test=num_test)


def _records(file: Path) -> np.ndarray:
    try:
        size = file.stat().st_size
        data = file.read_bytes() if size <= LARGEST_BYTES else b""
    except OSError as error:
        raise refused(file, f"cannot be read ({error.strerror})", "check its permissions") from None
    if not data or len(data) % RECORD:
        why = f"has {size} bytes, which is no whole number of pictures of {RECORD} bytes"
        raise refused(file, why, "it is cut off or of another format: fetch it again")
    records = np.frombuffer(data, np.uint8).reshape(-1, RECORD)
    if records[:, 0].max() >= CLASSES:
        raise refused(file, f"has a label {records[:, 0].max()} beyond 9", "it is not CIFAR-10")
    return records


def _classes(path: Path) -> tuple[str, ...]:
    meta = path / "batches.meta.txt"
    if meta.is_file():
        names = meta.read_text(encoding="utf-8", errors="replace").split()
        if len(names) == CLASSES:
            return tuple(names)
    return tuple(map(str, range(CLASSES)))
