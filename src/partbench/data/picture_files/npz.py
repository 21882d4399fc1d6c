"""Pictures in an .npz file of NumPy arrays; nothing pickled is read.

    x uint8 [picture, height, width(, channel)], y [picture] whole numbers from 0
    or several drawings of the same things: google_x, google_y, twitter_x, twitter_y, ...
    classes [class] names; skin or google_skin [picture] true where a picture is a variant

Row i of every drawing is the same thing, so all of them stay in one fold, and with them whatever
has a drawing that is equal to one of theirs (flags of islands and of their countries). Variants of
skin colour, which are near copies, are left out, and so is a class "Component" (parts of pictures,
too few to learn from); the classes that are left are numbered anew.
"""

import zipfile
from pathlib import Path

import numpy as np

from partbench.data.picture_files.raw import LARGEST_BYTES, Raw, refused

LEFT_OUT = "Component"


def files(path: Path) -> list[Path]:
    """The file itself where it is an .npz."""
    return [path] if path.is_file() and path.suffix.lower() == ".npz" else []


def read(path: Path) -> Raw:
    """The pictures of a file; DataError for one that is damaged or holds something else."""
    arrays = _arrays(path)
    styles = sorted(name[:-1] for name in arrays if name == "x" or name.endswith("_x"))
    if not styles:
        raise refused(path, "has no array called x or NAME_x", "see docs/images.md for the names")
    pixels: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    groups: list[np.ndarray] = []
    for style in styles:
        x, y, kept = _drawing(path, arrays, style)
        if pixels and x.shape[1:] != pixels[0].shape[1:]:
            raise refused(path, f"has pictures of another size in {style}x", "make all one size")
        pixels.append(x[kept])
        labels.append(y[kept])
        groups.append(np.flatnonzero(kept))
    return _numbered(path, arrays, *map(np.concatenate, (pixels, labels, groups)))


def _numbered(
    path: Path, arrays: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray, groups: np.ndarray
) -> Raw:
    """All drawings as one set, its classes numbered from 0 without gaps."""
    if "classes" in arrays:
        names = tuple(str(name) for name in arrays["classes"].ravel())
    else:
        names = tuple(map(str, range(int(y.max(initial=0)) + 1)))
    if len(y) and int(y.max()) >= len(names):
        raise refused(path, f"has a label {y.max()} and {len(names)} classes", "mend its labels")
    kept = np.array([names[label] != LEFT_OUT for label in y], bool)
    used = sorted(set(y[kept].tolist()))
    if len(used) < 2 or len(used) > 256:
        raise refused(path, f"has {len(used)} classes with pictures", "give 2 to 256")
    return Raw(
        np.ascontiguousarray(x[kept]),
        np.searchsorted(used, y[kept]).astype(np.uint8),
        tuple(names[label] for label in used),
        groups=_joined(x[kept], groups[kept]),
    )


def _joined(x: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """The groups, those that share an equal picture made one."""
    parent = {group: group for group in groups.tolist()}

    def root(group: int) -> int:
        while parent[group] != group:
            group = parent[group]
        return group

    seen: dict[bytes, int] = {}
    for picture, group in zip(x, groups.tolist(), strict=True):
        first = seen.setdefault(picture.tobytes(), group)
        one, other = sorted((root(first), root(group)))
        parent[other] = one
    return np.array([root(group) for group in groups.tolist()], np.int64)


def _drawing(
    path: Path, arrays: dict[str, np.ndarray], style: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels, labels and which rows to keep of one drawing."""
    x, y = arrays[f"{style}x"], arrays.get(f"{style}y")
    if x.ndim == 3:
        x = x[..., None]
    if x.dtype != np.uint8 or x.ndim != 4 or not x.size or x.shape[3] > 4:
        why = f"has {style}x of {x.dtype} {list(x.shape)}"
        raise refused(path, why, "give uint8 [picture, height, width, channel], 4 channels at most")
    if y is None or y.shape != (len(x),) or y.dtype.kind not in "ui":
        raise refused(path, f"has no whole number a picture in {style}y", "give one label each")
    if y.min() < 0:
        raise refused(path, f"has a label below zero in {style}y", "count classes from 0")
    skin = arrays.get(f"{style}skin", np.zeros(len(x), bool))
    if skin.shape != (len(x),) or skin.dtype != bool:
        raise refused(path, f"has no truth value a picture in {style}skin", "give one each")
    return x, y.astype(np.int64), ~skin


def _arrays(path: Path) -> dict[str, np.ndarray]:
    remedy = "fetch it again"
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > LARGEST_BYTES:
            raise refused(path, f"says that it unpacks to {size} bytes", remedy)
        with np.load(path, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except (zipfile.BadZipFile, EOFError, zipfile.zlib.error) as error:  # type: ignore[attr-defined]
        raise refused(path, f"is damaged ({error})", remedy) from None
    except ValueError as error:  # a pickled array, or a header that lies about its size
        raise refused(path, f"holds what is not read ({error})", "save plain arrays") from None
    except OSError as error:
        raise refused(path, f"cannot be read ({error})", "check its permissions") from None
