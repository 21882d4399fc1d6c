"""idx files: MNIST, Fashion-MNIST and their like, plain or gzipped.

    00 00 type axes, then one big-endian 32-bit size an axis, then the numbers; type 08 is uint8

A folder holds `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` and the same with `t10k`, which
are the test pictures and may be absent. Source: LeCun, Cortes, Burges, "The MNIST database".
"""

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np

from partbench.data.picture_files.raw import LARGEST_BYTES, Raw, refused

PARTS = ("train", "t10k")
FASHION = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
           "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")  # fmt: skip
"""Names of Fashion-MNIST's classes; idx files hold numbers alone."""


def files(path: Path) -> list[Path]:
    """The idx files of a folder, those for training first; empty where it has none."""
    if not path.is_dir():
        return []
    found = [_one(path, part, kind) for part in PARTS for kind in ("images-idx3", "labels-idx1")]
    return [file for file in found if file is not None]


def read(path: Path) -> Raw:
    """The pictures of a folder; DataError for what is missing, damaged or cut off."""
    pixels, labels = _pair(path, "train")
    num_test = 0
    if any(_one(path, "t10k", kind) for kind in ("images-idx3", "labels-idx1")):
        test = _pair(path, "t10k")
        if test[0].shape[1:] != pixels.shape[1:]:
            raise refused(path, "has test pictures of another size", "fetch the files again")
        num_test = len(test[1])
        pixels, labels = np.concatenate([pixels, test[0]]), np.concatenate([labels, test[1]])
    count = int(labels.max()) + 1
    fashion = "fashion" in path.name.lower() and count == len(FASHION)
    classes = FASHION if fashion else tuple(map(str, range(count)))
    return Raw(pixels[..., None], labels, classes, num_test=num_test)


def _pair(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    found = []
    for kind, axes in (("images-idx3", 3), ("labels-idx1", 1)):
        file = _one(folder, part, kind)
        if file is None:
            wanted = f"{part}-{kind}-ubyte or {part}-{kind}-ubyte.gz"
            raise refused(folder, f"has no {wanted}", "put it there")
        found.append(_array(file, axes))
    pixels, labels = found
    if len(pixels) != len(labels):
        raise refused(
            folder, f"has {len(pixels)} {part} pictures and {len(labels)} labels", "fetch it again"
        )
    if not pixels.size:
        raise refused(folder, f"has no {part} pictures in its files", "fetch it again")
    return pixels, labels


def _one(folder: Path, part: str, kind: str) -> Path | None:
    for name in (f"{part}-{kind}-ubyte", f"{part}-{kind}-ubyte.gz"):
        if (folder / name).is_file():
            return folder / name
    return None


def _array(file: Path, axes: int) -> np.ndarray:
    """The numbers of one idx file, uint8 with `axes` axes."""
    remedy = "fetch it again"
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as source:
            head = source.read(4 + 4 * axes)
            if len(head) < 4 + 4 * axes or head[:4] != bytes([0, 0, 8, axes]):
                raise refused(file, f"is no idx file of bytes with {axes} axes", remedy)
            shape = struct.unpack(f">{axes}I", head[4:])
            size = int(np.prod(shape, dtype=np.float64))
            if size > LARGEST_BYTES:
                raise refused(file, f"says that it holds {size} bytes", remedy)
            data = source.read(size + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise refused(file, f"is damaged ({error})", remedy) from None
    except OSError as error:
        raise refused(file, f"cannot be read ({error.strerror})", "check its permissions") from None
    if len(data) != size:
        kind = "cut off" if len(data) < size else "longer than it says"
        raise refused(file, f"is {kind}: {len(data)} of {size} bytes", remedy)
    return np.frombuffer(data, np.uint8).reshape(shape)
